//! What happened, as plain data.
//!
//! The engine emits events; every screen, file and page only reads them. There are four families: [`Run`], [`Step`],
//! [`Node`] and [`Intervention`]. What is particular to an agent is data in them. [`RunState`] is the fold of all events
//! and the only state that anyone may show. The JSON form of an [`Event`] is the journal's line and the output of
//! `--output json`: a promise of compatibility. An unknown family or happening is read as `Unknown` and skipped.

mod body;
mod sink;
mod state;

pub use body::{
    Blocker, Body, Effect, Event, Exception, Failure, Intervention, Node, NodePhase, Outcome, Phase, PlannedStep, Run,
    RunId, RunOutcome, Step,
};
pub use sink::Sink;
pub use state::{Cluster, NodeState, RunState, StepState, StepStatus};
