//! A cluster as data: every object of every kind, without what may differ.

use std::collections::BTreeMap;

use kube::Client;
use kube::api::{Api, DynamicObject, ListParams};
use kube::discovery::{Discovery, verbs};
use serde_json::{Value, json};

use super::volatile;
use crate::restore::scene::Scene;

/// Every object by `Kind.group namespace/name`.
pub(super) type Snapshot = BTreeMap<String, Value>;

/// Takes one of the scene's cluster.
pub(super) async fn take(scene: &Scene) -> Snapshot {
    let client: Client = scene.outage.bed.admin();
    let discovery = Discovery::new(client.clone()).run().await.unwrap();
    let mut snapshot = Snapshot::new();
    for group in discovery.groups() {
        for (resource, capabilities) in group.recommended_resources() {
            let is_ignored = volatile::KINDS.iter().any(|(kind, _)| *kind == resource.kind);
            if is_ignored || !capabilities.supports_operation(verbs::LIST) {
                continue;
            }
            let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
            for object in api.list(&ListParams::default()).await.unwrap() {
                let mut value = serde_json::to_value(&object).unwrap();
                value["kind"] = json!(resource.kind);
                let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
                let name = format!(
                    "{} {}/{}",
                    resource.kind,
                    text("/metadata/namespace"),
                    text("/metadata/name")
                );
                snapshot.insert(name.clone(), steady(&name, value));
            }
        }
    }
    snapshot
}

/// Returns what is different between two snapshots, one line each.
pub(super) fn differences(expected: &Snapshot, found: &Snapshot) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, value) in expected {
        match found.get(name) {
            None => lines.push(format!("- {name} is missing")),
            Some(other) => compare(name, "", value, other, &mut lines),
        }
    }
    let added = found.keys().filter(|name| !expected.contains_key(*name));
    lines.extend(added.map(|name| format!("+ {name} should not be there")));
    lines
}

/// The object without what may differ.
fn steady(name: &str, mut value: Value) -> Value {
    let managers: std::collections::BTreeSet<String> = value["metadata"]["managedFields"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|entry| entry["subresource"].is_null())
        .filter_map(|entry| {
            Some(format!(
                "{} ({})",
                entry["manager"].as_str()?,
                entry["operation"].as_str()?
            ))
        })
        .collect();
    let parts = volatile::PARTS.iter().filter(|(object, _, _)| is_meant(object, name));
    let pointers = parts.map(|(_, pointer, _)| *pointer);
    for pointer in pointers.chain(volatile::FIELDS.iter().map(|(pointer, _)| *pointer)) {
        remove(&mut value, pointer);
    }
    value["metadata"]["managers"] = json!(managers);
    value
}

/// Whether a name is the one of the list, in which `*` stands for any namespace.
fn is_meant(listed: &str, name: &str) -> bool {
    match listed.split_once('*') {
        Some((before, after)) => name.starts_with(before) && name.ends_with(after),
        None => listed == name,
    }
}

fn remove(value: &mut Value, pointer: &str) {
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    let field = field.replace("~1", "/");
    if let Some(object) = value.pointer_mut(parent).and_then(Value::as_object_mut) {
        object.remove(&field);
    }
}

/// Says where two values differ, never what a Secret holds.
fn compare(name: &str, path: &str, expected: &Value, found: &Value, lines: &mut Vec<String>) {
    if expected == found {
        return;
    }
    if let (Value::Object(expected), Value::Object(found)) = (expected, found) {
        let keys: std::collections::BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
        for key in keys {
            let (expected, found) = (expected.get(key), found.get(key));
            compare(
                name,
                &format!("{path}/{key}"),
                expected.unwrap_or(&Value::Null),
                found.unwrap_or(&Value::Null),
                lines,
            );
        }
    } else {
        lines.push(format!(
            "! {name} differs at {path}: expected {expected}, found {found}"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_seen_whichever_side_it_is_on() {
        let one: Snapshot = [
            ("A /x".to_owned(), json!({"spec": {"a": 1}})),
            ("B /x".to_owned(), json!({})),
        ]
        .into();
        let other: Snapshot = [
            ("A /x".to_owned(), json!({"spec": {"a": 2}})),
            ("C /x".to_owned(), json!({})),
        ]
        .into();
        assert_eq!(differences(&one, &one), Vec::<String>::new());
        assert_eq!(
            differences(&one, &other),
            [
                "! A /x differs at /spec/a: expected 1, found 2",
                "- B /x is missing",
                "+ C /x should not be there"
            ]
        );
    }

    #[test]
    fn what_may_differ_is_taken_away_and_nothing_else() {
        let object = json!({
            "metadata": {"uid": "4f1c", "labels": {"app": "x"}, "annotations": {"argocd.argoproj.io/refresh": "normal", "mine": "1"},
                "managedFields": [{"manager": "gitops-dr", "operation": "Apply", "time": "…"}]},
            "spec": {"replicas": 1}, "status": {"replicas": 1},
        });
        assert_eq!(
            steady("Deployment x/x", object),
            json!({
                "metadata": {"labels": {"app": "x"}, "annotations": {"mine": "1"}, "managers": ["gitops-dr (Apply)"]},
                "spec": {"replicas": 1},
            })
        );
    }
}
