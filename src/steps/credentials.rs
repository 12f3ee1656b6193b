//! Restores the secrets of the runbook into the cluster, before the agent starts.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use serde_json::{Value, json};

use super::ground::{built, counted};
use super::{Restored, World, clusters};
use crate::engine::{Context, Step};
use crate::event::{Effect, Failure, Outcome, Phase, PlannedStep};
use crate::object::Manifest;
use crate::platform::argocd::secret;
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
        let (runbook, cluster, mode) = (self.0.runbook()?, self.0.cluster()?, self.0.mode());
        let secrets = World::need(&self.0.secrets, "what the stores hold")?;
        let mut manifests = Vec::new();
        let held_back = clusters::held_back(runbook);
        for (name, restored) in secrets.iter().filter(|(name, _)| !held_back.contains(name.as_str())) {
            if let Some(manifest) = manifest(runbook, name, restored)? {
                manifests.push(manifest);
            }
        }
        if manifests.is_empty() {
            return Ok(Outcome::Skipped {
                detail: "there are none".into(),
            });
        }
        let namespaces = namespaces(runbook, &manifests)?;
        let apply = async {
            cluster.apply_all(&namespaces, "", mode).await?;
            cluster.apply_all(&manifests, &runbook.agent.namespace, mode).await
        };
        let (sent, same) = context.unless_stopped(apply).await??;
        Ok(Outcome::Done {
            detail: counted(sent, same),
        })
    }
}

/// Returns the Secret as it will be in the cluster; `None` for `argocd-secret`, which the ground has laid.
pub(super) fn manifest(runbook: &Runbook, name: &str, restored: &Restored) -> Result<Option<Manifest>, Failure> {
    let Some(spec) = runbook.secrets.get(name) else {
        return Ok(None);
    };
    let value = match &spec.shape {
        SecretShape::Argocd(shape) if shape == "argocd-secret" => return Ok(None),
        SecretShape::Argocd(shape) => secret::build(shape, name, &runbook.agent.namespace, &restored.data),
        SecretShape::Kubernetes {
            namespace,
            name: given,
            kind,
            labels,
            annotations,
        } => json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": given.as_deref().unwrap_or(name),
                "namespace": namespace,
                "labels": labels,
                "annotations": annotations,
            },
            "type": kind,
            "data": restored.data.iter().map(|(key, value)| {
                (key.clone(), Value::from(base64::engine::general_purpose::STANDARD.encode(value.expose())))
            }).collect::<serde_json::Map<_, _>>(),
        }),
    };
    built(value).map(Some)
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
