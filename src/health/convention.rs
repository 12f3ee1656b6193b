//! What an object says of itself by the conventions that most controllers keep, whatever its kind.

use serde_json::Value;

use super::condition::{condition, conditions};
use super::field::{UNSEEN, number};
use super::judge::deleted;
use super::verdict::{Health, Status};

/// Says how well an object of any kind is by its own conditions, as kstatus reads them (cli-utils,
/// `pkg/kstatus/status/generic.go`), and by what else many say; `None` where it says nothing.
///
/// It is not the agent's verdict and settles nothing: to Argo CD a kind without a check is well as soon as it is there. It
/// serves to say what is wrong. kstatus takes an object that says nothing for well; its controller may not have begun.
pub fn by_convention(object: &Value) -> Option<Health> {
    if let Some(health) = deleted(object) {
        return Some(health);
    }
    let seen = object.pointer("/status/observedGeneration").and_then(Value::as_i64);
    if seen.is_some_and(|seen| seen != number(object, "/metadata/generation")) {
        return Some(Status::Progressing.because(UNSEEN));
    }
    let first = conditions(object).find_map(|condition| match (condition.kind, condition.status) {
        ("Reconciling", "True") => Some(Status::Progressing.because(condition.words())),
        // A `SealedSecret` that stays sealed says that it is not synced, and so does what Crossplane cannot bring about.
        ("Stalled", "True") | ("Synced", "False") => Some(Status::Degraded.because(condition.words())),
        _ => None,
    });
    first.or_else(|| {
        let ready = condition(object, "Ready")?;
        let status = match ready.status {
            "True" => Status::Healthy,
            _ => Status::Progressing,
        };
        Some(status.because(ready.words()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_object_says_by_its_conditions_how_well_it_is() {
        let says = |kind: &str, status: &str| json!({"type": kind, "status": status, "reason": "Why", "message": kind});
        let (ready, not_ready) = (says("Ready", "True"), says("Ready", "False"));
        for (conditions, expected) in [
            (json!([ready]), Some((Status::Healthy, "Why: Ready"))),
            (json!([not_ready]), Some((Status::Progressing, "Why: Ready"))),
            (
                json!([says("Ready", "Unknown")]),
                Some((Status::Progressing, "Why: Ready")),
            ),
            (
                json!([{"type": "Ready", "status": "False", "reason": "Why"}]),
                Some((Status::Progressing, "Why")),
            ),
            (
                json!([ready, says("Reconciling", "True")]),
                Some((Status::Progressing, "Why: Reconciling")),
            ),
            (
                json!([not_ready, says("Stalled", "True")]),
                Some((Status::Degraded, "Why: Stalled")),
            ),
            (
                json!([says("Stalled", "True"), says("Reconciling", "True")]),
                Some((Status::Degraded, "Why: Stalled")),
            ),
            (
                json!([ready, says("Reconciling", "False"), says("Stalled", "False")]),
                Some((Status::Healthy, "Why: Ready")),
            ),
            (json!([says("Synced", "True")]), None),
            (
                json!([says("Synced", "False")]),
                Some((Status::Degraded, "Why: Synced")),
            ),
            (json!([]), None),
        ] {
            let object =
                json!({"metadata": {"generation": 2}, "status": {"observedGeneration": 2, "conditions": conditions}});
            let health = by_convention(&object);
            let health = health.as_ref().map(|health| (health.status, health.message.as_str()));
            assert_eq!(health, expected, "{object}");
        }
    }

    #[test]
    fn an_object_that_its_controller_has_not_seen_is_on_its_way() {
        let ready = json!([{"type": "Ready", "status": "True"}]);
        let object = |seen: Value| json!({"metadata": {"generation": 2}, "status": {"observedGeneration": seen, "conditions": ready}});
        let status = |object: &Value| by_convention(object).unwrap().status;
        assert_eq!(status(&object(json!(1))), Status::Progressing);
        assert_eq!(status(&object(json!(-1))), Status::Progressing);
        assert_eq!(status(&object(json!(2))), Status::Healthy);
        assert_eq!(status(&object(Value::Null)), Status::Healthy);
        let ending =
            json!({"metadata": {"deletionTimestamp": "2026-11-21T10:00:00Z"}, "status": {"conditions": ready}});
        assert_eq!(status(&ending), Status::Progressing);
        assert_eq!(by_convention(&json!({"metadata": {"generation": 1}})), None);
    }
}
