//! `APIService` (gitops-engine, `health_apiservice.go`).

use serde_json::Value;

use crate::health::condition::condition;
use crate::health::verdict::{Health, Status};

pub(super) fn check(object: &Value) -> Health {
    match condition(object, "Available") {
        Some(available) => {
            let status = match available.status {
                "True" => Status::Healthy,
                _ => Status::Progressing,
            };
            status.because(format!("{}: {}", available.reason, available.message))
        }
        None => Status::Progressing.because("nobody has looked whether it answers yet"),
    }
}
