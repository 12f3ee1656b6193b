//! Whether a built-in workload does what it is for. Pure: a live object in, a verdict in words out.
//!
//! The rules follow `kubectl rollout status` and Argo CD's built-in checks (gitops-engine, `pkg/health`).

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

/// Whether a `CustomResourceDefinition` is served; `Err` says what is missing.
pub fn established(object: &Value) -> Result<(), String> {
    for (kind, wanted) in [("NamesAccepted", "True"), ("Established", "True")] {
        match condition(object, kind) {
            Some((status, _)) if status == wanted => {}
            Some((_, message)) => return Err(format!("{kind} is not so: {message}")),
            None => return Err(format!("{kind} is not known yet")),
        }
    }
    Ok(())
}

/// Whether an object has this condition as `True`, or this phase; `Err` says what it has instead.
pub fn condition_or_phase(object: &Value, is: &str) -> Result<(), String> {
    let phase = object.pointer("/status/phase").and_then(Value::as_str);
    match condition(object, is) {
        Some(("True", _)) => Ok(()),
        Some((status, message)) => Err(format!("{is} is {status}: {message}")),
        None if phase == Some(is) => Ok(()),
        None => Err(phase.map_or_else(
            || format!("it has neither a condition nor a phase {is} yet"),
            |phase| format!("its phase is {phase}"),
        )),
    }
}

/// Returns the status and message of a condition.
pub fn condition<'object>(object: &'object Value, kind: &str) -> Option<(&'object str, &'object str)> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    let found = conditions.iter().find(|condition| condition["type"] == kind)?;
    Some((
        found["status"].as_str().unwrap_or_default(),
        found["message"].as_str().unwrap_or_default(),
    ))
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

    #[test]
    fn a_crd_is_served_when_its_names_are_accepted_and_it_is_established() {
        let crd = |names: &str, established: &str| json!({"status": {"conditions": [{"type": "NamesAccepted", "status": names, "message": "taken"}, {"type": "Established", "status": established}]}});
        assert_eq!(established(&crd("True", "True")), Ok(()));
        assert!(established(&crd("False", "True")).unwrap_err().contains("taken"));
        assert!(established(&crd("True", "False")).is_err());
        assert!(established(&json!({})).is_err());
    }

    #[test]
    fn a_condition_or_a_phase_will_do() {
        let restore = json!({"status": {"phase": "InProgress"}});
        assert_eq!(
            condition_or_phase(&restore, "Completed").unwrap_err(),
            "its phase is InProgress"
        );
        assert_eq!(
            condition_or_phase(&json!({"status": {"phase": "Completed"}}), "Completed"),
            Ok(())
        );
        let ready = json!({"status": {"conditions": [{"type": "Ready", "status": "False", "message": "no"}]}});
        assert_eq!(condition_or_phase(&ready, "Ready").unwrap_err(), "Ready is False: no");
    }
}
