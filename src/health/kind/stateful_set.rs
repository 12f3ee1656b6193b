//! `StatefulSet` (gitops-engine, `health_statefulset.go`).

use serde_json::Value;

use crate::health::field::{UNSEEN, is_unseen, number, text};
use crate::health::verdict::{Health, Status};

pub(super) fn check(object: &Value) -> Health {
    if is_unseen(object) || number(object, "/status/observedGeneration") == 0 {
        return Status::Progressing.because(UNSEEN);
    }
    let wanted = object.pointer("/spec/replicas").and_then(Value::as_i64);
    let ready = number(object, "/status/readyReplicas");
    if let Some(wanted) = wanted.filter(|wanted| ready < *wanted) {
        return Status::Progressing.because(format!("{ready}/{wanted} ready"));
    }
    let updated = number(object, "/status/updatedReplicas");
    let strategy = text(object, "/spec/updateStrategy/type");
    // A server sets the partition, so this is the way that live objects take; the revisions are not compared then.
    if strategy == "RollingUpdate"
        && let Some(rolling) = object
            .pointer("/spec/updateStrategy/rollingUpdate")
            .filter(|it| !it.is_null())
    {
        let partition = rolling.get("partition").and_then(Value::as_i64);
        let due = wanted
            .zip(partition)
            .map(|(wanted, partition)| wanted.saturating_sub(partition));
        return match due {
            Some(due) if updated < due => Status::Progressing.because(format!("{updated}/{due} updated")),
            _ => Status::Healthy.into(),
        };
    }
    let revision = text(object, "/status/updateRevision");
    if strategy != "OnDelete" && revision != text(object, "/status/currentRevision") {
        return Status::Progressing.because(format!("{updated} updated to {revision}, not all yet"));
    }
    Status::Healthy.into()
}
