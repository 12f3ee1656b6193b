//! Deployment (gitops-engine, `health_deployment.go`).

use serde_json::Value;

use crate::health::condition::condition;
use crate::health::field::{UNSEEN, is_unseen, number};
use crate::health::verdict::{Health, Status};

pub(super) fn check(object: &Value) -> Health {
    if object.pointer("/spec/paused") == Some(&Value::Bool(true)) {
        return Status::Suspended.because("it is paused");
    }
    if is_unseen(object) {
        return Status::Progressing.because(UNSEEN);
    }
    if let Some(late) = condition(object, "Progressing")
        && late.reason == "ProgressDeadlineExceeded"
    {
        return Status::Degraded.because(late.message);
    }
    let wanted = object.pointer("/spec/replicas").and_then(Value::as_i64);
    let all = number(object, "/status/replicas");
    let updated = number(object, "/status/updatedReplicas");
    let available = number(object, "/status/availableReplicas");
    if let Some(wanted) = wanted.filter(|wanted| updated < *wanted) {
        return Status::Progressing.because(format!("{updated}/{wanted} updated"));
    }
    if all > updated {
        return Status::Progressing.because(format!("{} of an earlier form still run", all.saturating_sub(updated)));
    }
    if available < updated {
        return Status::Progressing.because(format!("{available}/{updated} ready"));
    }
    Status::Healthy.into()
}
