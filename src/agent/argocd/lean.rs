//! What is kept of an Application: with a thousand of them, what nobody reads would be most of the memory.

use serde_json::Value;

/// What nobody reads, and how it is reached.
const UNREAD: [(&str, &str); 4] = [
    ("/metadata", "managedFields"),
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
    use serde_json::json;

    #[test]
    fn what_nobody_reads_is_not_kept_and_hooks_and_failures_are() {
        let synced = json!({"kind": "Service", "name": "a", "status": "Synced"});
        let failed = json!({"kind": "Service", "name": "b", "status": "SyncFailed", "message": "no"});
        let degraded = json!({"kind": "Application", "name": "d", "status": "Synced", "hookPhase": "Failed"});
        let hook = json!({"kind": "Job", "name": "c", "status": "Synced", "hookType": "PreSync"});
        let app = json!({
            "metadata": {"name": "cart", "managedFields": [1], "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "x": "y"}},
            "status": {"history": [1], "health": {"status": "Healthy"}, "operationState": {"syncResult": {"resources": [synced, failed, degraded, hook]}}},
        });
        let expected = json!({
            "metadata": {"name": "cart", "annotations": {"x": "y"}},
            "status": {"health": {"status": "Healthy"}, "operationState": {"syncResult": {"resources": [failed, degraded, hook]}}},
        });
        assert_eq!(lean(app), expected);
    }
}
