//! Runs steps in order: one loop owns the sequence and linearises what steps emit, interrupts and timers.
//!
//! The engine does no IO but the journal. It knows steps through one trait and nothing of clusters, agents or stores.

mod alarm;
mod context;
mod end;
pub mod journal;
mod once;
mod person;
mod record;
mod run;
mod step;

pub use alarm::Alarm;
pub use context::Context;
pub use person::{Answer, Nobody, Person};
pub use record::Record;
pub use run::{Engine, Settings};
pub use step::{Holds, Step};
