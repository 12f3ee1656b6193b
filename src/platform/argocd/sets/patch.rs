//! The patch that a set lays over each Application (`controllers/template/patch.go`).
//!
//! It is a strategic merge patch, and of an Application's fields only `metadata.finalizers` is merged item by item: all else is
//! as a JSON merge patch has it.

use serde_json::{Map, Value};

use crate::yaml;

/// Returns the Application with the patch applied. Its project stays as it was.
pub(super) fn applied(mut app: Value, text: &str) -> Result<Value, String> {
    let documents = yaml::manifests(text).map_err(|error| format!("`templatePatch` cannot be read: {error}"))?;
    let patch = documents.into_iter().next().map(|(_, value)| value).unwrap_or_default();
    if patch.is_null() {
        return Ok(app);
    }
    if has_directive(&patch) {
        return Err("`templatePatch` has a directive (`$…`), which only the agent heeds".to_owned());
    }
    let project = app["spec"]["project"].clone();
    let before = app["metadata"]["finalizers"].clone();
    merge(&mut app, &patch);
    let after = app.pointer_mut("/metadata/finalizers").and_then(Value::as_array_mut);
    if let (Some(before), Some(after)) = (before.as_array(), after) {
        for finalizer in before {
            if !after.contains(finalizer) {
                after.push(finalizer.clone());
            }
        }
    }
    app["spec"]["project"] = project;
    Ok(app)
}

fn has_directive(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields
            .iter()
            .any(|(key, value)| key.starts_with('$') || has_directive(value)),
        Value::Array(items) => items.iter().any(has_directive),
        _ => false,
    }
}

fn merge(under: &mut Value, over: &Value) {
    let Value::Object(over) = over else {
        under.clone_from(over);
        return;
    };
    if !under.is_object() {
        *under = Value::Object(Map::new());
    }
    let Value::Object(under) = under else { return };
    for (key, value) in over {
        if value.is_null() {
            under.remove(key);
        } else {
            merge(under.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_patch_changes_all_but_the_project() {
        let app = json!({
            "metadata": {"name": "a", "finalizers": ["x"], "labels": {"l": "1"}},
            "spec": {"project": "default", "source": {"helm": {"valueFiles": ["a.yaml"]}}},
        });
        let text = "metadata:\n  finalizers: [kept]\n  labels: {l: null, m: '2'}\n\
            spec:\n  project: mine\n  source: {helm: {valueFiles: [b.yaml]}}\n  syncPolicy: {automated: {prune: true}}\n";
        assert_eq!(
            applied(app.clone(), text).unwrap(),
            json!({
                "metadata": {"name": "a", "finalizers": ["kept", "x"], "labels": {"m": "2"}},
                "spec": {
                    "project": "default", "source": {"helm": {"valueFiles": ["b.yaml"]}},
                    "syncPolicy": {"automated": {"prune": true}},
                },
            })
        );
        assert_eq!(applied(app.clone(), "").unwrap(), app);
        assert!(applied(app, "spec: {$patch: replace}").is_err());
    }
}
