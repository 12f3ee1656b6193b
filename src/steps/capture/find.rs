//! Finds the live cluster, and refuses one that is not whole.

use std::sync::Arc;

use async_trait::async_trait;

use super::super::{Found, World, lease};
use crate::cluster::{Cluster, Target};
use crate::engine::{Context, Step};
use crate::event::{Effect, Failure, Outcome, Phase, PlannedStep, RunOutcome};
use crate::runbook::AgentKind;

/// Connects to the cluster to capture from.
pub struct FindLive(pub Arc<World>);

#[async_trait]
impl Step for FindLive {
    fn planned(&self) -> PlannedStep {
        PlannedStep {
            id: "live".into(),
            phase: Phase::Prepare,
            title: "find the live cluster".into(),
            effect: Effect::Reads,
        }
    }

    async fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        let target =
            Target {
                kubeconfig: self.0.options.kubeconfig.clone(),
                // The runbook's own context leads to the cluster that is restored onto, and never to the one that lives.
                context: self.0.options.context.clone().ok_or_else(|| {
                    Failure::new("the live cluster is not named").hint("name its context with --context")
                })?,
            };
        let cluster = context.unless_stopped(Cluster::connect(&target)).await??;
        let looked = async {
            lease::look(&self.0, &cluster).await?;
            let held = lease::first_look(&self.0, &cluster, context).await;
            held.map_err(|failure| failure.within("nothing is captured from a cluster in a run"))?;
            lease::read_record(&self.0, &cluster).await?;
            whole(self.0.found.get(), &cluster.identity().uid)?;
            inhabited(&self.0, &cluster).await
        };
        context.unless_stopped(looked).await??;
        let detail = cluster.identity().server.clone();
        let _ = self.0.cluster.set(cluster);
        Ok(Outcome::Done { detail })
    }
}

/// Refuses to write what was read of a cluster in which a run has begun since.
pub(super) async fn still_whole(world: &World, cluster: &Cluster) -> Result<(), Failure> {
    let before = world
        .found
        .get()
        .and_then(|found| found.as_ref().ok())
        .map(|found| &found.state.run);
    let claim = cluster.claim().await?;
    if let Some(holder) = claim.and_then(|claim| claim.holder) {
        return Err(Failure::new(format!(
            "nothing is captured from a cluster in a run: {} of {} has begun meanwhile",
            holder.run, holder.by
        )));
    }
    let now = match cluster.kept().await? {
        Some(kept) => Some(super::super::record::found(&kept)?.state.run),
        None => None,
    };
    if now.as_ref() == before {
        return Ok(());
    }
    Err(Failure::new("a run has changed the cluster while it was captured").hint("capture again once it has recovered"))
}

/// Refuses a cluster that a run has begun to restore and not finished: it has some of what was lost, and some that it made itself.
fn whole(found: Option<&Result<Found, Failure>>, uid: &str) -> Result<(), Failure> {
    let found = match found {
        None => return Ok(()),
        Some(Err(failure)) => return Err(failure.clone().within("nobody knows whether the cluster is whole")),
        Some(Ok(found)) => found,
    };
    let was_on = found.state.cluster.as_ref().map(|cluster| cluster.uid.as_str());
    // A record that came with a backup of another cluster tells nothing of this one.
    let is_of_another = was_on.is_some_and(|was_on| was_on != uid);
    let has_recovered = matches!(found.state.finished, Some((RunOutcome::Recovered, _)));
    if is_of_another || has_recovered || !found.state.touched() {
        return Ok(());
    }
    let run = found.state.run.as_ref().map(ToString::to_string).unwrap_or_default();
    Err(Failure {
        causes: vec![format!(
            "{} ran {run} of the runbook {} on it and did not finish",
            found.by, found.state.runbook
        )],
        ..Failure::new("nothing is captured from a cluster that is half restored")
    }
    .hint(format!("finish that restore: gitops-dr restore … --resume={run}"))
    .hint(
        "if the platform was finished by other means, take the run's record away: kubectl -n kube-system delete configmap gitops-dr",
    ))
}

/// Refuses a cluster on which no platform lives.
async fn inhabited(world: &World, cluster: &Cluster) -> Result<(), Failure> {
    let (app, whose) = match world.runbook()?.agent.kind {
        AgentKind::Argocd => ("Application ", "Argo CD"),
        AgentKind::Flux => ("Kustomization ", "Flux"),
    };
    let found = cluster.inventory(&[]).await?;
    if found.agent_resources.iter().any(|resource| resource.starts_with(app)) {
        return Ok(());
    }
    Err(Failure {
        causes: vec![format!("on {} there is no {app}of {whose}", cluster.identity().server)],
        ..Failure::new("nothing is captured from a cluster without a platform")
    }
    .hint(format!(
        "context {} leads there: name that of the live platform with --context",
        cluster.identity().context
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{RunId, RunState, StepState, StepStatus};

    fn found(uid: &str, effect: Effect, outcome: Option<RunOutcome>) -> Found {
        let mut state = RunState {
            run: Some(RunId("01A".into())),
            runbook: "shop".into(),
            cluster: Some(crate::event::Cluster {
                uid: uid.into(),
                context: String::new(),
                server: String::new(),
                version: String::new(),
                state: String::new(),
            }),
            finished: outcome.map(|outcome| (outcome, None)),
            ..RunState::default()
        };
        state.steps.push(StepState {
            step: PlannedStep {
                id: "ground".into(),
                phase: Phase::Ground,
                title: String::new(),
                effect,
            },
            status: StepStatus::Running {
                done: 0,
                total: None,
                note: String::new(),
            },
            started_ms: Some(1),
            finished_ms: None,
        });
        Found {
            state,
            by: "ann@desk".into(),
        }
    }

    #[test]
    fn what_a_run_has_not_finished_is_not_captured() {
        assert_eq!(whole(None, "here"), Ok(()));
        for (record, is_whole) in [
            (Ok(found("here", Effect::Repeatable, None)), false),
            (Ok(found("here", Effect::Repeatable, Some(RunOutcome::Failed))), false),
            (
                Ok(found("here", Effect::Repeatable, Some(RunOutcome::DeadlinePassed))),
                false,
            ),
            (Ok(found("here", Effect::Repeatable, Some(RunOutcome::Recovered))), true),
            (Ok(found("here", Effect::Reads, None)), true),
            (Ok(found("there", Effect::Repeatable, None)), true),
            (Err(Failure::new("torn")), false),
        ] {
            let told = whole(Some(&record), "here");
            assert_eq!(told.is_ok(), is_whole, "{told:?}");
        }
        let told = whole(Some(&Ok(found("here", Effect::Repeatable, None))), "here").unwrap_err();
        assert!(told.hints[0].contains("--resume=01A"), "{told:?}");
    }
}
