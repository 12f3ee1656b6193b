//! `ReplicaSet` (gitops-engine, `health_replicaset.go`).

use serde_json::Value;

use crate::health::condition::condition;
use crate::health::field::{UNSEEN, is_unseen, number};
use crate::health::verdict::{Health, Status};

pub(super) fn check(object: &Value) -> Health {
    if is_unseen(object) {
        return Status::Progressing.because(UNSEEN);
    }
    if let Some(failure) = condition(object, "ReplicaFailure")
        && failure.status == "True"
    {
        return Status::Degraded.because(failure.message);
    }
    let available = number(object, "/status/availableReplicas");
    match object.pointer("/spec/replicas").and_then(Value::as_i64) {
        Some(wanted) if available < wanted => Status::Progressing.because(format!("{available}/{wanted} ready")),
        _ => Status::Healthy.into(),
    }
}
