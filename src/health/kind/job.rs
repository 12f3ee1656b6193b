//! Job (gitops-engine, `health_job.go`).

use serde_json::Value;

use crate::health::condition::{condition, conditions};
use crate::health::verdict::{Health, Status};

/// Upstream looks at the status of a condition only where the Job is suspended: one that was, and goes on, has the
/// condition still and counts as complete. So it is here, since it is the agent's verdict that is waited for.
pub(super) fn check(object: &Value) -> Health {
    if let Some(failed) = condition(object, "Failed") {
        return Status::Degraded.because(failed.message);
    }
    let ended = |kind: &str| ["Complete", "Suspended"].contains(&kind);
    let Some(last) = conditions(object).filter(|condition| ended(condition.kind)).last() else {
        return Status::Progressing.into();
    };
    let suspended = conditions(object).any(|condition| condition.kind == "Suspended" && condition.status == "True");
    if suspended {
        Status::Suspended.because(last.message)
    } else {
        Status::Healthy.because(last.message)
    }
}
