//! Service (gitops-engine, `health_service.go`).

use serde_json::Value;

use crate::health::field::{list, text};
use crate::health::verdict::{Health, Status};

pub(super) fn check(object: &Value) -> Health {
    if text(object, "/spec/type") == "LoadBalancer" && list(object, "/status/loadBalancer/ingress").is_empty() {
        return Status::Progressing.because("no load balancer has given it an address yet");
    }
    Status::Healthy.into()
}
