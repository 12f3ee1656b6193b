//! What the objects that are no pods say of themselves.
//!
//! A controller's conditions are read as they are; what nobody says, such as that no one gives out addresses, is said here.

use serde_json::Value;

use super::cause::{Cause, Depth, said};
use super::condition::condition;
use crate::platform::argocd::application::{items, text};

/// Returns what an object says of itself that keeps it from being well; empty where it says nothing.
pub(super) fn own(object: &Value) -> Vec<Cause> {
    let (group, _) = text(object, "/apiVersion").split_once('/').unwrap_or_default();
    let cause = match (group, text(object, "/kind")) {
        _ if !text(object, "/metadata/deletionTimestamp").is_empty() => Some(leaving(object)),
        ("apps", _) => {
            told(object, "ReplicaFailure", "True").map(|message| Cause::new(Depth::Creation, refusal(message)))
        }
        ("", "PersistentVolumeClaim") => claim(object),
        ("", "Service") => balancer(object),
        ("networking.k8s.io" | "extensions", "Ingress") => ingress(object),
        ("batch", "Job") => job(object),
        ("autoscaling", "HorizontalPodAutoscaler") => ["AbleToScale", "ScalingActive"].into_iter().find_map(|kind| {
            told(object, kind, "False").map(|message| Cause::new(Depth::Own, said(&format!("not {kind}"), message)))
        }),
        ("apiregistration.k8s.io", "APIService") => {
            told(object, "Available", "False").map(|message| Cause::new(Depth::Own, said("not available", message)))
        }
        // None of its keys fits, or it was changed since it was sealed.
        ("bitnami.com", "SealedSecret") => {
            told(object, "Synced", "False").map(|message| Cause::new(Depth::Own, said("still sealed", message)))
        }
        _ => None,
    };
    cause.into_iter().collect()
}

/// Returns the message of a condition that has this status.
fn told<'object>(object: &'object Value, kind: &str, status: &str) -> Option<&'object str> {
    condition(object, kind)
        .filter(|found| found.0 == status)
        .map(|(_, message)| message)
}

fn leaving(object: &Value) -> Cause {
    let finalizers: Vec<_> = items(object, "/metadata/finalizers")
        .filter_map(Value::as_str)
        .collect();
    let waits = if finalizers.is_empty() {
        String::new()
    } else {
        format!(", waits on finalizers: {}", finalizers.join(", "))
    };
    Cause::new(Depth::Own, format!("is being deleted{waits}"))
}

/// The words of a controller that may not make a pod, without what it was about to do (`Error creating: pods "x-" is forbidden: …`).
pub(super) fn refusal(message: &str) -> &str {
    let mut rest = message.trim();
    for (begins, ends) in [
        ("Error creating: ", "Error creating: "),
        ("create Pod ", " failed error: "),
        ("pods \"", "is forbidden: "),
    ] {
        if rest.starts_with(begins)
            && let Some((_, after)) = rest.split_once(ends)
        {
            rest = after;
        }
    }
    rest
}

fn claim(object: &Value) -> Option<Cause> {
    let phase = text(object, "/status/phase");
    let class = object.pointer("/spec/storageClassName").and_then(Value::as_str);
    let why = match (phase, class) {
        ("Bound", _) => return None,
        ("Lost", _) => "Lost: its volume is gone".to_owned(),
        // The controller says so in an event that is no warning.
        (_, None) => "Pending: it names no StorageClass and the cluster has no default".to_owned(),
        (_, Some("")) => {
            "Pending: no volume is there for it, and it names no StorageClass that would make one".to_owned()
        }
        (_, Some(class)) => format!("Pending: no volume of StorageClass `{class}` yet"),
    };
    Some(Cause::new(Depth::Claim, why))
}

fn has_address(object: &Value) -> bool {
    items(object, "/status/loadBalancer/ingress").next().is_some()
}

fn balancer(object: &Value) -> Option<Cause> {
    let is_waiting = text(object, "/spec/type") == "LoadBalancer" && !has_address(object);
    is_waiting.then(|| {
        Cause::new(
            Depth::Own,
            "no load balancer was given to it yet: does anything in this cluster make them?",
        )
    })
}

fn ingress(object: &Value) -> Option<Cause> {
    let class = text(object, "/spec/ingressClassName");
    let class = if class.is_empty() {
        String::new()
    } else {
        format!(" of class `{class}`")
    };
    (!has_address(object)).then(|| Cause::new(Depth::Own, format!("no address yet: does a controller{class} run?")))
}

fn job(object: &Value) -> Option<Cause> {
    if object.pointer("/spec/suspend") == Some(&Value::Bool(true)) {
        return Some(Cause::new(Depth::Own, "suspended"));
    }
    let failed = items(object, "/status/conditions")
        .find(|condition| condition["type"] == "Failed" && condition["status"] == "True")?;
    let reason = Some(text(failed, "/reason"))
        .filter(|reason| !reason.is_empty())
        .unwrap_or("Failed");
    Some(Cause::new(Depth::Own, said(reason, text(failed, "/message"))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    #[expect(clippy::too_many_lines, reason = "one table of all kinds")]
    fn an_object_says_of_itself_what_keeps_it_from_being_well() {
        let condition = |kind: &str, status: &str, message: &str| json!({"conditions": [{"type": kind, "status": status, "reason": "R", "message": message}]});
        let table = [
            (
                "apps/v1",
                "Deployment",
                json!({}),
                condition(
                    "ReplicaFailure",
                    "True",
                    "pods \"cart-5d8f-\" is forbidden: exceeded quota: tight, requested: cpu=2, used: cpu=0, limited: cpu=1",
                ),
                Some("exceeded quota: tight, requested: cpu=2, used: cpu=0, limited: cpu=1"),
            ),
            (
                "apps/v1",
                "Deployment",
                json!({}),
                condition(
                    "ReplicaFailure",
                    "True",
                    "admission webhook \"deny.example.com\" denied the request: no",
                ),
                Some("admission webhook \"deny.example.com\" denied the request: no"),
            ),
            (
                "apps/v1",
                "Deployment",
                json!({}),
                condition("ReplicaFailure", "False", ""),
                None,
            ),
            (
                "v1",
                "PersistentVolumeClaim",
                json!({"storageClassName": "fast"}),
                json!({"phase": "Pending"}),
                Some("Pending: no volume of StorageClass `fast` yet"),
            ),
            (
                "v1",
                "PersistentVolumeClaim",
                json!({}),
                json!({"phase": "Pending"}),
                Some("Pending: it names no StorageClass and the cluster has no default"),
            ),
            (
                "v1",
                "PersistentVolumeClaim",
                json!({}),
                json!({"phase": "Bound"}),
                None,
            ),
            (
                "v1",
                "PersistentVolumeClaim",
                json!({}),
                json!({"phase": "Lost"}),
                Some("Lost: its volume is gone"),
            ),
            (
                "v1",
                "Service",
                json!({"type": "LoadBalancer"}),
                json!({"loadBalancer": {}}),
                Some("no load balancer was given to it yet: does anything in this cluster make them?"),
            ),
            (
                "v1",
                "Service",
                json!({"type": "LoadBalancer"}),
                json!({"loadBalancer": {"ingress": [{"ip": "10.0.0.9"}]}}),
                None,
            ),
            ("v1", "Service", json!({"type": "ClusterIP"}), json!({}), None),
            (
                "networking.k8s.io/v1",
                "Ingress",
                json!({"ingressClassName": "nginx"}),
                json!({}),
                Some("no address yet: does a controller of class `nginx` run?"),
            ),
            (
                "batch/v1",
                "Job",
                json!({}),
                json!({"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "Job has reached the specified backoff limit"}]}),
                Some("BackoffLimitExceeded: Job has reached the specified backoff limit"),
            ),
            (
                "batch/v1",
                "Job",
                json!({"suspend": true}),
                json!({}),
                Some("suspended"),
            ),
            (
                "autoscaling/v2",
                "HorizontalPodAutoscaler",
                json!({}),
                condition("ScalingActive", "False", "no metrics"),
                Some("not ScalingActive: no metrics"),
            ),
            (
                "apiregistration.k8s.io/v1",
                "APIService",
                json!({}),
                condition("Available", "False", "no endpoints"),
                Some("not available: no endpoints"),
            ),
            (
                "bitnami.com/v1alpha1",
                "SealedSecret",
                json!({}),
                condition("Synced", "False", "no key could decrypt secret (blob)"),
                Some("still sealed: no key could decrypt secret (blob)"),
            ),
            ("v1", "ConfigMap", json!({}), json!({}), None),
        ];
        for (api, kind, spec, status, expected) in table {
            let object =
                json!({"apiVersion": api, "kind": kind, "metadata": {"name": "x"}, "spec": spec, "status": status});
            let told: Vec<_> = own(&object).into_iter().map(|cause| cause.reason).collect();
            assert_eq!(told, expected.into_iter().collect::<Vec<_>>(), "{object}");
        }
    }

    #[test]
    fn what_is_being_deleted_names_who_holds_it() {
        let object = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"deletionTimestamp": "2026-11-21T10:00:00Z", "finalizers": ["kubernetes.io/pvc-protection"]}});
        assert_eq!(
            own(&object)[0].reason,
            "is being deleted, waits on finalizers: kubernetes.io/pvc-protection"
        );
    }

    #[test]
    fn a_controller_that_may_not_make_a_pod_quotes_the_refusal() {
        for (message, expected) in [
            (
                "Error creating: pods \"q-7c9-x2\" is forbidden: exceeded quota: tight",
                "exceeded quota: tight",
            ),
            (
                "create Pod db-0 in StatefulSet db failed error: pods \"db-0\" is forbidden: exceeded quota: tight",
                "exceeded quota: tight",
            ),
            (
                "Error creating: Internal error occurred: failed calling webhook \"x\": no endpoints",
                "Internal error occurred: failed calling webhook \"x\": no endpoints",
            ),
            ("something else", "something else"),
        ] {
            assert_eq!(refusal(message), expected);
        }
    }
}
