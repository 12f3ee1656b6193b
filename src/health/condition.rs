//! What an object says of itself: its conditions and its phase.

use serde_json::Value;

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
