//! Workflow of Argo Workflows (gitops-engine, `health_argo.go`).

use serde_json::Value;

use crate::health::field::text;
use crate::health::verdict::{Health, Status};

pub(super) fn check(object: &Value) -> Health {
    let status = match text(object, "/status/phase") {
        "" | "Pending" | "Running" => Status::Progressing,
        "Succeeded" => Status::Healthy,
        "Failed" | "Error" => Status::Degraded,
        _ => Status::Unknown,
    };
    status.because(text(object, "/status/message"))
}
