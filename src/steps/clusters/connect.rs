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
use crate::steps::credentials::manifests;
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

/// Whether a cluster may be connected.
enum Verdict {
    /// Yes, without a question: what was seen a moment ago is what is there.
    Unasked,
    /// Yes: a person has seen the list and approved it.
    Approved,
    /// No, for this reason.
    Refused(String),
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
        let mut toll = context.unless_stopped(look(&self.world, &away, &stored.data)).await??;
        loop {
            match self.verdict(&toll, context).await? {
                Verdict::Unasked => break,
                Verdict::Refused(why) => return Ok(self.leave(&why, Some(&toll), context)),
                Verdict::Approved => {}
            }
            // People think for a while, and meanwhile Git moves: what was approved is what was shown.
            context.progress(0, None, "looking once more at what the agent would do there");
            let now = context.unless_stopped(look(&self.world, &away, &stored.data)).await??;
            let more = now.beyond(&toll);
            if more.is_empty() {
                break;
            }
            context.notice(format!(
                "Before cluster {} was connected, the agent came to do more there than was approved:\n{}",
                self.name,
                more.join("\n")
            ));
            toll = now;
        }
        self.connect(stored, context).await?;
        Ok(Outcome::Done {
            detail: "the agent has its secret".into(),
        })
    }
}

impl ConnectSurvivor {
    /// Asks, unless there is nothing to be lost or the answer was given beforehand.
    async fn verdict(&self, toll: &Toll, context: &Context) -> Result<Verdict, Failure> {
        let name = &self.name;
        if toll.is_harmless() {
            context.notice(format!(
                "Cluster {name} is connected without a question: the agent would delete and change nothing there."
            ));
            return Ok(Verdict::Unasked);
        }
        let step = &self.planned.id;
        if let Some(comment) = self.world.options.answers.approve.get(step) {
            context.notice(self.list(toll));
            context.vouched(format!("approve {step}"), comment);
            return Ok(Verdict::Unasked);
        }
        if !context.is_attended() {
            return Ok(Verdict::Refused("nobody was there to approve it".into()));
        }
        match context.ask(toll.question(name)).await {
            Ok(Answer::Given { .. }) => Ok(Verdict::Approved),
            Ok(Answer::Refused { by }) => Ok(Verdict::Refused(format!("{by} refused it"))),
            // No answer is no approval; but the recovery goes on, unless it was the run that was stopped.
            Err(failure) => {
                context.unless_stopped(std::future::ready(())).await?;
                Ok(Verdict::Refused(failure.message))
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
        context.emit(Run::LeftToDo {
            what: how,
            lasting: false,
        });
        Outcome::Skipped {
            detail: format!("not connected: {why}"),
        }
    }

    async fn connect(&self, stored: &Restored, context: &Context) -> Result<(), Failure> {
        let (runbook, target) = (self.world.runbook()?, self.world.cluster_until_stopped(context)?);
        let cluster = &runbook.clusters[&self.name];
        let name = cluster.secret.as_deref().unwrap_or_default();
        for mut manifest in manifests(runbook, name, stored)? {
            secret::describe(manifest.value_mut(), &cluster.labels, &cluster.annotations);
            target
                .apply(&manifest, &runbook.agent.namespace, self.world.mode())
                .await?;
        }
        settle(&self.world, &self.name, Fate::Connected);
        Ok(())
    }
}
