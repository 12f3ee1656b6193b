//! What happened, as plain data.
//!
//! The engine emits events; every screen, file and page only reads them. There are four families: [`Run`], [`Step`],
//! [`Node`] and [`Intervention`]. What is particular to an agent is data in them. [`RunState`] is the fold of all events
//! and the only state that anyone may show. The JSON form of an [`Event`] is the journal's line and the output of
//! `--output json`: a promise of compatibility. An unknown family or happening is read as `Unknown` and skipped.

mod begun;
mod body;
mod brief;
mod failure;
mod node;
#[cfg(test)]
pub(crate) mod properties;
mod run;
mod sink;
mod state;
mod step;

pub use begun::Begun;
pub use body::{Body, Event};
pub use brief::one_line;
pub use failure::{Failed, Failure, OUTPUT};
pub use node::{Blocker, Intervention, Node, NodePhase};
pub use run::{Exception, Run, RunId, RunOutcome, Waits};
pub use sink::Sink;
pub use state::{Answered, Cluster, Expectation, NodeState, RunState, StepState, StepStatus};
pub use step::{Effect, Outcome, Phase, PlannedStep, Question, Step};
