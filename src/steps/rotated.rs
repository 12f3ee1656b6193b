//! What somebody else has written into a Secret since it was restored.
//!
//! A run that goes on, or that takes a platform over, finds Secrets that are there already. What a person or a controller
//! wrote into one is newer than what the store had when the platform went down; to put the stored value back would lock
//! everybody out who uses the new one. So it stays, and is said: before it would be restored, and at the end of what was changed while the
//! run went on. What is rotated in the store meanwhile comes with the next run: each restores what it has read at its beginning.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use serde_json::{Map, Value};

use super::{World, clusters, credentials};
use crate::cluster::{Cluster, Error, MANAGER, all_ended};
use crate::engine::Context;
use crate::event::{Exception, Failure, Run};
use crate::object::ObjectRef;
use crate::platform::secret::encoded;
use crate::runbook::SecretShape;

/// The Secrets of which was said in this run that they stay as they are.
#[derive(Debug, Default)]
pub struct Told(Mutex<BTreeSet<ObjectRef>>);

impl Told {
    /// Says what stays as it is, once an object.
    pub(super) fn tell(&self, context: &Context, id: &ObjectRef, exception: Exception) {
        let is_new = self.0.lock().is_ok_and(|mut told| told.insert(id.clone()));
        if is_new {
            context.emit(Run::Excepted(exception));
        }
    }
}

/// Says what somebody has changed of the restored Secrets while the run went on, and writes nothing. Those of clusters are registered at
/// their own time, and not looked at.
pub(super) async fn look_again(world: &World, cluster: &Cluster, context: &Context) -> Result<(), Failure> {
    let runbook = world.runbook()?;
    let held_back = clusters::held_back(runbook);
    let mut restored = Vec::new();
    for (name, secret) in World::need(&world.secrets, "what the stores hold")? {
        if held_back.contains(name.as_str()) {
            continue;
        }
        for manifest in credentials::manifests(runbook, name, secret)? {
            let id = cluster.located(&manifest, &runbook.agent.namespace)?;
            restored.push((id, manifest.value()["data"].as_object().cloned().unwrap_or_default()));
        }
        // What the ground has laid; Argo CD's settings beside it are the install's, too, and change with Git.
        let shape = runbook.secrets.get(name).map(|spec| &spec.shape);
        if matches!(shape, Some(SecretShape::Argocd(shape)) if shape == "argocd-secret") {
            let id = ObjectRef::new("v1", "Secret", &runbook.agent.namespace, "argocd-secret");
            restored.push((id, encoded(&secret.data)));
        }
    }
    let looks = restored.iter().map(|(id, wanted)| async move {
        match cluster.get(id).await {
            Err(error) if error.is_final() => return Err(error),
            Err(error) => context.notice(format!(
                "Whether {id} is still as it was restored is not known: {error}: {}.",
                error.causes().join(": ")
            )),
            Ok(None) => world.told.tell(context, id, gone(id)),
            Ok(Some(live)) => {
                let rotated = rotated(&live, wanted);
                if !rotated.is_empty() {
                    world.told.tell(context, id, exception(id, &rotated));
                }
            }
        }
        Ok::<(), Error>(())
    });
    all_ended(looks.collect()).await?;
    Ok(())
}

/// Says that a Secret was taken away.
fn gone(id: &ObjectRef) -> Exception {
    Exception {
        subject: id.to_string(),
        what: "it was restored, and is not there any more".into(),
        reason: "somebody has taken it away while the run went on; run again to have it back".into(),
    }
}

/// A key of a Secret that somebody else wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rotated {
    /// The key under `data`.
    pub(super) key: String,
    /// Who wrote it: the name of the field manager, such as `kubectl-edit`.
    pub(super) manager: String,
    /// When, as the API server writes times; empty where it does not say.
    pub(super) time: String,
}

/// Returns the keys of `data` that the living Secret has otherwise than we want them, and that another manager owns.
/// `live` is with its `managedFields`.
pub(super) fn rotated(live: &Value, wanted: &Map<String, Value>) -> Vec<Rotated> {
    let differing = wanted
        .iter()
        .filter(|(key, value)| live["data"][key.as_str()] != **value);
    differing.filter_map(|(key, _)| owner(live, key)).collect()
}

/// Returns the manager other than us who wrote a key last.
fn owner(live: &Value, key: &str) -> Option<Rotated> {
    let text = |entry: &Value, field: &str| entry[field].as_str().unwrap_or_default().to_owned();
    live["metadata"]["managedFields"]
        .as_array()?
        .iter()
        .filter(|entry| entry["manager"] != MANAGER)
        .filter(|entry| entry["fieldsV1"]["f:data"].get(format!("f:{key}")).is_some())
        .map(|entry| Rotated {
            key: key.to_owned(),
            manager: text(entry, "manager"),
            time: text(entry, "time"),
        })
        // Times are of one zone and one form, so that they sort as texts.
        .max_by(|one, other| one.time.cmp(&other.time))
}

/// Says that a Secret stays as it is. Names keys, never values.
pub(super) fn exception(id: &ObjectRef, rotated: &[Rotated]) -> Exception {
    let mut by: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for one in rotated {
        by.entry((&one.manager, &one.time)).or_default().push(&one.key);
    }
    let who: Vec<_> = by
        .iter()
        .map(|((manager, time), keys)| {
            let at = if time.is_empty() {
                String::new()
            } else {
                format!(" at {time}")
            };
            format!("{manager} wrote {}{at}", keys.join(", "))
        })
        .collect();
    Exception {
        subject: id.to_string(),
        what: format!("it differs from what the store holds and stays as it is: {}", who.join("; ")),
        reason: "what was rotated on the cluster is newer; put it into the store too, or delete the Secret there and run again".into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn live(managers: &Value) -> Value {
        json!({"metadata": {"managedFields": managers}, "data": {"a": "MQ==", "b": "Mg=="}})
    }

    fn owns(manager: &str, time: &str, keys: &[&str]) -> Value {
        let keys: Map<String, Value> = keys.iter().map(|key| (format!("f:{key}"), json!({}))).collect();
        json!({"manager": manager, "operation": "Update", "time": time, "fieldsV1": {"f:data": keys}})
    }

    fn wanted(a: &str, b: &str) -> Map<String, Value> {
        [("a".to_owned(), json!(a)), ("b".to_owned(), json!(b))]
            .into_iter()
            .collect()
    }

    #[test]
    fn only_what_differs_and_is_another_managers_counts_as_rotated() {
        let (early, late) = ("2026-11-21T03:00:00Z", "2026-11-21T04:00:00Z");
        let ours = owns(MANAGER, early, &["a", "b"]);
        let edited = owns("kubectl-edit", late, &["a"]);
        let keys = |managers: Value, wanted: &Map<String, Value>| -> Vec<(String, String)> {
            let rotated = rotated(&live(&managers), wanted);
            rotated.into_iter().map(|one| (one.key, one.manager)).collect()
        };
        let by_edit = vec![("a".to_owned(), "kubectl-edit".to_owned())];
        let newer = wanted("bmV3", "Mg==");
        assert_eq!(keys(json!([ours, edited]), &newer), by_edit);
        assert_eq!(keys(json!([ours]), &newer), [], "what only we wrote follows the store");
        assert_eq!(
            keys(json!([ours, edited]), &wanted("MQ==", "bmV3")),
            [],
            "the other key is ours"
        );
        assert_eq!(
            keys(json!([ours, edited]), &wanted("MQ==", "Mg==")),
            [],
            "nothing differs"
        );
        assert_eq!(keys(json!([]), &newer), [], "nobody claims it");
        let earlier = owns("argocd-server", early, &["a"]);
        assert_eq!(
            keys(json!([edited, earlier]), &newer),
            by_edit,
            "the last writer is named"
        );
    }

    #[test]
    fn an_exception_names_who_and_when_and_no_value() {
        let live = live(&json!([owns("kubectl-edit", "2026-11-21T04:00:00Z", &["a", "b"])]));
        let rotated = rotated(&live, &wanted("bmV3", "bmV3"));
        let exception = exception(&ObjectRef::new("v1", "Secret", "argocd", "repo"), &rotated);
        assert_eq!(exception.subject, "Secret argocd/repo");
        assert_eq!(
            exception.what,
            "it differs from what the store holds and stays as it is: kubectl-edit wrote a, b at 2026-11-21T04:00:00Z"
        );
        assert!(!format!("{exception:?}").contains("=="));
    }
}
