//! The interlocks in their order.

use std::sync::Arc;

use async_trait::async_trait;

use super::super::{World, lease};
use super::standing::Standing;
use super::{agent, clocks, clusters, empty, replaced, rights, roots, served, target};
use crate::cluster::Mode;
use crate::engine::{Context, Step};
use crate::event::{Effect, Failure, Outcome, Phase, PlannedStep};

/// The interlock.
pub struct Interlock(pub Arc<World>);

#[async_trait]
impl Step for Interlock {
    fn planned(&self) -> PlannedStep {
        PlannedStep {
            id: "interlock".into(),
            phase: Phase::Interlock,
            title: "prove that this is the right cluster".into(),
            effect: Effect::Reads,
        }
    }

    async fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        let outcome = context.unless_stopped(self.prove(context)).await??;
        // Not to be left half-way: whether the Lease was taken must be known.
        lease::take(&self.0, self.0.cluster()?, context).await?;
        Ok(outcome)
    }
}

impl Interlock {
    async fn prove(&self, context: &Context) -> Result<Outcome, Failure> {
        let world = self.0.as_ref();
        let (runbook, cluster) = (world.runbook()?, world.cluster()?);
        // Of the wrong cluster nothing else is of interest.
        target::never(runbook, cluster.identity())?;
        target::same_cluster(world, cluster.identity())?;
        // While another run is at work, what stands there is its doing.
        lease::keep_out(world, cluster, context).await?;

        let mut standing = Standing::default();
        let present = standing.take(agent::present(world, cluster, context).await);
        let found = standing.take(empty::found(world, cluster, present.unwrap_or_default()).await);
        standing.take(clocks::agree(cluster, context).await);
        standing.take(served::version(cluster.identity()));
        standing.take(served::kinds(world, cluster));
        let installs = world.earlier.get().is_some() || !present.unwrap_or_default();
        standing.take(rights::suffice(world, cluster, installs, context).await);
        standing.take(roots::live(world, cluster).await);
        for odd in standing
            .take(clusters::lead_elsewhere(world, cluster).await)
            .unwrap_or_default()
        {
            context.notice(odd);
        }
        let silence = standing.take(replaced::is_silent(world, cluster, context).await);
        // A person is asked for a word only when that word is all that is missing.
        if let (Some(Some(silence)), clear) = (silence, standing.is_clear()) {
            standing.take(replaced::word(world, &silence, clear, context).await);
        }
        standing.verdict()?;

        let (present, found) = (present.unwrap_or_default(), found.unwrap_or_default());
        if let Some(reason) = &found.adopted {
            context.vouched("adopt", reason);
        }
        let fresh = found.is_empty && !present;
        let _ = world.mode.set(if fresh { Mode::Fresh } else { Mode::Careful });
        let _ = world.agent_present.set(present);
        Ok(Outcome::Done {
            detail: found.words.to_owned(),
        })
    }
}
