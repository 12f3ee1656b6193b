//! `PersistentVolumeClaim` (gitops-engine, `health_pvc.go`).

use serde_json::Value;

use crate::health::field::text;
use crate::health::verdict::{Health, Status};

pub(super) fn check(object: &Value) -> Health {
    match text(object, "/status/phase") {
        "Bound" => Status::Healthy.into(),
        "Pending" => Status::Progressing.because("it has no volume yet"),
        "Lost" => Status::Degraded.because("its volume is gone"),
        phase => Status::Unknown.because(format!("its phase is `{phase}`")),
    }
}
