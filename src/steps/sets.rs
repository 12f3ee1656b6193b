//! Holds ApplicationSets back while a platform comes back, and lets them follow Git's policy once it is settled.
//!
//! Which system it would hit if the target were wrong: the interlock has proved before that it is the right one. And only a
//! controller that bears the mark of a restore is touched; any other one is left as it is.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;

use super::{World, weather};
use crate::cluster::Cluster;
use crate::engine::{Context, Step};
use crate::event::{Failure, Outcome, PlannedStep};
use crate::health;
use crate::platform::argocd::install::{Hold, Sets};

/// Returns how the install is applied so that ApplicationSets are held back, where they are: under a controller that is yet to
/// start, or that a restore started so. One that lives under Git's policy is left alone.
pub(super) async fn hold<'world>(world: &'world World, cluster: &Cluster) -> Result<Option<&'world Hold>, Failure> {
    let Sets::Holdable(hold) = &world.prepared()?.sets else {
        return Ok(None);
    };
    let live = cluster.get(hold.controller()).await?;
    let holds = live.is_none_or(|live| hold.is_on(&live));
    world.held_back.store(holds, Ordering::Relaxed);
    Ok(holds.then_some(hold))
}

/// Puts Git's policy of ApplicationSets back.
pub struct LetSetsGo {
    /// What the run knows.
    pub world: Arc<World>,
    /// The step as planned.
    pub planned: PlannedStep,
}

#[async_trait]
impl Step for LetSetsGo {
    fn planned(&self) -> PlannedStep {
        self.planned.clone()
    }

    async fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        let Sets::Holdable(hold) = &self.world.prepared()?.sets else {
            return Ok(not_held());
        };
        let cluster = self.world.cluster_until_stopped(context)?;
        weather::told(context, &cluster, Box::pin(self.let_go(hold, &cluster, context))).await
    }
}

impl LetSetsGo {
    async fn let_go(&self, hold: &Hold, cluster: &Cluster, context: &Context) -> Result<Outcome, Failure> {
        let controller = hold.controller();
        let note = |why: &str| context.progress(0, None, format!("{controller}: {why}"));
        if !cluster.get(controller).await?.is_some_and(|live| hold.is_on(&live)) {
            // An earlier run may have ended before the controller had started anew.
            if self.world.earlier.get().is_some() {
                cluster.until(controller, health::workload, note).await?;
            }
            return Ok(not_held());
        }
        // The policy first: the mark goes last, so that a run that ends between the two is known not to be done.
        if let Some(settings) = cluster.get(hold.settings()).await?
            && let Some(back) = hold.back(&settings)
        {
            cluster.merge(hold.settings(), &back).await?;
        }
        cluster.merge(controller, &hold.anew()).await?;
        self.world.held_back.store(false, Ordering::Relaxed);
        cluster.until(controller, health::workload, note).await?;
        Ok(Outcome::Done {
            detail: "the controller started anew with Git's policy".into(),
        })
    }
}

fn not_held() -> Outcome {
    Outcome::Skipped {
        detail: "they were not held back".into(),
    }
}
