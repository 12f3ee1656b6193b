//! What the engine knows of a step.

use async_trait::async_trait;

use super::Context;
use crate::event::{Failure, Outcome, PlannedStep};

/// One action of a run.
#[async_trait]
pub trait Step: Send + Sync {
    /// Returns its name, phase, title and effect, as the plan shows them.
    fn planned(&self) -> PlannedStep;

    /// Does its work. When [`Context::stopped`] resolves it begins nothing new and returns soon.
    async fn run(&self, context: &Context) -> Result<Outcome, Failure>;
}
