//! What an object says of itself: its conditions and its phase.

use serde_json::Value;

use super::field::{list, text};

/// One condition of an object.
pub(super) struct Condition<'object> {
    pub(super) kind: &'object str,
    pub(super) status: &'object str,
    pub(super) reason: &'object str,
    pub(super) message: &'object str,
}

impl<'object> From<&'object Value> for Condition<'object> {
    fn from(condition: &'object Value) -> Self {
        Self {
            kind: text(condition, "/type"),
            status: text(condition, "/status"),
            reason: text(condition, "/reason"),
            message: text(condition, "/message"),
        }
    }
}

impl Condition<'_> {
    /// Returns what it says: its reason, which people look for in the manual of the controller, and its message.
    pub(super) fn words(&self) -> String {
        match (self.reason, self.message) {
            ("", said) | (said, "") => said.to_owned(),
            (reason, message) if message.contains(reason) => message.to_owned(),
            (reason, message) => format!("{reason}: {message}"),
        }
    }
}

/// Returns the conditions in the order in which the object has them.
pub(super) fn conditions(object: &Value) -> impl Iterator<Item = Condition<'_>> {
    list(object, "/status/conditions").iter().map(Condition::from)
}

/// Returns the first condition of a type.
pub(super) fn condition<'object>(object: &'object Value, kind: &str) -> Option<Condition<'object>> {
    conditions(object).find(|condition| condition.kind == kind)
}

/// Whether a `CustomResourceDefinition` is served; `Err` says what is missing.
pub fn established(object: &Value) -> Result<(), String> {
    for kind in ["NamesAccepted", "Established"] {
        match condition(object, kind) {
            Some(found) if found.status == "True" => {}
            Some(found) => return Err(format!("{kind} is not so: {}", found.message)),
            None => return Err(format!("{kind} is not known yet")),
        }
    }
    Ok(())
}

/// Why a `CustomResourceDefinition` will not be served: another has its names. `None` where that is not said.
pub fn names_refused(object: &Value) -> Option<&str> {
    let accepted = condition(object, "NamesAccepted")?;
    (accepted.status == "False").then_some(accepted.message)
}

/// Whether an object has this condition as `True`, or this phase; `Err` says what it has instead.
pub fn condition_or_phase(object: &Value, is: &str) -> Result<(), String> {
    let phase = text(object, "/status/phase");
    match condition(object, is) {
        Some(found) if found.status == "True" => Ok(()),
        Some(found) => Err(format!("{is} is {}: {}", found.status, found.words())),
        None if phase == is => Ok(()),
        None if phase.is_empty() => Err(format!("it has neither a condition nor a phase {is} yet")),
        None => Err(format!("its phase is {phase}")),
    }
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
        let refused = json!({"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "InvalidProviderConfig", "message": "no"}]}});
        assert_eq!(
            condition_or_phase(&refused, "Ready").unwrap_err(),
            "Ready is False: InvalidProviderConfig: no"
        );
    }
}
