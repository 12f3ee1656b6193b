//! Ingress (gitops-engine, `health_ingress.go`).

use serde_json::Value;

use crate::health::field::list;
use crate::health::verdict::{Health, Status};

pub(super) fn check(object: &Value) -> Health {
    if list(object, "/status/loadBalancer/ingress").is_empty() {
        return Status::Progressing.because("no ingress controller has given it an address yet");
    }
    Status::Healthy.into()
}
