//! A root as Git or an export holds it, made fit for a restore.

use serde_json::Value;

use super::place::at_origin;
use super::{GROUP, REFRESH, REFRESH_SET};
use crate::finding::Finding;
use crate::object::Manifest;

/// What the API server or a former life wrote into `metadata`.
const METADATA: [&str; 8] = [
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "selfLink",
    "managedFields",
    "ownerReferences",
];

/// Annotations that ask for something, or that another tool wrote for itself.
const ANNOTATIONS: [&str; 3] = [REFRESH, REFRESH_SET, "kubectl.kubernetes.io/last-applied-configuration"];

/// How long Argo CD retries a failed sync where nothing else is said: 5, 10, 20, 40, 80 seconds.
const DEFAULT_RETRY: u64 = 155;

/// A cold cluster may be without CRDs, webhooks and namespaces for this many seconds.
const COLD: u64 = 1800;

/// Returns the root without what belongs to a former life.
///
/// The Application CRD has no status subresource: a `status` that is applied with it would be believed. The app would
/// look Synced and Healthy before the controller ever looked, and auto-sync would hold the old revision for done.
#[must_use = "the manifest is returned, not changed in place"]
pub fn for_restore(mut root: Manifest) -> Manifest {
    let Some(object) = root.value_mut().as_object_mut() else {
        return root;
    };
    object.retain(|key, _| key != "status" && key != "operation");
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else {
        return root;
    };
    metadata.retain(|key, _| !METADATA.contains(&key.as_str()));
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.retain(|key, _| !ANNOTATIONS.contains(&key.as_str()));
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
    }
    root
}

/// Returns what would keep a root from rebuilding a platform by itself.
pub fn check(root: &Manifest) -> Vec<Finding> {
    let findings = match (root.group(), root.kind()) {
        (GROUP, "Application") => check_spec(root, &root.value()["spec"]),
        (GROUP, "ApplicationSet") => check_spec(root, &root.value()["spec"]["template"]["spec"]),
        (GROUP, "AppProject") => Vec::new(),
        _ => vec![
            Finding::warning(
                "root/kind",
                format!(
                    "`{}` is no Application, ApplicationSet or AppProject: nothing follows from it",
                    root.id()
                ),
            )
            .help("name the Application that contains it as the root"),
        ],
    };
    findings.into_iter().map(|finding| at_origin(finding, root)).collect()
}

fn check_spec(root: &Manifest, spec: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    let name = root.text("/metadata/name");
    let kind = root.kind();
    let policy = &spec["syncPolicy"];
    // RollingSync turns automated sync off and syncs step by step itself.
    let rolling = root.text("/spec/strategy/type") == "RollingSync";
    if !rolling && !is_automated(policy) {
        findings.push(
            Finding::warning(
                "root/not-automated",
                format!("{kind} `{name}` has no automated sync: somebody must start it by hand in the outage"),
            )
            .help("set `spec.syncPolicy.automated: {prune: false, selfHeal: true}`"),
        );
    }
    let seconds = retry_seconds(&policy["retry"]);
    if let Some(seconds) = seconds.filter(|seconds| !rolling && *seconds < COLD) {
        findings.push(
            Finding::warning(
                "root/retry",
                format!(
                    "{kind} `{name}` retries a failed sync for {seconds} s and then gives up for good: on a cold cluster \
                     CRDs, webhooks and namespaces are often missing for longer"
                ),
            )
            .help("set `spec.syncPolicy.retry: {limit: -1, backoff: {duration: 5s, factor: 2, maxDuration: 3m}}`"),
        );
    }
    findings
}

/// Whether a `syncPolicy` syncs by itself.
pub(super) fn is_automated(policy: &Value) -> bool {
    policy["automated"].is_object() && policy["automated"]["enabled"] != Value::Bool(false)
}

/// Returns for how many seconds a failed sync is retried; `None` for ever.
fn retry_seconds(retry: &Value) -> Option<u64> {
    if retry.is_null() {
        return Some(DEFAULT_RETRY);
    }
    // `limit` absent reads as 0, which is no retry at all.
    let limit = u64::try_from(retry["limit"].as_i64().unwrap_or(0)).ok()?;
    let backoff = &retry["backoff"];
    let duration = seconds(&backoff["duration"]).unwrap_or(5);
    let longest = seconds(&backoff["maxDuration"]).unwrap_or(180);
    let factor = backoff["factor"].as_u64().unwrap_or(2);
    let mut wait = duration;
    let mut total: u64 = 0;
    for _ in 0..limit.min(10_000) {
        total = total.saturating_add(wait.min(longest));
        wait = wait.saturating_mul(factor).min(longest);
    }
    Some(total)
}

/// Reads a duration as Go writes it, such as `1m30s`; a bare number is seconds.
fn seconds(value: &Value) -> Option<u64> {
    let text = value.as_str()?;
    if let Ok(bare) = text.parse() {
        return Some(bare);
    }
    let span: jiff::SignedDuration = text.parse().ok()?;
    u64::try_from(span.as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Origin;
    use serde_json::json;

    fn manifest(value: Value) -> Manifest {
        let origin = Origin {
            file: "root.yaml".into(),
            line: 3,
        };
        Manifest::new(value, origin).unwrap()
    }

    fn application(policy: &Value) -> Manifest {
        manifest(json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"name": "root", "namespace": "argocd"},
            "spec": {"syncPolicy": policy},
        }))
    }

    #[test]
    fn an_exported_application_comes_back_without_its_former_life() {
        let exported = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {
                "name": "root", "namespace": "argocd", "uid": "u", "resourceVersion": "7", "generation": 4,
                "creationTimestamp": "2026-01-01T00:00:00Z", "managedFields": [{}], "ownerReferences": [{}],
                "finalizers": ["resources-finalizer.argocd.argoproj.io"], "labels": {"a": "b"},
                "annotations": {
                    "argocd.argoproj.io/refresh": "hard", "argocd.argoproj.io/sync-wave": "3",
                    "kubectl.kubernetes.io/last-applied-configuration": "{}",
                },
            },
            "spec": {"project": "default"},
            "operation": {"sync": {}},
            "status": {"sync": {"status": "Synced"}},
        });
        assert_eq!(
            for_restore(manifest(exported)).value(),
            &json!({
                "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
                "metadata": {
                    "name": "root", "namespace": "argocd", "labels": {"a": "b"},
                    "finalizers": ["resources-finalizer.argocd.argoproj.io"],
                    "annotations": {"argocd.argoproj.io/sync-wave": "3"},
                },
                "spec": {"project": "default"},
            })
        );
    }

    #[test]
    fn a_root_from_git_stays_as_it_is() {
        let root = application(&json!({"automated": {}}));
        assert_eq!(for_restore(root.clone()).value(), root.value());
    }

    #[test]
    fn what_keeps_a_root_from_rebuilding_a_platform_is_found() {
        let forever = json!({"limit": -1});
        for (policy, rules) in [
            (json!({"automated": {}, "retry": forever}), vec![]),
            (json!({"automated": {}}), vec!["root/retry"]),
            (json!({"retry": forever}), vec!["root/not-automated"]),
            (
                json!({"automated": {"enabled": false}, "retry": forever}),
                vec!["root/not-automated"],
            ),
            (Value::Null, vec!["root/not-automated", "root/retry"]),
            (json!({"automated": {}, "retry": {"limit": 0}}), vec!["root/retry"]),
            (json!({"automated": {}, "retry": {"limit": 100}}), vec![]),
            (
                json!({"automated": {}, "retry": {"limit": 20, "backoff": {"duration": "5", "factor": 1}}}),
                vec!["root/retry"],
            ),
        ] {
            let found: Vec<_> = check(&application(&policy))
                .iter()
                .map(|finding| finding.rule)
                .collect();
            assert_eq!(found, rules, "{policy}");
        }
    }

    #[test]
    fn a_finding_says_how_long_the_retries_last_and_where_it_is() {
        let finding = &check(&application(&json!({"automated": {}})))[0];
        assert!(finding.message.contains("155 s"), "{}", finding.message);
        assert_eq!(finding.place.as_ref().map(|place| place.line), Some(3));
    }

    #[test]
    fn an_applicationset_is_judged_by_its_template() {
        let set = |spec: Value| {
            manifest(
                json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "metadata": {"name": "s"}, "spec": spec}),
            )
        };
        let found = check(&set(json!({"template": {"spec": {}}})));
        assert_eq!(found.len(), 2);
        let rolling = check(&set(
            json!({"strategy": {"type": "RollingSync"}, "template": {"spec": {}}}),
        ));
        assert_eq!(rolling, []);
    }

    #[test]
    fn nothing_follows_from_another_kind() {
        let found = check(&manifest(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}),
        ));
        assert_eq!(found[0].rule, "root/kind");
    }

    #[test]
    fn durations_are_read_as_go_writes_them() {
        for (text, expected) in [("5s", 5), ("3m", 180), ("1m30s", 90), ("2h", 7200), ("7", 7)] {
            assert_eq!(seconds(&json!(text)), Some(expected), "{text}");
        }
    }
}
