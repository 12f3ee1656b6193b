//! The table of kinds.

use serde_json::Value;

use super::{
    api_service, autoscaler, claim, daemon_set, deployment, ingress, job, pod, replica_set, service, stateful_set,
    workflow,
};
use crate::health::verdict::Health;

/// How a kind is judged.
pub(in crate::health) struct Row {
    /// The API group; empty for the core group.
    pub(in crate::health) group: &'static str,
    pub(in crate::health) kind: &'static str,
    /// The versions that the check can read; empty where it does not matter.
    pub(in crate::health) versions: &'static [&'static str],
    pub(in crate::health) check: fn(&Value) -> Health,
}

const fn row(
    group: &'static str,
    versions: &'static [&'static str],
    kind: &'static str,
    check: fn(&Value) -> Health,
) -> Row {
    Row {
        group,
        kind,
        versions,
        check,
    }
}

/// Every kind that has a check (gitops-engine, `pkg/health/health.go`, `GetHealthCheckFunc`).
pub(in crate::health) const KINDS: &[Row] = &[
    row("apps", &["v1"], "Deployment", deployment::check),
    row("apps", &["v1"], "StatefulSet", stateful_set::check),
    row("apps", &["v1"], "DaemonSet", daemon_set::check),
    row("apps", &["v1"], "ReplicaSet", replica_set::check),
    row("", &["v1"], "Pod", pod::check),
    row("batch", &["v1"], "Job", job::check),
    row("", &["v1"], "Service", service::check),
    row("networking.k8s.io", &[], "Ingress", ingress::check),
    row("extensions", &[], "Ingress", ingress::check),
    row("", &["v1"], "PersistentVolumeClaim", claim::check),
    row(
        "autoscaling",
        &["v1", "v2", "v2beta1", "v2beta2"],
        "HorizontalPodAutoscaler",
        autoscaler::check,
    ),
    row(
        "apiregistration.k8s.io",
        &["v1", "v1beta1"],
        "APIService",
        api_service::check,
    ),
    row("argoproj.io", &[], "Workflow", workflow::check),
];
