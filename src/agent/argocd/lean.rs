//! What is kept of an Application: with a thousand of them, what nobody reads would be most of the memory.

use serde_json::{Value, json};

/// What nobody reads, and how it is reached.
const UNREAD: [(&str, &str); 3] = [
    (
        "/metadata/annotations",
        "kubectl.kubernetes.io/last-applied-configuration",
    ),
    ("/status", "history"),
    ("/status", "summary"),
];

/// Returns an Application or `ApplicationSet` without what nobody reads.
pub(super) fn lean(mut object: Value) -> Value {
    for (parent, field) in UNREAD {
        if let Some(parent) = object.pointer_mut(parent).and_then(Value::as_object_mut) {
            parent.remove(field);
        }
    }
    // When whoever owns the specification last wrote it is how it is known what a set's conditions are about.
    if let Some(entries) = object
        .pointer_mut("/metadata/managedFields")
        .and_then(Value::as_array_mut)
    {
        entries.retain(|entry| entry["fieldsV1"].get("f:spec").is_some());
        for entry in entries {
            *entry = json!({"time": entry["time"], "fieldsV1": {"f:spec": {}}});
        }
    }
    // Of an object that was synced `status.resources` tells all; the results of hooks and failures are found nowhere else.
    let results = object.pointer_mut("/status/operationState/syncResult/resources");
    if let Some(results) = results.and_then(Value::as_array_mut) {
        let has_failed = |result: &Value| result["hookPhase"] == "Failed" || result["hookPhase"] == "Error";
        // A child that was Degraded fails its parent's sync, and is Synced.
        results.retain(|result| result.get("hookType").is_some() || result["status"] != "Synced" || has_failed(result));
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::argocd::applicationset::ApplicationSet;

    #[test]
    fn what_nobody_reads_is_not_kept_and_hooks_and_failures_are() {
        let synced = json!({"kind": "Service", "name": "a", "status": "Synced"});
        let failed = json!({"kind": "Service", "name": "b", "status": "SyncFailed", "message": "no"});
        let degraded = json!({"kind": "Application", "name": "d", "status": "Synced", "hookPhase": "Failed"});
        let hook = json!({"kind": "Job", "name": "c", "status": "Synced", "hookType": "PreSync"});
        let app = json!({
            "metadata": {"name": "cart", "managedFields": [{"manager": "x", "fieldsV1": {"f:metadata": {}}}], "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "x": "y"}},
            "status": {"history": [1], "health": {"status": "Healthy"}, "operationState": {"syncResult": {"resources": [synced, failed, degraded, hook]}}},
        });
        let expected = json!({
            "metadata": {"name": "cart", "managedFields": [], "annotations": {"x": "y"}},
            "status": {"health": {"status": "Healthy"}, "operationState": {"syncResult": {"resources": [failed, degraded, hook]}}},
        });
        assert_eq!(lean(app), expected);
    }

    #[test]
    fn a_set_that_was_edited_is_judged_as_it_would_be_whole() {
        let spec = json!({"f:spec": {"f:generators": {}, "f:template": {}}});
        let set = |written: &str| {
            lean(json!({
                "metadata": {"generation": 2, "managedFields": [
                    {"manager": "git", "operation": "Apply", "time": written, "fieldsV1": spec},
                    {"manager": "controller", "time": "2026-11-21T10:00:09Z", "fieldsV1": {"f:status": {}}},
                ]},
                "status": {"conditions": [{"type": "ResourcesUpToDate", "status": "True", "lastTransitionTime": "2026-11-21T10:00:05Z"}]},
            }))
        };
        for (written, is_judged) in [("2026-11-21T10:00:00Z", true), ("2026-11-21T10:00:06Z", false)] {
            let set = set(written);
            assert_eq!(ApplicationSet::new(&set).is_judged_as_it_is(), is_judged, "{written}");
            assert!(set["metadata"]["managedFields"][0].get("manager").is_none(), "{set}");
        }
    }
}
