//! `HorizontalPodAutoscaler` (gitops-engine, `health_hpa.go`).

use serde_json::Value;

use crate::health::condition::Condition;
use crate::health::field::{list, text};
use crate::health::verdict::{Health, Status};

/// Where the first version keeps its conditions, as JSON.
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";

/// On a cold cluster it is degraded until something serves metrics.
pub(super) fn check(object: &Value) -> Health {
    if text(object, "/apiVersion") != "autoscaling/v1" {
        return first_verdict(list(object, "/status/conditions"));
    }
    let written = object
        .pointer("/metadata/annotations")
        .and_then(|annotations| annotations.get(CONDITIONS))
        .and_then(Value::as_str);
    match written.map(serde_json::from_str::<Vec<Value>>) {
        Some(Ok(conditions)) => first_verdict(&conditions),
        Some(Err(error)) => Status::Unknown.because(format!("its annotation {CONDITIONS} cannot be read: {error}")),
        None => first_verdict(&[]),
    }
}

/// Returns what the first condition says that says anything.
fn first_verdict(conditions: &[Value]) -> Health {
    conditions
        .iter()
        .map(Condition::from)
        .find_map(|condition| status(&condition).map(|status| status.because(condition.message)))
        .unwrap_or_else(|| Status::Progressing.because("it does not scale yet"))
}

fn status(condition: &Condition<'_>) -> Option<Status> {
    match (condition.kind, condition.reason) {
        ("AbleToScale", "FailedGetScale" | "FailedUpdateScale")
        | ("ScalingActive", "FailedGetResourceMetric" | "InvalidSelector") => Some(Status::Degraded),
        ("AbleToScale" | "ScalingLimited", _) if condition.status == "True" => Some(Status::Healthy),
        _ => None,
    }
}
