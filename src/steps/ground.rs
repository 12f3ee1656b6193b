//! Lays what the agent stands on, in the safe order: namespace, CRDs, configuration with what the stores hold of it,
//! `argocd-secret`, projects.
//!
//! Which system it would hit if the target were wrong: any cluster that the context leads to. The interlock has proved
//! before that it is the right one; its tests show by the audit log that a wrong one gets no request that changes it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::rotated::{exception, rotated};
use super::{World, sets, settings, weather};
use crate::agent::argocd;
use crate::cluster::{Cluster, Counts, Mode};
use crate::engine::{Context, Step};
use crate::event::{Effect, Exception, Failure, Outcome, Phase, PlannedStep, Run};
use crate::object::{Manifest, ObjectRef, Origin};
use crate::platform::argocd::install;
use crate::platform::secret::encoded;
use crate::runbook::{Runbook, SecretShape};

/// The key of `argocd-secret` that signs sessions and tokens.
const SIGNING_KEY: &str = "server.secretkey";

/// Told where a key is made because none is stored.
const NEW_KEY: &str = "No server.secretkey is stored, so a new one was made: sessions and API tokens of the old platform are no longer valid.";
/// What people have to do then.
const NEW_KEY_LEFT: &str = "Argo CD signs with a new server.secretkey: people log in again, and the API tokens of CI and other programs \
are void and must be made anew. Store the new key for the next time.";
/// Told where a stored key takes the place of another.
const OTHER_KEY: &str = "The Argo CD on the cluster signed with another server.secretkey than the stored one, which took its place: \
sessions begun since the outage end.";

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
        let cluster = self.0.cluster_until_stopped(context)?;
        weather::told(context, &cluster, self.lay(&cluster, context)).await
    }
}

impl LayGround {
    async fn lay(&self, cluster: &Cluster, context: &Context) -> Result<Outcome, Failure> {
        let (runbook, mode) = (self.0.runbook()?, self.0.mode());
        let namespace = &runbook.agent.namespace;
        let prepared = self.0.prepared()?;
        let (mut sent, mut same) = (0, 0);
        let mut count = |(more_sent, more_same): (usize, usize)| {
            sent += more_sent;
            same += more_same;
        };
        let installs = self.0.installs();
        let installed = if installs { prepared.ground.clone() } else { Vec::new() };
        let hold = if installs {
            sets::hold(&self.0, cluster).await?
        } else {
            None
        };
        // What the stores hold of the agent's settings is there before its repo-server reads it, with an install or without.
        let stages = install::with_stored(installed, settings::stored(&self.0, runbook)?);
        for (index, stage) in stages.iter().enumerate() {
            context.progress(index, Some(stages.len()), stage.name.word());
            let stage = hold.map_or_else(|| Cow::Borrowed(stage), |hold| Cow::Owned(hold.over(stage)));
            count(told(
                argocd::apply_stage(cluster, &stage, namespace, mode).await?,
                context,
            ));
        }
        if installs {
            for placeholder in &prepared.placeholders {
                if cluster.get(&cluster.located(placeholder, namespace)?).await?.is_none() {
                    count((1, 0));
                    cluster.apply(placeholder, namespace, mode).await?;
                }
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
            detail: counted(sent, same),
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
        let none = BTreeMap::new();
        let stored = stored.map_or(&none, |(_, restored)| &restored.data);
        let id = ObjectRef::new("v1", "Secret", namespace, "argocd-secret");
        let mut live = cluster.get(&id).await?;
        let found = live.clone();
        // What was written by hand since the run began stays, and on a platform that lives. On a new cluster nobody has lived yet.
        let has_lived = self.0.earlier.get().is_some() || self.0.adopts();
        let rotated = match &found {
            Some(found) if has_lived => rotated(found, &encoded(stored)),
            _ => Vec::new(),
        };
        if !rotated.is_empty() {
            self.0.told.tell(context, &id, exception(&id, &rotated));
        }
        // What an agent made for itself on a new cluster gives way to what the old platform had; a living platform's does not.
        if let (false, Some(data)) = (
            self.0.adopts(),
            live.as_mut().and_then(|live| live["data"].as_object_mut()),
        ) {
            data.retain(|key, _| !stored.contains_key(key) || rotated.iter().any(|rotated| rotated.key == *key));
        }
        let installed = self.0.prepared()?.argocd_secret.as_ref().filter(|_| self.0.installs());
        let built = install::argocd_secret(namespace, installed, stored, live.as_ref(), &random()?);
        if let Some(key) = &built.new_key {
            self.0.redactor.learn(key);
        }
        // Said only once it is so.
        let tell_of_new_key = || {
            if built.new_key.is_some() {
                context.notice(NEW_KEY);
                context.emit(Run::LeftToDo {
                    what: NEW_KEY_LEFT.into(),
                    lasting: true,
                });
            }
        };
        let is_told = |key: &&String| !rotated.iter().any(|rotated| rotated.key == **key);
        let kept: Vec<_> = built.kept.iter().filter(is_told).map(String::as_str).collect();
        if !kept.is_empty() {
            let keys = kept.join(", ");
            context.notice(format!(
                "argocd-secret has other values than are stored, and keeps them: {keys}."
            ));
        }
        let Some(found) = found else {
            cluster
                .apply(&self::built(built.manifest.clone())?, namespace, mode)
                .await?;
            tell_of_new_key();
            return Ok((1, 0));
        };
        // Merged, not applied: keys that the agent has written since stay, and whoever wrote the others is no hindrance.
        let part = differing(&found, &built.manifest);
        if part.is_empty() {
            return Ok((0, 1));
        }
        let replaced = part.get("data").and_then(|data| data.get(SIGNING_KEY)).is_some();
        cluster.merge(&id, &Value::Object(part)).await?;
        tell_of_new_key();
        if replaced && found["data"][SIGNING_KEY].as_str().is_some_and(|key| !key.is_empty()) {
            context.notice(OTHER_KEY);
        }
        Ok((1, 0))
    }
}

/// Returns the part of the wanted object that the living one lacks or has otherwise; nothing of what else it has.
fn differing(live: &Value, wanted: &Value) -> Map<String, Value> {
    let mut part = Map::new();
    for (key, wanted) in wanted.as_object().into_iter().flatten() {
        let live = &live[key];
        if wanted.is_object() {
            let deeper = differing(live, wanted);
            if !deeper.is_empty() {
                part.insert(key.clone(), Value::Object(deeper));
            }
        } else if live != wanted {
            part.insert(key.clone(), wanted.clone());
        }
    }
    part
}

/// Returns what a new signing key is made from, as much of it as Argo CD takes itself (`util/settings`).
fn random() -> Result<[u8; 32], Failure> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| Failure::new(format!("the system gives no random bytes: {error}")))?;
    Ok(bytes)
}

/// Says what of a stage stays as it is; returns how many objects were sent and how many were already so.
pub(super) fn told(applied: Counts, context: &Context) -> (usize, usize) {
    for error in applied.left {
        context.emit(Run::Excepted(Exception {
            subject: "the agent's install".into(),
            what: error.to_string(),
            reason: format!(
                "somebody else has set it, and it stays as it is: {}",
                error.causes().join(": ")
            ),
        }));
    }
    (applied.sent, applied.same)
}

/// Takes an object that we built ourselves.
pub(super) fn built(value: Value) -> Result<Manifest, Failure> {
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
        (0, 1) => "1 object, as it should be".to_owned(),
        (0, same) => format!("{same} objects, all as they should be"),
        (sent, 0) => format!("{} applied", objects(sent)),
        (sent, same) => format!("{} applied, {same} as they should be", objects(sent)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_is_sent_and_what_others_wrote_is_not() {
        let live = json!({
            "metadata": {"name": "argocd-secret", "uid": "1", "labels": {"team": "platform"}},
            "data": {"server.secretkey": "b2xk", "admin.password": "aGFzaA=="},
        });
        let wanted = json!({
            "metadata": {"name": "argocd-secret", "labels": {"app": "argocd"}},
            "data": {"server.secretkey": "bmV3"},
        });
        let part = Value::Object(differing(&live, &wanted));
        assert_eq!(
            part,
            json!({"metadata": {"labels": {"app": "argocd"}}, "data": {"server.secretkey": "bmV3"}})
        );
        assert!(differing(&wanted, &wanted).is_empty());
        assert_eq!(Value::Object(differing(&json!({}), &wanted)), wanted);
    }
}
