//! Whether a workload of the cluster's own kinds is rolled out and available.
//!
//! The rules follow `kubectl rollout status`.

use serde_json::Value;

fn number(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0)
}

/// Whether a Deployment, `StatefulSet` or `DaemonSet` is rolled out and available; `Err` says what is missing.
pub fn workload(object: &Value) -> Result<(), String> {
    if number(object, "/status/observedGeneration") < number(object, "/metadata/generation") {
        return Err("its controller has not seen it yet".into());
    }
    let wanted = object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
    let (wanted, updated, ready) = match kind {
        "DaemonSet" => (
            number(object, "/status/desiredNumberScheduled"),
            number(object, "/status/updatedNumberScheduled"),
            number(object, "/status/numberAvailable"),
        ),
        "StatefulSet" => (
            wanted,
            number(object, "/status/updatedReplicas"),
            number(object, "/status/readyReplicas"),
        ),
        _ => (
            wanted,
            number(object, "/status/updatedReplicas"),
            number(object, "/status/availableReplicas"),
        ),
    };
    let all = number(object, "/status/replicas");
    if kind == "Deployment" && all > updated {
        return Err(format!("{} of an earlier form still run", all - updated));
    }
    if updated < wanted {
        return Err(format!("{updated}/{wanted} updated"));
    }
    if ready < wanted {
        return Err(format!("{ready}/{wanted} ready"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_workload_is_ready_when_its_newest_form_is_available() {
        let deployment = |generation: i64, updated: i64, available: i64| {
            json!({"kind": "Deployment", "metadata": {"generation": generation}, "spec": {"replicas": 2},
                   "status": {"observedGeneration": 2, "updatedReplicas": updated, "availableReplicas": available}})
        };
        let stateful = json!({"kind": "StatefulSet", "metadata": {"generation": 1}, "status": {"observedGeneration": 1, "updatedReplicas": 1, "readyReplicas": 0}});
        let daemon = json!({"kind": "DaemonSet", "metadata": {"generation": 1}, "status": {"observedGeneration": 1, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3}});
        for (object, expected) in [
            (deployment(2, 2, 2), Ok(())),
            (
                deployment(3, 2, 2),
                Err("its controller has not seen it yet".to_owned()),
            ),
            (deployment(2, 1, 2), Err("1/2 updated".to_owned())),
            (deployment(2, 2, 1), Err("1/2 ready".to_owned())),
            (stateful, Err("0/1 ready".to_owned())),
            (daemon, Ok(())),
        ] {
            assert_eq!(workload(&object), expected, "{object}");
        }
    }
}
