//! What keeps a pod from being ready.

use serde_json::Value;

use super::cause::{Cause, Depth, said};
use super::condition::condition;
use super::container::{self, Whose};
use crate::platform::argocd::application::{items, text};

/// What is kept of a pod that is not ready.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Unready {
    /// What it says of itself.
    pub(super) causes: Vec<Cause>,
    /// The claims that it needs.
    pub(super) claims: Vec<String>,
}

/// Returns what keeps a pod from being ready; `None` where it is ready, has done its work, or is on its way out.
pub(super) fn unready(pod: &Value) -> Option<Unready> {
    let phase = text(pod, "/status/phase");
    let is_ready = condition(pod, "Ready").is_some_and(|(status, _)| status == "True");
    if is_ready || phase == "Succeeded" || !text(pod, "/metadata/deletionTimestamp").is_empty() {
        return None;
    }
    let mut causes: Vec<Cause> = containers(pod);
    if let Some(("False", message)) = condition(pod, "PodScheduled") {
        causes.push(Cause::new(
            Depth::Scheduling,
            said("no node for it", scheduling(message)),
        ));
    }
    if phase == "Failed" && causes.is_empty() {
        let reason = Some(text(pod, "/status/reason")).filter(|reason| !reason.is_empty());
        causes.push(Cause::new(
            Depth::Container,
            said(reason.unwrap_or("Failed"), text(pod, "/status/message")),
        ));
    }
    let claims = items(pod, "/spec/volumes")
        .map(|volume| text(volume, "/persistentVolumeClaim/claimName"))
        .filter(|claim| !claim.is_empty())
        .map(str::to_owned)
        .collect();
    Some(Unready { causes, claims })
}

fn containers(pod: &Value) -> Vec<Cause> {
    let since = [text(pod, "/status/startTime"), text(pod, "/metadata/creationTimestamp")]
        .into_iter()
        .find_map(|time| time.parse().ok());
    let count = items(pod, "/spec/containers").count() + items(pod, "/spec/initContainers").count();
    let whose = Whose {
        uid: text(pod, "/metadata/uid"),
        namespace: text(pod, "/metadata/namespace"),
        pod: text(pod, "/metadata/name"),
        since,
        is_one_of_many: count > 1,
    };
    // The init containers run first, and what they wait for the others wait for.
    [
        ("/status/initContainerStatuses", "/spec/initContainers"),
        ("/status/containerStatuses", "/spec/containers"),
    ]
    .into_iter()
    .flat_map(|(statuses, specs)| {
        let whose = &whose;
        items(pod, statuses).filter_map(move |status| {
            let spec = items(pod, specs).find(|spec| spec["name"] == status["name"]);
            let image = spec.map(|spec| text(spec, "/image")).unwrap_or_default();
            container::trouble(status, image, whose)
        })
    })
    .collect()
}

/// The scheduler tells first why no node fits, and then why making room would not help, node by node.
fn scheduling(message: &str) -> &str {
    let message = [" preemption:", ". no new claims to deallocate"]
        .into_iter()
        .fold(message, |message, end| message.split(end).next().unwrap_or_default());
    message.trim().trim_end_matches([',', '.'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(pod: &Value) -> Option<Vec<String>> {
        let unready = unready(pod)?;
        Some(unready.causes.into_iter().map(|cause| cause.reason).collect())
    }

    #[test]
    fn a_pod_says_what_keeps_it_from_being_ready() {
        let condition =
            |kind: &str, status: &str, message: &str| json!({"type": kind, "status": status, "message": message});
        let unscheduled = condition(
            "PodScheduled",
            "False",
            "0/3 nodes are available: 1 node(s) had untolerated taint {x: }, 2 Insufficient cpu. no new claims to deallocate, preemption: 0/3 nodes are available: no.",
        );
        for (status, expected) in [
            (
                json!({"phase": "Running", "conditions": [condition("Ready", "True", "")]}),
                None,
            ),
            (json!({"phase": "Succeeded"}), None),
            (json!({"phase": "Pending"}), Some(vec![])),
            (
                json!({"phase": "Pending", "conditions": [unscheduled]}),
                Some(vec![
                    "no node for it: 0/3 nodes are available: 1 node(s) had untolerated taint {x: }, 2 Insufficient cpu",
                ]),
            ),
            (
                json!({"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}),
                Some(vec!["Evicted: The node was low on resource: memory."]),
            ),
            (
                json!({"phase": "Pending", "initContainerStatuses": [{"name": "wait", "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "restartCount": 2, "lastState": {"terminated": {"exitCode": 1}}}],
                       "containerStatuses": [{"name": "main", "state": {"waiting": {"reason": "PodInitializing"}}}]}),
                Some(vec!["container wait: CrashLoopBackOff, exit code 1, 2 restarts"]),
            ),
        ] {
            let pod = json!({"metadata": {"name": "cart-1"}, "spec": {"containers": [{"name": "main"}], "initContainers": [{"name": "wait"}]}, "status": status});
            let expected: Option<Vec<String>> =
                expected.map(|all: Vec<&str>| all.into_iter().map(str::to_owned).collect());
            assert_eq!(told(&pod), expected, "{pod}");
        }
    }

    #[test]
    fn a_pod_on_its_way_out_keeps_nobody_waiting() {
        let pod = json!({"metadata": {"deletionTimestamp": "2026-11-21T10:00:00Z"}, "status": {"phase": "Failed"}});
        assert_eq!(told(&pod), None);
    }

    #[test]
    fn the_claims_that_a_pod_needs_are_known() {
        let pod = json!({"spec": {"volumes": [{"persistentVolumeClaim": {"claimName": "data"}}, {"configMap": {"name": "x"}}]}});
        assert_eq!(unready(&pod).unwrap().claims, ["data"]);
    }
}
