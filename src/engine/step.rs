//! What the engine knows of a step.

use async_trait::async_trait;

use super::Context;
use crate::event::{Failure, Outcome, PlannedStep};

/// Whether what a step did in an earlier run still stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holds {
    /// It does, and the step is not done again. With what is to be said of it.
    Yes(String),
    /// It does not, or only doing it again can tell: a step that may be repeated looks before it writes.
    Again,
}

/// One action of a run.
#[async_trait]
pub trait Step: Send + Sync {
    /// Returns its name, phase, title and effect, as the plan shows them.
    fn planned(&self) -> PlannedStep;

    /// Whether what it did in the run that this one goes on with still stands. Asked only of a step that had finished there
    /// with `earlier`.
    async fn holds(&self, _context: &Context, _earlier: &Outcome) -> Result<Holds, Failure> {
        Ok(Holds::Again)
    }

    /// Does its work. When [`Context::stopped`] resolves it begins nothing new and returns soon.
    async fn run(&self, context: &Context) -> Result<Outcome, Failure>;
}
