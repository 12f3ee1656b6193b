//! Connects a cluster that lives on, after a person has seen what the agent would do there.
//!
//! Which system it would hit if the target were wrong: the living cluster that the stored secret leads to. Once the agent
//! has that secret it acts there at once, and deletes what its apps no longer hold. Until the approval nothing but reads
//! and dry runs goes there; `a_surviving_cluster_is_untouched_until_a_person_approves` shows it by that cluster's audit log.

use std::sync::Arc;

use async_trait::async_trait;

use super::away::{Fate, find_connected, settle, stored, whereabouts};
use super::look::look;
use super::toll::{Toll, flag};
use crate::engine::{Answer, Context, Step};
use crate::event::{Exception, Failure, Outcome, PlannedStep, Run};
use crate::platform::argocd::decide::AwayState;
use crate::platform::argocd::secret;
use crate::steps::credentials::manifest;
use crate::steps::{Restored, World};

/// Connects one cluster.
pub struct ConnectSurvivor {
    /// What the run knows.
    pub world: Arc<World>,
    /// The step as planned.
    pub planned: PlannedStep,
    /// The cluster's name in the runbook.
    pub name: String,
}

#[async_trait]
impl Step for ConnectSurvivor {
    fn planned(&self) -> PlannedStep {
        self.planned.clone()
    }

    async fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        find_connected(&self.world, context).await?;
        let is_connected = {
            let fates = self
                .world
                .fates
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            fates.get(&self.name) == Some(&Fate::Connected)
        };
        if is_connected {
            return Ok(Outcome::Done {
                detail: "the agent has its secret already".into(),
            });
        }
        let cluster = &self.world.runbook()?.clusters[&self.name];
        let Some(stored) = stored(&self.world, cluster) else {
            return Ok(self.leave("no secret of it is restored", None, context));
        };
        context.progress(0, None, "looking at what the agent would do there");
        let away = whereabouts(&self.world, &self.name, cluster, AwayState::Held);
        let toll = context.unless_stopped(look(&self.world, &away, &stored.data)).await??;
        if let Some(why) = self.refused(&toll, context).await? {
            return Ok(self.leave(&why, Some(&toll), context));
        }
        self.connect(stored, context).await?;
        Ok(Outcome::Done {
            detail: "the agent has its secret".into(),
        })
    }
}

impl ConnectSurvivor {
    /// Asks, unless there is nothing to be lost or the answer was given beforehand. Returns why it may not be done.
    async fn refused(&self, toll: &Toll, context: &Context) -> Result<Option<String>, Failure> {
        let name = &self.name;
        if toll.is_harmless() {
            context.notice(format!(
                "Cluster {name} is connected without a question: the agent would delete and change nothing there."
            ));
            return Ok(None);
        }
        let step = &self.planned.id;
        if let Some(comment) = self.world.options.answers.approve.get(step) {
            context.notice(self.list(toll));
            context.vouched(format!("approve {step}"), comment);
            return Ok(None);
        }
        if !context.is_attended() {
            return Ok(Some("nobody was there to approve it".into()));
        }
        match context.ask(toll.question(name)).await {
            Ok(Answer::Given { .. }) => Ok(None),
            Ok(Answer::Refused { by }) => Ok(Some(format!("{by} refused it"))),
            // No answer is no approval; but the recovery goes on, unless it was the run that was stopped.
            Err(failure) => {
                context.unless_stopped(std::future::ready(())).await?;
                Ok(Some(failure.message))
            }
        }
    }

    fn list(&self, toll: &Toll) -> String {
        format!(
            "What the agent does on cluster {} when it is connected:\n{}",
            self.name,
            toll.lines().join("\n")
        )
    }

    /// Leaves the cluster as it is, and says how it is connected later.
    fn leave(&self, why: &str, toll: Option<&Toll>, context: &Context) -> Outcome {
        let name = &self.name;
        settle(&self.world, name, Fate::Left(why.to_owned()));
        context.emit(Run::Excepted(Exception {
            subject: format!("cluster {name}"),
            what: "not connected".to_owned(),
            reason: why.to_owned(),
        }));
        let how = match toll {
            None => {
                format!("Connect cluster {name} by hand, or give it a `secret` in the runbook and go on with --resume.")
            }
            Some(toll) => {
                context.notice(self.list(toll));
                format!(
                    "Connect cluster {name}: look at what the agent would do there ({}), then go on with --resume {}.",
                    toll.count(),
                    flag(name)
                )
            }
        };
        context.emit(Run::LeftToDo { what: how });
        Outcome::Skipped {
            detail: format!("not connected: {why}"),
        }
    }

    async fn connect(&self, stored: &Restored, context: &Context) -> Result<(), Failure> {
        let (runbook, target) = (self.world.runbook()?, self.world.cluster()?);
        let cluster = &runbook.clusters[&self.name];
        let name = cluster.secret.as_deref().unwrap_or_default();
        if let Some(mut manifest) = manifest(runbook, name, stored)? {
            secret::describe(manifest.value_mut(), &cluster.labels, &cluster.annotations);
            let apply = target.apply(&manifest, &runbook.agent.namespace, self.world.mode());
            context.unless_stopped(apply).await??;
        }
        settle(&self.world, &self.name, Fate::Connected);
        Ok(())
    }
}
