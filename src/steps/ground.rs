//! Lays what the agent stands on, in the safe order: namespace, CRDs, configuration, `argocd-secret`, projects.
//!
//! Which system it would hit if the target were wrong: any cluster that the context leads to. The interlock has proved
//! before that it is the right one; its tests show by the audit log that a wrong one gets no request that changes it.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::World;
use crate::agent::argocd;
use crate::cluster::{Cluster, Mode};
use crate::engine::{Context, Step};
use crate::event::{Effect, Failure, Outcome, Phase, PlannedStep};
use crate::object::{Manifest, ObjectRef, Origin};
use crate::platform::argocd::{install, secret};
use crate::redact::Secret;
use crate::runbook::{Runbook, SecretShape};

/// The key of `argocd-secret` that signs sessions and tokens.
const SIGNING_KEY: &str = "server.secretkey";

/// Lays the ground.
pub struct LayGround(pub Arc<World>);

#[async_trait]
impl Step for LayGround {
    fn planned(&self) -> PlannedStep {
        PlannedStep {
            id: "ground".into(),
            phase: Phase::Ground,
            title: "lay the agent's ground".into(),
            effect: Effect::Repeatable,
        }
    }

    async fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        context.unless_stopped(self.lay(context)).await?
    }
}

impl LayGround {
    async fn lay(&self, context: &Context) -> Result<Outcome, Failure> {
        let (runbook, cluster, mode) = (self.0.runbook()?, self.0.cluster()?, self.0.mode());
        let namespace = &runbook.agent.namespace;
        let prepared = self.0.prepared()?;
        let (mut sent, mut same) = (0, 0);
        let mut count = |(more_sent, more_same): (usize, usize)| {
            sent += more_sent;
            same += more_same;
        };
        if !self.0.agent_present.get().copied().unwrap_or(false) {
            for (index, stage) in prepared.ground.iter().enumerate() {
                context.progress(index, Some(prepared.ground.len()), stage.name.word());
                count(argocd::apply_stage(cluster, stage, namespace, mode).await?);
            }
        }
        for placeholder in &prepared.placeholders {
            if cluster.get(&cluster.located(placeholder, namespace)?).await?.is_none() {
                count((1, 0));
                cluster.apply(placeholder, namespace, mode).await?;
            }
        }
        count(self.argocd_secret(runbook, cluster, mode, context).await?);
        let project = built(install::default_project(namespace))?;
        // A platform's own `default` project may be narrower than the one that Argo CD would make: it is left alone.
        if cluster.get(&project.id()).await?.is_none() {
            cluster.apply(&project, namespace, mode).await?;
            count((1, 0));
        }
        Ok(Outcome::Done {
            detail: super::ground::counted(sent, same),
        })
    }

    /// Puts `argocd-secret` there before any workload: controllers that start without a signing key never reconcile
    /// (argo-cd#22231). Data that is there is never replaced by less.
    async fn argocd_secret(
        &self,
        runbook: &Runbook,
        cluster: &Cluster,
        mode: Mode,
        context: &Context,
    ) -> Result<(usize, usize), Failure> {
        let namespace = &runbook.agent.namespace;
        let stored = World::need(&self.0.secrets, "what the stores hold")?
            .iter()
            .find(|(name, _)| {
                runbook
                    .secrets
                    .get(*name)
                    .is_some_and(|spec| spec.shape == SecretShape::Argocd("argocd-secret".into()))
            });
        let mut data: BTreeMap<String, Secret> = stored.map(|(_, restored)| restored.data.clone()).unwrap_or_default();
        if !data.contains_key(SIGNING_KEY) {
            let id = ObjectRef::new("v1", "Secret", namespace, "argocd-secret");
            let live = cluster.get(&id).await?;
            if live.is_some_and(|live| live.pointer("/data/server.secretkey").is_some_and(|key| key != "")) {
                if data.is_empty() {
                    return Ok((0, 1));
                }
            } else {
                data.insert(SIGNING_KEY.into(), new_key()?);
                context.notice(
                    "No server.secretkey is stored, so a new one was made: sessions and API tokens of the old platform are no longer valid.",
                );
            }
        }
        data.values().for_each(|value| self.0.redactor.learn(value));
        let manifest = built(secret::build("argocd-secret", "argocd-secret", namespace, &data))?;
        let applied = cluster.apply(&manifest, namespace, mode).await?;
        Ok(if applied == crate::cluster::Applied::Same {
            (0, 1)
        } else {
            (1, 0)
        })
    }
}

/// Returns a new signing key, as long and as random as Argo CD makes its own (`util/settings`, 32 bytes).
fn new_key() -> Result<Secret, Failure> {
    use base64::Engine as _;
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| Failure::new(format!("the system gives no random bytes: {error}")))?;
    Ok(Secret::new(base64::engine::general_purpose::STANDARD.encode(bytes)))
}

/// Takes an object that we built ourselves.
pub(super) fn built(value: serde_json::Value) -> Result<Manifest, Failure> {
    Manifest::new(
        value,
        Origin {
            file: "gitops-dr".into(),
            line: 0,
        },
    )
    .map_err(|error| Failure::of(&error))
}

/// Says how many objects were applied and how many were already so.
pub(super) fn counted(sent: usize, same: usize) -> String {
    let objects = |count: usize| {
        if count == 1 {
            "1 object".to_owned()
        } else {
            format!("{count} objects")
        }
    };
    match (sent, same) {
        (0, same) => format!("{}, as it should be", objects(same)),
        (sent, 0) => format!("{} applied", objects(sent)),
        (sent, same) => format!("{} applied, {same} as it should be", objects(sent)),
    }
}
