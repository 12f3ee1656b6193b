//! Applies one root.

use std::sync::Arc;

use async_trait::async_trait;

use super::ground::counted;
use super::{World, weather};
use crate::engine::{Context, Step};
use crate::event::{Failure, Outcome, PlannedStep};

/// Applies the objects of one root, as Git has them, without the state of another cluster.
pub struct ApplyRoot {
    /// What the run knows.
    pub world: Arc<World>,
    /// The step as planned.
    pub planned: PlannedStep,
    /// The root's index in the runbook.
    pub index: usize,
}

#[async_trait]
impl Step for ApplyRoot {
    fn planned(&self) -> PlannedStep {
        self.planned.clone()
    }

    async fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        let (runbook, cluster) = (self.world.runbook()?, self.world.cluster_until_stopped(context)?);
        let manifests = &self.world.prepared()?.roots[self.index];
        let apply = cluster.apply_ranked(manifests, &runbook.agent.namespace, self.world.mode());
        let (sent, same) = weather::told(context, &cluster, apply).await?;
        Ok(Outcome::Done {
            detail: counted(sent, same),
        })
    }
}
