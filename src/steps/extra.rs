//! Applies manifests that the runbook wants applied between the roots.

use std::sync::Arc;

use async_trait::async_trait;

use super::ground::counted;
use super::{World, weather};
use crate::cluster::Mode;
use crate::engine::{Context, Step};
use crate::event::{Failure, Outcome, PlannedStep};

/// Applies the manifests of one of the runbook's own steps.
pub struct ApplyExtra {
    /// What the run knows.
    pub world: Arc<World>,
    /// The step as planned.
    pub planned: PlannedStep,
    /// The step's index in the runbook.
    pub index: usize,
}

#[async_trait]
impl Step for ApplyExtra {
    fn planned(&self) -> PlannedStep {
        self.planned.clone()
    }

    async fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        let cluster = self.world.cluster_until_stopped(context)?;
        let manifests = self
            .world
            .prepared()?
            .extras
            .get(&self.index)
            .map(Vec::as_slice)
            .unwrap_or_default();
        // The agent may own some of them by now, so each is looked at first.
        let apply = cluster.apply_ranked(manifests, "default", Mode::Careful);
        let (sent, same) = weather::told(context, &cluster, apply).await?;
        Ok(Outcome::Done {
            detail: counted(sent, same),
        })
    }
}
