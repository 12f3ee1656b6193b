//! Reads from the live cluster what the runbook would restore, and what else bears the marks of a credential.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;
use serde_json::Value;

use super::super::stores::{learn, wipe};
use super::super::{Restored, World};
use crate::cluster::Cluster;
use crate::event::Failure;
use crate::object::ObjectRef;
use crate::platform::argocd::secret;
use crate::platform::sealed;
use crate::platform::secret::decoded;
use crate::redact::Secret;
use crate::runbook::{Runbook, SecretShape, SecretSpec};

/// What lives in the cluster of what the runbook would restore, and what else does.
#[derive(Debug)]
pub struct Live {
    /// The secrets of the runbook that are there, by name.
    pub(super) secrets: BTreeMap<String, Living>,
    /// What bears the mark of a credential and is not in the runbook.
    pub(super) others: Vec<Other>,
}

/// A secret of the runbook as it is in the cluster.
#[derive(Debug)]
pub(super) struct Living {
    /// Its values.
    pub(super) data: BTreeMap<String, Secret>,
    /// Its type.
    pub(super) kind: String,
    /// Its labels.
    pub(super) labels: BTreeMap<String, String>,
    /// Whether nobody may change it.
    pub(super) immutable: bool,
}

/// Something that a restore will need and that the runbook does not name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Other {
    /// What it is.
    pub(super) id: ObjectRef,
    /// What the runbook would call it: `argocd/repository`, or the type of the Secret.
    pub(super) shape: String,
    /// Who needs it.
    pub(super) needed_by: String,
}

/// Stands for the name of a set of keys, which has none.
pub(super) const ALL_KEYS: &str = "(all keys)";

/// The key Secret of the first controllers (`pkg/controller/main.go` of Sealed Secrets).
const OLDEST: &str = "sealed-secrets-key";

/// Where a secret of the runbook lives.
enum Home {
    /// In one object.
    One(ObjectRef),
    /// In all key Secrets of a namespace.
    Keys(String),
}

impl Home {
    fn of(runbook: &Runbook, name: &str, spec: &SecretSpec) -> Self {
        let namespace = &runbook.agent.namespace;
        match &spec.shape {
            SecretShape::Argocd(shape) => Self::One(match secret::settings_of(shape) {
                Some(settings) => ObjectRef::new("v1", "ConfigMap", namespace, settings),
                None if shape == "argocd-secret" => ObjectRef::new("v1", "Secret", namespace, "argocd-secret"),
                None => ObjectRef::new("v1", "Secret", namespace, name),
            }),
            SecretShape::Kubernetes {
                namespace, name: given, ..
            } => Self::One(ObjectRef::new(
                "v1",
                "Secret",
                namespace,
                given.as_deref().unwrap_or(name),
            )),
            SecretShape::SealedKeys { namespace } => Self::Keys(namespace.clone()),
        }
    }
}

/// Reads the secrets of the runbook from the live cluster, in place of the stores, and looks for others. Only reads.
///
/// # Errors
/// Where the cluster lacks what a restore puts there: it is not the whole platform, and what it has is not to be trusted either.
pub async fn read_live(world: &World) -> Result<Live, Failure> {
    let (runbook, cluster) = (world.runbook()?, world.cluster()?);
    let reads = runbook.secrets.iter().map(|(name, spec)| async move {
        let living = match Home::of(runbook, name, spec) {
            Home::One(id) => cluster.get(&id).await?.map(|object| living(vec![object], false)),
            Home::Keys(namespace) => {
                let label = format!("{}={}", sealed::KEY_LABEL, sealed::ACTIVE);
                let mut keys = cluster.labelled("v1", "Secret", &namespace, &label).await?;
                // The first controllers had one key, of this name and without a label; later ones read it as well.
                let oldest = ObjectRef::new("v1", "Secret", &namespace, OLDEST);
                let is_new = !keys.iter().any(|key| key["metadata"]["name"] == OLDEST);
                keys.extend(cluster.get(&oldest).await?.filter(|_| is_new));
                (!keys.is_empty()).then(|| living(keys, true))
            }
        };
        Ok::<_, Failure>((name, spec, living))
    });
    let mut live = Live {
        secrets: BTreeMap::new(),
        others: Vec::new(),
    };
    live.others = others(runbook, cluster).await?;
    let mut lacking = Vec::new();
    for (name, spec, living) in try_join_all(reads).await? {
        match living {
            Some(living) => {
                learn(&world.redactor, spec, &living.data);
                live.secrets.insert(name.clone(), living);
            }
            None if spec.optional => {}
            None => lacking.push(match Home::of(runbook, name, spec) {
                Home::One(id) => format!("{name}: there is no {id}{}", instead(&live.others, spec)),
                Home::Keys(namespace) => format!("{name}: there are no keys of Sealed Secrets in {namespace}"),
            }),
        }
    }
    unless_lacking(lacking)?;
    signs(runbook, &live)?;
    let restored = live.secrets.iter().map(|(name, living)| {
        let restored = Restored {
            data: living.data.clone(),
            store: "the live cluster".to_owned(),
            path: name.clone(),
        };
        (name.clone(), restored)
    });
    let _ = world.secrets.set(restored.collect());
    Ok(live)
}

/// Returns the values of a ConfigMap, which are texts.
pub(super) fn plain(map: &Value) -> BTreeMap<String, Secret> {
    let values = map["data"].as_object().into_iter().flatten();
    values
        .filter_map(|(key, value)| Some((key.clone(), Secret::from(value.as_str()?))))
        .collect()
}

/// Takes the values out of objects, and wipes what they were read into.
fn living(mut objects: Vec<Value>, is_set: bool) -> Living {
    let first = objects.first().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let labels = first["metadata"]["labels"].as_object();
    let living = Living {
        data: match (is_set, first["kind"] == "ConfigMap") {
            (true, _) => sealed::data(&objects),
            (false, true) => plain(&first),
            (false, false) => decoded(&first),
        },
        kind: text(&first["type"]),
        labels: labels
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.clone(), text(value)))
            .collect(),
        immutable: first["immutable"] == Value::Bool(true),
    };
    objects.push(first);
    objects.iter_mut().for_each(wipe);
    living
}

/// Names what is there of the same type under other names: what `argocd repo add` makes is called `repo-3281734`.
fn instead(others: &[Other], spec: &SecretSpec) -> String {
    let word = spec.shape.word();
    let alike: Vec<&str> = others
        .iter()
        .filter(|other| other.shape == word)
        .map(|other| other.id.name.as_str())
        .collect();
    if alike.is_empty() {
        return String::new();
    }
    format!(
        "; of the type {word} there is {}: is it one of these, and the name in the runbook another?",
        alike.join(", ")
    )
}

fn unless_lacking(lacking: Vec<String>) -> Result<(), Failure> {
    if lacking.is_empty() {
        return Ok(());
    }
    Err(Failure {
        causes: lacking,
        ..Failure::new("nothing is captured from a cluster that lacks what a restore puts there")
    }
    .hint("if this is the live platform and it does without one of them, say `optional: true` of it or take it out of the runbook"))
}

/// Refuses an agent that has not been started: its own Secret is what the install manifest brought, and empty.
fn signs(runbook: &Runbook, live: &Live) -> Result<(), Failure> {
    for (name, living) in &live.secrets {
        let is_agents = matches!(&runbook.secrets[name].shape, SecretShape::Argocd(shape) if shape == "argocd-secret");
        if is_agents && living.data.get("server.secretkey").is_none_or(Secret::is_empty) {
            return Err(Failure {
                causes: vec![
                    "its argocd-secret has no server.secretkey, which Argo CD makes when it starts".to_owned(),
                ],
                ..Failure::new("nothing is captured from a cluster on which Argo CD has not started")
            }
            .hint("name the context of the live platform with --context"));
        }
    }
    Ok(())
}

/// Whether a controller makes an object again, or an agent brings it from Git.
pub(super) fn is_made(object: &Value) -> bool {
    let metadata = &object["metadata"];
    metadata.get("ownerReferences").is_some()
        || metadata["annotations"]
            .get("cert-manager.io/certificate-name")
            .is_some()
        || metadata["annotations"].get("argocd.argoproj.io/tracking-id").is_some()
        || metadata["labels"].get("kustomize.toolkit.fluxcd.io/name").is_some()
        || metadata["labels"].get("helm.toolkit.fluxcd.io/name").is_some()
}

/// Finds what Argo CD, Sealed Secrets and Flux know as theirs by a mark, and the runbook does not name.
async fn others(runbook: &Runbook, cluster: &Cluster) -> Result<Vec<Other>, Failure> {
    let named: BTreeSet<ObjectRef> = runbook
        .secrets
        .iter()
        .filter_map(|(name, spec)| match Home::of(runbook, name, spec) {
            Home::One(id) => Some(id),
            Home::Keys(_) => None,
        })
        .collect();
    let sets: BTreeSet<String> = runbook
        .secrets
        .values()
        .filter_map(|spec| match &spec.shape {
            SecretShape::SealedKeys { namespace } => Some(namespace.clone()),
            _ => None,
        })
        .collect();
    let namespace = &runbook.agent.namespace;
    let keys_label = format!("{}={}", sealed::KEY_LABEL, sealed::ACTIVE);
    let agents_own = ObjectRef::new("v1", "Secret", namespace, "argocd-secret");
    let (marked, keys, own) = tokio::try_join!(
        cluster.labelled("v1", "Secret", namespace, secret::TYPE),
        cluster.labelled("v1", "Secret", "", &keys_label),
        cluster.get(&agents_own),
    )?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut found = BTreeSet::new();
    for mut object in marked {
        let mark = text(&object["metadata"]["labels"][secret::TYPE]);
        let id = ObjectRef::new("v1", "Secret", namespace, &text(&object["metadata"]["name"]));
        if !is_made(&object) && secret::Shape::of(&mark).is_some() {
            found.insert(Other {
                id,
                shape: format!("argocd/{mark}"),
                needed_by: "Argo CD".to_owned(),
            });
        }
        wipe(&mut object);
    }
    if let Some(mut own) = own {
        found.insert(Other {
            id: agents_own,
            shape: "argocd/argocd-secret".to_owned(),
            needed_by: "Argo CD".to_owned(),
        });
        wipe(&mut own);
    }
    for mut object in keys {
        let namespace = text(&object["metadata"]["namespace"]);
        wipe(&mut object);
        if !sets.contains(&namespace) {
            found.insert(Other {
                id: ObjectRef::new("v1", "Secret", &namespace, ALL_KEYS),
                shape: SecretShape::SealedKeys { namespace }.word(),
                needed_by: "the controller of Sealed Secrets".to_owned(),
            });
        }
    }
    found.extend(super::needed::of_flux(cluster).await?);
    Ok(found.into_iter().filter(|other| !named.contains(&other.id)).collect())
}
