//! Starts the agent and waits until what recovery needs of it is ready.

use std::borrow::Cow;
use std::sync::Arc;

use async_trait::async_trait;

use super::ground::{self, counted};
use super::{World, checks, sets, weather};
use crate::agent::argocd;
use crate::engine::{Context, Step};
use crate::event::{Effect, Failure, Outcome, Phase, PlannedStep};
use crate::health;

/// Starts the agent.
pub struct StartAgent(pub Arc<World>);

#[async_trait]
impl Step for StartAgent {
    fn planned(&self) -> PlannedStep {
        PlannedStep {
            id: "agent".into(),
            phase: Phase::Agent,
            title: "start the agent".into(),
            effect: Effect::Repeatable,
        }
    }

    async fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        let (runbook, prepared) = (self.0.runbook()?, self.0.prepared()?);
        let cluster = &self.0.cluster_until_stopped(context)?;
        let mut applied = String::new();
        if self.0.installs() {
            let (mut sent, mut same) = (0, 0);
            let hold = sets::hold(&self.0, cluster).await?;
            for stage in &prepared.agent {
                let stage = hold.map_or_else(|| Cow::Borrowed(stage), |hold| Cow::Owned(hold.over(stage)));
                let apply = argocd::apply_stage(cluster, &stage, &runbook.agent.namespace, self.0.mode());
                let counts = ground::told(weather::told(context, cluster, apply).await?, context);
                (sent, same) = (sent + counts.0, same + counts.1);
            }
            applied = format!(", {}", counted(sent, same));
        }
        let total = prepared.needed.len();
        let told = |state: &argocd::Readiness| {
            let waiting: Vec<_> = state.waiting.iter().map(|(id, why)| format!("{id}: {why}")).collect();
            context.progress(state.ready, Some(total), waiting.join("; "));
        };
        argocd::ready(cluster, &prepared.needed, told).await?;
        for id in &prepared.others {
            let live = cluster.get(id).await?;
            let why = live
                .as_ref()
                .map_or(Err("it is not there".to_owned()), health::workload);
            if let Err(why) = why {
                context.notice(format!(
                    "{id} is not ready ({why}); recovery does not need it and goes on."
                ));
            }
        }
        checks::learn(&self.0, context).await?;
        let version = &prepared.version;
        Ok(if self.0.installs() {
            Outcome::Done {
                detail: format!("Argo CD {version} ready{applied}"),
            }
        } else {
            Outcome::Skipped {
                detail: format!("Argo CD {version} was there and is ready"),
            }
        })
    }
}
