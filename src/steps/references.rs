//! The keys of Secrets that the agent's settings will take.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{World, credentials};
use crate::finding::Finding;
use crate::graph::Platform;
use crate::object::Manifest;
use crate::platform::argocd::install::Install;
use crate::platform::argocd::{PART_OF, secret};
use crate::runbook::{Runbook, SecretShape};

/// Finds what `argocd-cm` of the install takes out of Secrets that will not hold it. A living agent has its own Secrets, which stay.
pub(super) fn dangling(world: &World, runbook: &Runbook, install: &Install, platform: &Platform) -> Vec<Finding> {
    let mut maps = install.manifests().filter(|manifest| manifest.is("", "ConfigMap"));
    let Some(settings) = maps.find(|map| map.id().name == "argocd-cm") else {
        return Vec::new();
    };
    if world.adopts() {
        return Vec::new();
    }
    secret::check_references(settings.value(), |name| {
        let restored = restored(world, runbook, name);
        let of_install = install.manifests().chain(&install.argocd_secret);
        let of_install = of_install.filter_map(|manifest| holds(manifest, name));
        let of_apps = platform.apps.iter().filter(|app| app.cluster.is_empty());
        let of_apps = of_apps.flat_map(|app| {
            app.contents.objects().iter().filter_map(|one| {
                let namespace = match one.manifest.text("/metadata/namespace") {
                    "" => app.namespace.as_str(),
                    named => named,
                };
                (namespace == runbook.agent.namespace).then(|| holds(&one.manifest, name))?
            })
        });
        restored.into_iter().chain(of_install).chain(of_apps).reduce(together)
    })
}

/// Returns what the runbook puts into a Secret of the agent's namespace.
fn restored(world: &World, runbook: &Runbook, name: &str) -> Option<secret::Held> {
    let mut secrets = world.secrets.get().into_iter().flatten();
    secrets.find_map(|(key, restored)| {
        let held = |is_read| secret::Held {
            keys: Some(restored.data.keys().cloned().collect()),
            is_read,
        };
        // The ground lays Argo CD's own.
        let shape = &runbook.secrets.get(key)?.shape;
        if matches!(shape, SecretShape::Argocd(shape) if shape == "argocd-secret") {
            return (name == "argocd-secret").then(|| held(true));
        }
        let manifests = credentials::manifests(runbook, key, restored).ok()?;
        let manifest = manifests.into_iter().find(|manifest| {
            let id = manifest.id();
            id.name == name && id.namespace == runbook.agent.namespace
        })?;
        Some(held(is_read(manifest.value().pointer("/metadata/labels"))))
    })
}

/// Returns what an object puts into the Secret of this name: the Secret itself, or one by which an operator makes it or adds to it.
fn holds(manifest: &Manifest, name: &str) -> Option<secret::Held> {
    let value = manifest.value();
    let keys = |fields: &[&str]| -> BTreeSet<String> {
        let maps = fields.iter().filter_map(|field| value.pointer(field)?.as_object());
        maps.flat_map(|map| map.keys().cloned()).collect()
    };
    let called = |field: &str| match manifest.text(field) {
        "" => manifest.text("/metadata/name") == name,
        named => named == name,
    };
    if manifest.is("", "Secret") && called("/metadata/name") {
        return Some(secret::Held {
            keys: Some(keys(&["/data", "/stringData"])),
            is_read: is_read(value.pointer("/metadata/labels")),
        });
    }
    if manifest.is("bitnami.com", "SealedSecret") && called("/spec/template/metadata/name") {
        return Some(secret::Held {
            keys: Some(keys(&["/spec/encryptedData", "/spec/template/data"])),
            is_read: is_read(value.pointer("/spec/template/metadata/labels")),
        });
    }
    if manifest.is("external-secrets.io", "ExternalSecret") && called("/spec/target/name") {
        // What is found in the store by a pattern, or made by a template with code in its names, nobody can list.
        let is_open =
            value.pointer("/spec/dataFrom").is_some() || value.pointer("/spec/target/template/templateFrom").is_some();
        let listed = value
            .pointer("/spec/data")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let listed = listed.filter_map(|one| one.get("secretKey")?.as_str().map(str::to_owned));
        return Some(secret::Held {
            keys: (!is_open).then(|| listed.chain(keys(&["/spec/target/template/data"])).collect()),
            is_read: is_read(value.pointer("/spec/target/template/metadata/labels")),
        });
    }
    None
}

fn is_read(labels: Option<&Value>) -> bool {
    labels
        .and_then(|labels| labels.get(PART_OF))
        .is_some_and(|part_of| part_of == "argocd")
}

/// Joins what several put into one Secret.
fn together(one: secret::Held, other: secret::Held) -> secret::Held {
    secret::Held {
        keys: one
            .keys
            .zip(other.keys)
            .map(|(one, other)| one.into_iter().chain(other).collect()),
        is_read: one.is_read || other.is_read,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::Origin;

    #[test]
    fn what_an_object_puts_into_a_secret_is_known_or_known_to_be_unknown() {
        let labels = json!({PART_OF: "argocd"});
        let of = |kind: &str, group: &str, spec: Value| {
            let value = json!({"apiVersion": format!("{group}v1"), "kind": kind, "metadata": {"name": "sso", "labels": labels}, "spec": spec});
            Manifest::new(
                value,
                Origin {
                    file: String::new(),
                    line: 0,
                },
            )
            .unwrap()
        };
        let mut plain = of("Secret", "", json!({}));
        plain.value_mut()["data"] = json!({"a": "MQ=="});
        let template = json!({"metadata": {"labels": labels}});
        let external = |spec: Value| of("ExternalSecret", "external-secrets.io/", spec);
        for (manifest, keys, read) in [
            (plain, Some(vec!["a"]), true),
            (
                of(
                    "SealedSecret",
                    "bitnami.com/",
                    json!({"encryptedData": {"b": "x"}, "template": template}),
                ),
                Some(vec!["b"]),
                true,
            ),
            (
                external(json!({"data": [{"secretKey": "c"}], "target": {"template": template}})),
                Some(vec!["c"]),
                true,
            ),
            (external(json!({"data": [{"secretKey": "c"}]})), Some(vec!["c"]), false),
            (external(json!({"dataFrom": [{"extract": {"key": "x"}}]})), None, false),
        ] {
            let held = holds(&manifest, "sso").unwrap();
            let expected = keys.map(|keys| keys.into_iter().map(str::to_owned).collect());
            assert_eq!((held.keys, held.is_read), (expected, read), "{}", manifest.value());
            assert_eq!(holds(&manifest, "other"), None);
        }
        let elsewhere = external(
            json!({"target": {"name": "argocd-secret", "creationPolicy": "Merge"}, "data": [{"secretKey": "d"}]}),
        );
        assert!(holds(&elsewhere, "argocd-secret").is_some() && holds(&elsewhere, "sso").is_none());
    }
}
