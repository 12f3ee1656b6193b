//! Finds the check of an object's kind and asks it.

use serde_json::Value;

use super::field::{list, text};
use super::kind::{KINDS, Row};
use super::verdict::{Health, Status};

/// Says how well an object of one of the cluster's own kinds is, as Argo CD does without a script (gitops-engine,
/// `pkg/health/health.go`); `None` where its kind has no check.
///
/// An object that is being deleted is on its way, whatever its kind. A hook is an exception: Argo CD itself holds it back
/// by its finalizer until it has read how the hook ended.
pub fn judge(object: &Value) -> Option<Health> {
    deleted(object).or_else(|| by_kind(object))
}

/// Says that an object that is being deleted is on its way; see [`judge`].
pub(super) fn deleted(object: &Value) -> Option<Health> {
    let hook = |finalizer: &Value| finalizer == "argocd.argoproj.io/hook-finalizer";
    let is = !text(object, "/metadata/deletionTimestamp").is_empty()
        && !list(object, "/metadata/finalizers").iter().any(hook);
    is.then(|| Status::Progressing.because("it is being deleted"))
}

/// Asks the check of the object's kind.
pub(super) fn by_kind(object: &Value) -> Option<Health> {
    let (api_version, kind) = (text(object, "/apiVersion"), text(object, "/kind"));
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let row = row(group, kind)?;
    if row.versions.is_empty() || row.versions.contains(&version) {
        Some((row.check)(object))
    } else {
        Some(Status::Unknown.because(format!("there is no check for {kind} in the version {api_version}")))
    }
}

/// Whether the kind has a check, by its group (empty for the core group).
pub fn has_check(group: &str, kind: &str) -> bool {
    row(group, kind).is_some()
}

fn row(group: &str, kind: &str) -> Option<&'static Row> {
    KINDS.iter().find(|row| row.group == group && row.kind == kind)
}

/// Whether a workload is rolled out and available; `Err` says what is missing. What has no check is taken as it is.
pub fn workload(object: &Value) -> Result<(), String> {
    match judge(object) {
        Some(health) if health.status == Status::Healthy => Ok(()),
        Some(health) => Err(health.message),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_being_deleted_is_on_its_way_unless_it_is_a_hook() {
        let job = |finalizer: &str| {
            json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"deletionTimestamp": "2026-11-21T10:00:00Z", "finalizers": [finalizer]},
                   "status": {"conditions": [{"type": "Complete", "status": "True"}]}})
        };
        let status = |object: &Value| judge(object).unwrap().status;
        assert_eq!(status(&job("example.com/other")), Status::Progressing);
        assert_eq!(status(&job("argocd.argoproj.io/hook-finalizer")), Status::Healthy);
        let config =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"deletionTimestamp": "2026-11-21T10:00:00Z"}});
        assert_eq!(status(&config), Status::Progressing);
    }

    #[test]
    fn what_has_no_check_has_no_health() {
        for (api_version, kind) in [
            ("v1", "ConfigMap"),
            ("serving.knative.dev/v1", "Service"),
            ("argoproj.io/v1alpha1", "Application"),
            ("v1", "Deployment"),
        ] {
            assert_eq!(judge(&json!({"apiVersion": api_version, "kind": kind})), None);
        }
        assert_eq!(judge(&json!({})), None);
    }

    #[test]
    fn a_version_that_the_check_does_not_know_is_unknown() {
        let old = json!({"apiVersion": "apps/v1beta1", "kind": "Deployment"});
        assert_eq!(
            judge(&old).unwrap(),
            Status::Unknown.because("there is no check for Deployment in the version apps/v1beta1")
        );
    }

    #[test]
    fn a_workload_is_ready_when_its_newest_form_is_available() {
        let deployment = |generation: i64, updated: i64, available: i64| {
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"generation": generation}, "spec": {"replicas": 2},
                   "status": {"observedGeneration": 2, "updatedReplicas": updated, "availableReplicas": available}})
        };
        let stateful = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"generation": 1}, "spec": {"replicas": 1}, "status": {"observedGeneration": 1, "updatedReplicas": 1, "readyReplicas": 0}});
        let daemon = json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"generation": 1}, "status": {"observedGeneration": 1, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3}});
        let paused = json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"paused": true}});
        for (object, expected) in [
            (deployment(2, 2, 2), Ok(())),
            (
                deployment(3, 2, 2),
                Err("its controller has not seen it yet".to_owned()),
            ),
            (deployment(2, 1, 2), Err("1/2 updated".to_owned())),
            (deployment(2, 2, 1), Err("1/2 ready".to_owned())),
            (stateful, Err("0/1 ready".to_owned())),
            (daemon, Ok(())),
            (paused, Err("it is paused".to_owned())),
            (json!({"apiVersion": "v1", "kind": "ConfigMap"}), Ok(())),
        ] {
            assert_eq!(workload(&object), expected, "{object}");
        }
    }
}
