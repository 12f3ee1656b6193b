//! What the engine knows of a step.

use async_trait::async_trait;

use super::Context;
use crate::event::{Failure, Outcome, PlannedStep};

/// Whether what a step did still stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holds {
    /// It does: the step need not run again.
    Yes,
    /// It does not, or it cannot be told: the step runs again.
    No,
}

/// One action of a run.
#[async_trait]
pub trait Step: Send + Sync {
    /// Returns its name, phase, title and effect, as the plan shows them.
    fn planned(&self) -> PlannedStep;

    /// Says on resume whether what it did still stands.
    async fn holds(&self, _context: &Context) -> Result<Holds, Failure> {
        Ok(Holds::No)
    }

    /// Does its work. When [`Context::stopped`] resolves it begins nothing new and returns soon.
    async fn run(&self, context: &Context) -> Result<Outcome, Failure>;
}
