//! `DaemonSet` (gitops-engine, `health_daemonset.go`).

use serde_json::Value;

use crate::health::field::{UNSEEN, is_unseen, number, text};
use crate::health::verdict::{Health, Status};

pub(super) fn check(object: &Value) -> Health {
    if is_unseen(object) {
        return Status::Progressing.because(UNSEEN);
    }
    // Nobody but a person replaces these pods, so there is nothing to wait for.
    if text(object, "/spec/updateStrategy/type") == "OnDelete" {
        return Status::Healthy.into();
    }
    let wanted = number(object, "/status/desiredNumberScheduled");
    let updated = number(object, "/status/updatedNumberScheduled");
    let available = number(object, "/status/numberAvailable");
    if updated < wanted {
        return Status::Progressing.because(format!("{updated}/{wanted} updated"));
    }
    if available < wanted {
        return Status::Progressing.because(format!("{available}/{wanted} ready"));
    }
    Status::Healthy.into()
}
