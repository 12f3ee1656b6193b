//! What in the sources would damage a platform, rather than merely keep it from coming back.

use std::collections::BTreeMap;

use serde_json::Value;

use super::place::at_origin;
use crate::finding::Finding;
use crate::object::{Manifest, ObjectRef};

/// What is applied, and by whom: `the agent's install`, a root, or a step.
#[derive(Debug, Clone, Copy)]
pub struct Applied<'manifest> {
    /// Who applies it, for people.
    pub by: &'manifest str,
    /// The object.
    pub manifest: &'manifest Manifest,
    /// The namespace that it goes to if it names none.
    pub namespace: &'manifest str,
    /// Whether it belongs to the agent's install, which is applied before the secrets of the stores.
    pub is_install: bool,
}

impl Applied<'_> {
    /// Returns the object's identity where it is applied.
    pub fn id(&self) -> ObjectRef {
        let mut id = self.manifest.id();
        if id.namespace.is_empty() {
            self.namespace.clone_into(&mut id.namespace);
        }
        id
    }

    fn place(&self) -> String {
        let origin = self.manifest.origin();
        format!("{} ({}:{})", self.by, origin.file, origin.line)
    }

    /// Returns an error at the place that the object comes from.
    pub fn finding(&self, rule: &'static str, message: String) -> Finding {
        at_origin(Finding::error(rule, message), self.manifest)
    }
}

/// Returns what would do damage. `restored` are the Secrets that the runbook restores, each with its name there; `namespace` is the
/// agent's.
pub fn check(applied: &[Applied<'_>], restored: &[(String, ObjectRef)], namespace: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let key = ObjectRef::new("v1", "Secret", namespace, "argocd-secret");
    for one in applied.iter().filter(|one| !one.is_install) {
        let id = one.id();
        if id == key {
            let message = format!(
                "{} holds `argocd-secret`: the key that signs sessions would be overwritten",
                one.by
            );
            findings.push(
                one.finding("damage/argocd-secret", message)
                    .help("take it out of there, and restore it from a store: `as: argocd/argocd-secret`"),
            );
        } else if let Some((name, _)) = restored.iter().find(|(_, secret)| *secret == id) {
            let message = format!(
                "{} holds {id}, which secret `{name}` of the runbook restores: one would overwrite the other",
                one.by
            );
            findings.push(
                one.finding("damage/secret-overwritten", message)
                    .help("keep one: take it out of Git, or out of the runbook"),
            );
        }
    }
    findings.extend(contradictions(applied));
    findings
}

/// Returns what says of a live object that it is being deleted; `None` where it is not.
pub fn dying(id: &ObjectRef, live: &Value) -> Option<String> {
    let since = live.pointer("/metadata/deletionTimestamp")?.as_str()?;
    let finalizers = live.pointer("/metadata/finalizers").and_then(Value::as_array);
    let waits: Vec<&str> = finalizers.into_iter().flatten().filter_map(Value::as_str).collect();
    let goes = if waits
        .iter()
        .any(|finalizer| finalizer.contains("resources-finalizer.argocd.argoproj.io"))
    {
        ", and all that it deployed goes with it"
    } else {
        ""
    };
    Some(format!("{id} is being deleted since {since}{goes}"))
}

/// Finds objects that two of those who apply have otherwise: the later one would undo the earlier.
fn contradictions(applied: &[Applied<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut first: BTreeMap<ObjectRef, &Applied<'_>> = BTreeMap::new();
    for one in applied {
        let id = one.id();
        match first.get(&id) {
            None => {
                first.insert(id, one);
            }
            Some(other) if other.by != one.by && content(other.manifest) != content(one.manifest) => {
                let message = format!(
                    "{id} is in {} and otherwise in {}: the later would undo the earlier",
                    other.place(),
                    one.by
                );
                findings.push(
                    one.finding("damage/two-contents", message)
                        .help("keep it in one place, or let both be the same"),
                );
            }
            Some(_) => {}
        }
    }
    findings
}

/// Returns an object without its namespace, which may go without saying, and its version, which is how it is written.
fn content(manifest: &Manifest) -> Value {
    let mut value = manifest.value().clone();
    if let Some(metadata) = value.pointer_mut("/metadata").and_then(Value::as_object_mut) {
        metadata.remove("namespace");
    }
    value
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::Origin;

    fn manifest(value: Value) -> Manifest {
        let origin = Origin {
            file: "apps.yaml".into(),
            line: 7,
        };
        Manifest::new(value, origin).unwrap()
    }

    fn secret(name: &str, namespace: Option<&str>) -> Manifest {
        let mut value = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": {}});
        if let Some(namespace) = namespace {
            value["metadata"]["namespace"] = namespace.into();
        }
        manifest(value)
    }

    fn by<'manifest>(by: &'manifest str, manifest: &'manifest Manifest) -> Applied<'manifest> {
        Applied {
            by,
            manifest,
            namespace: "argocd",
            is_install: by == "the agent's install",
        }
    }

    fn rules(applied: &[Applied<'_>]) -> Vec<&'static str> {
        let restored = [(
            "repo".to_owned(),
            ObjectRef::new("v1", "Secret", "argocd", "repo-platform"),
        )];
        check(applied, &restored, "argocd")
            .iter()
            .map(|finding| finding.rule)
            .collect()
    }

    #[test]
    fn a_secret_that_two_would_write_is_found() {
        let overwritten = ["damage/secret-overwritten"];
        for (applied, expected) in [
            (secret("repo-platform", None), &overwritten[..]),
            (secret("repo-platform", Some("argocd")), &overwritten),
            (secret("repo-platform", Some("shop")), &[]),
            (secret("other", None), &[]),
            (secret("argocd-secret", None), &["damage/argocd-secret"]),
            (secret("argocd-secret", Some("shop")), &[]),
        ] {
            assert_eq!(rules(&[by("root `apps`", &applied)]), expected, "{}", applied.id());
            assert_eq!(
                rules(&[by("the agent's install", &applied)]),
                [""; 0],
                "{}",
                applied.id()
            );
        }
    }

    #[test]
    fn an_object_with_two_contents_is_found_and_one_that_is_written_twice_alike_is_not() {
        let map = |value: &str, namespace: &str| {
            manifest(json!({
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "namespace": namespace}, "data": {"a": value},
            }))
        };
        let (a, b, elsewhere) = (map("a", "argocd"), map("b", "argocd"), map("b", "shop"));
        let mut bare = a.clone();
        bare.value_mut()["metadata"] = json!({"name": "m"});
        assert_eq!(
            rules(&[by("root `x`", &a), by("root `y`", &b)]),
            ["damage/two-contents"]
        );
        assert_eq!(
            rules(&[by("the agent's install", &a), by("step `y`", &b)]),
            ["damage/two-contents"]
        );
        assert_eq!(rules(&[by("root `x`", &a), by("root `y`", &bare)]), [""; 0]);
        assert_eq!(rules(&[by("root `x`", &a), by("root `y`", &elsewhere)]), [""; 0]);
        let found = check(&[by("root `x`", &a), by("root `y`", &b)], &[], "argocd");
        assert_eq!(
            found[0].message,
            "ConfigMap argocd/m is in root `x` (apps.yaml:7) and otherwise in root `y`: the later would undo the earlier"
        );
        assert!(found[0].place.is_some() && found[0].help.is_some());
    }

    #[test]
    fn a_deletion_says_what_goes_with_it() {
        let id = ObjectRef::new("argoproj.io/v1alpha1", "Application", "argocd", "root");
        let mut live = json!({"metadata": {"finalizers": ["resources-finalizer.argocd.argoproj.io/background"]}});
        assert_eq!(dying(&id, &live), None);
        live["metadata"]["deletionTimestamp"] = "2026-11-21T03:00:00Z".into();
        assert_eq!(
            dying(&id, &live).unwrap(),
            "Application.argoproj.io argocd/root is being deleted since 2026-11-21T03:00:00Z, and all that it deployed goes with it"
        );
    }
}
