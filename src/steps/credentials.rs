//! Restores the secrets of the runbook into the cluster, before the agent starts.
//!
//! Which system it would hit if the target were wrong: any cluster that the context leads to; a wrong one would be given the
//! keys of another platform. The interlock has proved before that it is the right one, and its tests show by the audit log
//! that a wrong one gets no request that changes it. On the right one a Secret that somebody else has changed since is left as
//! it is: `what_was_rotated_by_hand_stays_and_a_login_that_opens_once_is_asked_for_again`.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::json;

use super::ground::{built, counted};
use super::rotated::{exception, rotated};
use super::{Restored, World, clusters, weather};
use crate::cluster::{Applied, Cluster, ErrorKind, Mode, all_ended};
use crate::engine::{Context, Step};
use crate::event::{Effect, Exception, Failure, Outcome, Phase, PlannedStep};
use crate::object::Manifest;
use crate::platform::argocd::secret;
use crate::platform::sealed;
use crate::platform::secret::encoded;
use crate::runbook::{Runbook, SecretShape};

/// Restores secrets.
pub struct RestoreCredentials(pub Arc<World>);

#[async_trait]
impl Step for RestoreCredentials {
    fn planned(&self) -> PlannedStep {
        PlannedStep {
            id: "credentials".into(),
            phase: Phase::Ground,
            title: "restore credentials".into(),
            effect: Effect::Repeatable,
        }
    }

    async fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        let (runbook, mode) = (self.0.runbook()?, self.0.mode());
        let cluster = &self.0.cluster_until_stopped(context)?;
        let secrets = World::need(&self.0.secrets, "what the stores hold")?;
        let mut manifests = Vec::new();
        let held_back = clusters::held_back(runbook);
        for (name, restored) in secrets.iter().filter(|(name, _)| !held_back.contains(name.as_str())) {
            manifests.extend(self::manifests(runbook, name, restored)?);
        }
        if manifests.is_empty() {
            return Ok(Outcome::Skipped {
                detail: "there are none".into(),
            });
        }
        let namespaces = namespaces(runbook, &manifests)?;
        let apply = async {
            cluster.apply_all(&namespaces, "", mode).await?;
            let applies = manifests
                .iter()
                .map(|manifest| self.restore(cluster, manifest, context))
                .collect();
            all_ended(applies).await
        };
        let restored: Vec<Option<Applied>> = weather::told(context, cluster, apply).await?;
        let count = |wanted: Option<Applied>| restored.iter().filter(|applied| **applied == wanted).count();
        let (sent, same, left) = (count(Some(Applied::Sent)), count(Some(Applied::Same)), count(None));
        let left_alone = if left == 0 {
            String::new()
        } else {
            format!(", {left} left as they are")
        };
        let detail = counted(sent, same) + &left_alone;
        Ok(Outcome::Done { detail })
    }
}

impl RestoreCredentials {
    /// Restores one Secret; `None` where it stays as it is, because somebody else has changed it since.
    async fn restore(
        &self,
        cluster: &Cluster,
        manifest: &Manifest,
        context: &Context,
    ) -> Result<Option<Applied>, Failure> {
        let (namespace, mode) = (&self.0.runbook()?.agent.namespace, self.0.mode());
        let id = cluster.located(manifest, namespace)?;
        if mode == Mode::Careful
            && let Some(live) = cluster.get(&id).await?
            && let Some(wanted) = manifest.value()["data"].as_object()
        {
            let rotated = rotated(&live, wanted);
            if !rotated.is_empty() {
                self.0.told.tell(context, &id, exception(&id, &rotated));
                return Ok(None);
            }
        }
        match cluster.apply(manifest, namespace, mode).await {
            Ok(applied) => Ok(Some(applied)),
            // Somebody was faster than our look, or owns a label.
            Err(error) if error.kind() == ErrorKind::Conflict => {
                let exception = Exception {
                    subject: id.to_string(),
                    what: error.to_string(),
                    reason: format!(
                        "somebody else has set it, and it stays as it is: {}",
                        error.causes().join(": ")
                    ),
                };
                self.0.told.tell(context, &id, exception);
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Returns the Secrets as they will be in the cluster: one, or those of a set; none of what the ground has laid, which is
/// `argocd-secret` and all that is no Secret.
pub(super) fn manifests(runbook: &Runbook, name: &str, restored: &Restored) -> Result<Vec<Manifest>, Failure> {
    let Some(spec) = runbook.secrets.get(name) else {
        return Ok(Vec::new());
    };
    let values = match &spec.shape {
        SecretShape::Argocd(shape) if shape == "argocd-secret" || secret::settings_of(shape).is_some() => Vec::new(),
        SecretShape::Argocd(shape) => vec![secret::build(shape, name, &runbook.agent.namespace, &restored.data)],
        SecretShape::SealedKeys { namespace } => sealed::manifests(namespace, &restored.data),
        SecretShape::Kubernetes {
            namespace,
            name: given,
            kind,
            labels,
            annotations,
            immutable,
        } => {
            let mut value = json!({
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {
                    "name": given.as_deref().unwrap_or(name),
                    "namespace": namespace,
                    "labels": labels,
                    "annotations": annotations,
                },
                "type": kind,
                "data": encoded(&restored.data),
            });
            // Told only where it is so: an own word on what is the default would be one more field to differ in.
            if *immutable {
                value["immutable"] = true.into();
            }
            vec![value]
        }
    };
    values.into_iter().map(built).collect()
}

/// Returns the namespaces that the secrets need and the ground did not lay.
fn namespaces(runbook: &Runbook, manifests: &[Manifest]) -> Result<Vec<Manifest>, Failure> {
    let names: BTreeSet<String> = manifests.iter().map(|manifest| manifest.id().namespace).collect();
    names
        .into_iter()
        .filter(|name| !name.is_empty() && *name != runbook.agent.namespace)
        .map(|name| built(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Secret;

    const RUNBOOK: &str = r#"apiVersion: gitops-dr/v1
kind: Runbook
name: shop
sources:
  platform: {git: "https://git.example.com/p.git", revision: main}
stores:
  - vault: {address: "https://vault.example.com", auth: {token: {env: VAULT_TOKEN}}}
agent: {argocd: {from: {source: platform, path: argocd}}}
secrets:
  open: {as: {namespace: shop, type: Opaque}, from: {vault: dr/open}}
  shut: {as: {namespace: shop, type: Opaque, immutable: true}, from: {vault: dr/shut}}
  keys: {as: {namespace: sealing, type: sealed-secrets/keys}, from: {vault: dr/keys/}}
  hosts: {as: argocd/ssh-known-hosts, from: {vault: dr/hosts}}
  argocd: {as: argocd/argocd-secret, from: {vault: dr/argocd}}
roots:
  - {id: root, source: platform, path: root}
"#;

    #[test]
    fn each_becomes_its_secrets_and_says_only_what_is_so() {
        let (runbook, findings) = crate::runbook::parse("shop.yaml", RUNBOOK);
        let runbook = runbook.unwrap_or_else(|| panic!("{findings:?}"));
        let made = |name: &str| -> Vec<(String, Option<bool>)> {
            let keys = ["k1.tls.crt", "k1.tls.key", "k2.tls.crt", "k2.tls.key"];
            let restored = Restored {
                data: keys.map(|key| (key.to_owned(), Secret::from(key))).into(),
                store: "vault".into(),
                path: "dr".into(),
            };
            let made = manifests(&runbook, name, &restored).unwrap().into_iter();
            // `null` would be a word on it, too.
            let is_immutable = |manifest: &Manifest| {
                let said = manifest.value().get("immutable");
                said.map(|said| said.as_bool().expect("`immutable` is a flag"))
            };
            made.map(|manifest| (manifest.id().to_string(), is_immutable(&manifest)))
                .collect()
        };
        let secret = |name: &str, immutable| (format!("Secret {name}"), immutable);
        assert_eq!(made("open"), [secret("shop/open", None)]);
        assert_eq!(made("shut"), [secret("shop/shut", Some(true))]);
        assert_eq!(made("keys"), [secret("sealing/k1", None), secret("sealing/k2", None)]);
        for by_the_ground in ["hosts", "argocd", "nobody"] {
            assert_eq!(made(by_the_ground), [], "{by_the_ground}");
        }
    }
}
