//! Every kind's rules, a row for each way that an object can be. Upstream's own cases are in `tests/integration/health.rs`.

use serde_json::{Value, json};

use crate::health::Status::{self, Degraded, Healthy, Progressing, Suspended, Unknown};
use crate::health::judge;

/// Judges the same object in many states: the fields of a row are laid over it.
#[track_caller]
fn judged(object: &Value, rows: &[(Value, Status, &str)]) {
    for (fields, status, message) in rows {
        let mut object = object.clone();
        lay_over(&mut object, fields);
        let health = judge(&object).unwrap();
        assert_eq!(
            (health.status, health.message.as_str()),
            (*status, *message),
            "{fields}"
        );
    }
}

fn lay_over(object: &mut Value, fields: &Value) {
    match (object, fields) {
        (Value::Object(object), Value::Object(fields)) => {
            for (name, value) in fields {
                lay_over(object.entry(name).or_insert(Value::Null), value);
            }
        }
        (object, value) => *object = value.clone(),
    }
}

fn conditions(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({"status": {"conditions": [{"type": kind, "status": status, "reason": reason, "message": message}]}})
}

fn phase(phase: &str) -> Value {
    json!({"status": {"phase": phase}})
}

#[test]
fn a_deployment() {
    let well = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"generation": 3}, "spec": {"replicas": 3},
        "status": {"observedGeneration": 3, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}});
    let late = conditions("Progressing", "False", "ProgressDeadlineExceeded", "it timed out");
    judged(
        &well,
        &[
            (json!({}), Healthy, ""),
            (
                json!({"spec": {"paused": true}, "status": null}),
                Suspended,
                "it is paused",
            ),
            (
                json!({"metadata": {"generation": 4}}),
                Progressing,
                "its controller has not seen it yet",
            ),
            (
                json!({"status": null}),
                Progressing,
                "its controller has not seen it yet",
            ),
            (json!({"status": {"observedGeneration": 4}}), Healthy, ""),
            (late, Degraded, "it timed out"),
            (
                conditions("Progressing", "True", "ReplicaSetUpdated", "on its way"),
                Healthy,
                "",
            ),
            (json!({"status": {"updatedReplicas": 2}}), Progressing, "2/3 updated"),
            (
                json!({"status": {"replicas": 5}}),
                Progressing,
                "2 of an earlier form still run",
            ),
            (json!({"status": {"availableReplicas": 1}}), Progressing, "1/3 ready"),
            (
                json!({"spec": {"replicas": 0}, "status": {"replicas": 0, "updatedReplicas": 0, "availableReplicas": 0}}),
                Healthy,
                "",
            ),
            (
                json!({"spec": {"replicas": null}, "status": {"replicas": 0, "updatedReplicas": 0}}),
                Healthy,
                "",
            ),
            (
                json!({"spec": {"replicas": null}, "status": {"replicas": i64::MAX, "updatedReplicas": -1}}),
                Progressing,
                "9223372036854775807 of an earlier form still run",
            ),
        ],
    );
}

#[test]
fn a_deployment_that_ran_late_is_on_its_way_once_it_is_changed() {
    let mut changed = conditions("Progressing", "False", "ProgressDeadlineExceeded", "it timed out");
    lay_over(
        &mut changed,
        &json!({"metadata": {"generation": 4}, "status": {"observedGeneration": 3}}),
    );
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment"});
    judged(
        &deployment,
        &[(changed, Progressing, "its controller has not seen it yet")],
    );
}

#[test]
fn a_stateful_set() {
    let well = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"generation": 2},
        "spec": {"replicas": 3, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}},
        "status": {"observedGeneration": 2, "readyReplicas": 3, "updatedReplicas": 3, "currentRevision": "a", "updateRevision": "a"}});
    let revisions = json!({"currentRevision": "a", "updateRevision": "b", "updatedReplicas": 1});
    judged(
        &well,
        &[
            (json!({}), Healthy, ""),
            (
                json!({"metadata": {"generation": 3}}),
                Progressing,
                "its controller has not seen it yet",
            ),
            (
                json!({"metadata": {"generation": 0}, "status": {"observedGeneration": 0}}),
                Progressing,
                "its controller has not seen it yet",
            ),
            (json!({"status": {"readyReplicas": 2}}), Progressing, "2/3 ready"),
            (json!({"status": {"updatedReplicas": 2}}), Progressing, "2/3 updated"),
            (
                json!({"spec": {"updateStrategy": {"rollingUpdate": {"partition": 1}}}, "status": {"updatedReplicas": 2}}),
                Healthy,
                "",
            ),
            (
                json!({"spec": {"updateStrategy": {"rollingUpdate": {"partition": 1}}}, "status": {"updatedReplicas": 1}}),
                Progressing,
                "1/2 updated",
            ),
            (
                json!({"spec": {"updateStrategy": {"rollingUpdate": null}}, "status": revisions}),
                Progressing,
                "1 updated to b, not all yet",
            ),
            (
                json!({"spec": {"updateStrategy": {"rollingUpdate": null}}}),
                Healthy,
                "",
            ),
            (
                json!({"spec": {"updateStrategy": {"type": "OnDelete"}}, "status": revisions}),
                Healthy,
                "",
            ),
            (
                json!({"spec": {"updateStrategy": {"type": "OnDelete"}}, "status": {"readyReplicas": 0}}),
                Progressing,
                "0/3 ready",
            ),
            (
                json!({"spec": {"replicas": null}, "status": {"readyReplicas": 0}}),
                Healthy,
                "",
            ),
            // No server takes such a number; a watch that is broken could bring it all the same.
            (
                json!({"spec": {"replicas": i64::MIN, "updateStrategy": {"rollingUpdate": {"partition": 1}}}}),
                Healthy,
                "",
            ),
        ],
    );
}

#[test]
fn a_daemon_set() {
    let well = json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"generation": 1},
        "status": {"observedGeneration": 1, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3}});
    judged(
        &well,
        &[
            (json!({}), Healthy, ""),
            (
                json!({"metadata": {"generation": 2}}),
                Progressing,
                "its controller has not seen it yet",
            ),
            (
                json!({"status": {"updatedNumberScheduled": 1}}),
                Progressing,
                "1/3 updated",
            ),
            (json!({"status": {"numberAvailable": 2}}), Progressing, "2/3 ready"),
            (
                json!({"spec": {"updateStrategy": {"type": "OnDelete"}}, "status": {"numberAvailable": 0}}),
                Healthy,
                "",
            ),
            (
                json!({"status": {"desiredNumberScheduled": 0, "updatedNumberScheduled": 0, "numberAvailable": 0}}),
                Healthy,
                "",
            ),
        ],
    );
}

#[test]
fn a_replica_set() {
    let well = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"generation": 1}, "spec": {"replicas": 2},
        "status": {"observedGeneration": 1, "availableReplicas": 2}});
    judged(
        &well,
        &[
            (json!({}), Healthy, ""),
            (
                json!({"metadata": {"generation": 2}}),
                Progressing,
                "its controller has not seen it yet",
            ),
            (json!({"status": {"availableReplicas": 0}}), Progressing, "0/2 ready"),
            (
                conditions("ReplicaFailure", "True", "FailedCreate", "exceeded quota"),
                Degraded,
                "exceeded quota",
            ),
            (conditions("ReplicaFailure", "False", "", "exceeded quota"), Healthy, ""),
        ],
    );
}

#[test]
fn a_pod_that_lasts() {
    let lasting = json!({"apiVersion": "v1", "kind": "Pod", "spec": {"restartPolicy": "Always"}, "status": {"phase": "Running", "message": "m"}});
    let waiting = |reason: &str| json!({"status": {"containerStatuses": [{"state": {"waiting": {"reason": reason, "message": "why"}}}, {"state": {"waiting": {"reason": reason, "message": "also"}}}]}});
    let crashed =
        json!({"containerStatuses": [{"state": {"running": {}}, "lastState": {"terminated": {"exitCode": 1}}}]});
    let ready = |status: &str| json!([{"type": "Ready", "status": status}]);
    judged(
        &lasting,
        &[
            (json!({"status": {"conditions": ready("True")}}), Healthy, "m"),
            (json!({"status": {"conditions": ready("False")}}), Progressing, "m"),
            (
                json!({"status": {"conditions": ready("True"), "containerStatuses": crashed["containerStatuses"]}}),
                Healthy,
                "m",
            ),
            (
                json!({"status": {"conditions": ready("False"), "containerStatuses": crashed["containerStatuses"]}}),
                Degraded,
                "m",
            ),
            (waiting("ErrImagePull"), Degraded, "why, also"),
            (waiting("CreateContainerConfigError"), Degraded, "why, also"),
            (waiting("CrashLoopBackOff"), Degraded, "why, also"),
            (waiting("ContainerCreating"), Progressing, "m"),
            (phase("Pending"), Progressing, "m"),
            (phase("Succeeded"), Healthy, "m"),
            (phase("Failed"), Degraded, "m"),
            (phase("Unknown"), Unknown, "m"),
        ],
    );
}

#[test]
fn a_pod_that_ends_is_never_given_up_for_its_image() {
    let waiting = json!({"status": {"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]}});
    for policy in ["Never", "OnFailure"] {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "spec": {"restartPolicy": policy}});
        judged(
            &pod,
            &[
                (waiting.clone(), Progressing, ""),
                (phase("Running"), Progressing, ""),
                (phase("Succeeded"), Healthy, ""),
            ],
        );
    }
    let without = json!({"apiVersion": "v1", "kind": "Pod"});
    judged(&without, &[(phase("Running"), Unknown, "")]);
}

#[test]
fn a_pod_that_failed_says_which_container_did() {
    let pod =
        json!({"apiVersion": "v1", "kind": "Pod", "spec": {"restartPolicy": "Never"}, "status": {"phase": "Failed"}});
    let ended = |how: Value| json!({"status": {"containerStatuses": [{"name": "main", "state": {"terminated": how}}]}});
    let mut before = ended(json!({"exitCode": 3}));
    lay_over(
        &mut before,
        &json!({"status": {"initContainerStatuses": [{"name": "init", "state": {"terminated": {"exitCode": 1}}}]}}),
    );
    judged(
        &pod,
        &[
            (
                ended(json!({"exitCode": 3})),
                Degraded,
                "container main ended with exit code 3",
            ),
            (
                ended(json!({"exitCode": 137, "reason": "OOMKilled"})),
                Degraded,
                "OOMKilled",
            ),
            (
                ended(json!({"exitCode": 1, "message": "no such table"})),
                Degraded,
                "no such table",
            ),
            (ended(json!({"exitCode": 0})), Degraded, ""),
            (json!({}), Degraded, ""),
            (before, Degraded, "container init ended with exit code 1"),
        ],
    );
}

#[test]
fn a_job() {
    let job = json!({"apiVersion": "batch/v1", "kind": "Job"});
    let resumed = json!({"status": {"conditions": [{"type": "Suspended", "status": "False", "message": "resumed"}]}});
    let both = json!({"status": {"conditions": [{"type": "Complete", "status": "True"}, {"type": "Failed", "status": "True", "message": "no"}]}});
    judged(
        &job,
        &[
            (json!({}), Progressing, ""),
            (json!({"status": {"active": 1}}), Progressing, ""),
            (conditions("Complete", "True", "", "done"), Healthy, "done"),
            (
                conditions("Failed", "True", "BackoffLimitExceeded", "too often"),
                Degraded,
                "too often",
            ),
            (conditions("Suspended", "True", "", "halted"), Suspended, "halted"),
            (conditions("SuccessCriteriaMet", "True", "", ""), Progressing, ""),
            (resumed, Healthy, "resumed"),
            (both, Degraded, "no"),
        ],
    );
}

#[test]
fn a_service_and_an_ingress() {
    let address = json!({"status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}});
    judged(
        &json!({"apiVersion": "v1", "kind": "Service", "spec": {"type": "LoadBalancer"}}),
        &[
            (address.clone(), Healthy, ""),
            (
                json!({"status": {"loadBalancer": {}}}),
                Progressing,
                "no load balancer has given it an address yet",
            ),
            (json!({"spec": {"type": "ClusterIP"}}), Healthy, ""),
            (json!({"spec": {"type": "NodePort"}}), Healthy, ""),
        ],
    );
    for api_version in [
        "networking.k8s.io/v1",
        "networking.k8s.io/v1beta1",
        "extensions/v1beta1",
    ] {
        judged(
            &json!({"apiVersion": api_version, "kind": "Ingress"}),
            &[
                (address.clone(), Healthy, ""),
                (
                    json!({}),
                    Progressing,
                    "no ingress controller has given it an address yet",
                ),
            ],
        );
    }
}

#[test]
fn a_claim() {
    judged(
        &json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim"}),
        &[
            (phase("Bound"), Healthy, ""),
            (phase("Pending"), Progressing, "it has no volume yet"),
            (phase("Lost"), Degraded, "its volume is gone"),
            (json!({}), Unknown, "its phase is ``"),
        ],
    );
}

#[test]
fn an_autoscaler() {
    let rows = |written: fn(Value) -> Value| {
        let told = |kind: &str, status: &str, reason: &str| {
            written(json!([{"type": kind, "status": status, "reason": reason, "message": "why"}]))
        };
        let no_metrics = written(json!([
            {"type": "AbleToScale", "status": "False", "reason": "BackoffBoth", "message": "wait"},
            {"type": "ScalingActive", "status": "False", "reason": "FailedGetResourceMetric", "message": "no metrics"},
        ]));
        [
            (told("AbleToScale", "True", "ReadyForNewScale"), Healthy, "why"),
            (told("ScalingLimited", "True", "TooFewReplicas"), Healthy, "why"),
            (
                told("ScalingLimited", "False", "DesiredWithinRange"),
                Progressing,
                "it does not scale yet",
            ),
            (told("AbleToScale", "False", "FailedGetScale"), Degraded, "why"),
            (told("AbleToScale", "False", "FailedUpdateScale"), Degraded, "why"),
            (told("ScalingActive", "False", "InvalidSelector"), Degraded, "why"),
            (
                told("ScalingActive", "True", "ValidMetricFound"),
                Progressing,
                "it does not scale yet",
            ),
            (no_metrics, Degraded, "no metrics"),
            (written(json!([])), Progressing, "it does not scale yet"),
            (json!({}), Progressing, "it does not scale yet"),
        ]
    };
    let status = |conditions| json!({"status": {"conditions": conditions}});
    let annotation = |conditions: Value| json!({"metadata": {"annotations": {"autoscaling.alpha.kubernetes.io/conditions": conditions.to_string()}}});
    for version in ["v2", "v2beta1", "v2beta2"] {
        let api_version = format!("autoscaling/{version}");
        judged(
            &json!({"apiVersion": api_version, "kind": "HorizontalPodAutoscaler"}),
            &rows(status),
        );
    }
    let first = json!({"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler"});
    judged(&first, &rows(annotation));
    judged(
        &first,
        &[(
            status(json!([{"type": "AbleToScale", "status": "True"}])),
            Progressing,
            "it does not scale yet",
        )],
    );
    let torn = json!({"metadata": {"annotations": {"autoscaling.alpha.kubernetes.io/conditions": "["}}});
    let mut object = first;
    lay_over(&mut object, &torn);
    assert_eq!(judge(&object).unwrap().status, Unknown);
}

#[test]
fn an_api_service() {
    for version in ["v1", "v1beta1"] {
        judged(
            &json!({"apiVersion": format!("apiregistration.k8s.io/{version}"), "kind": "APIService"}),
            &[
                (
                    conditions("Available", "True", "Passed", "all well"),
                    Healthy,
                    "Passed: all well",
                ),
                (
                    conditions("Available", "False", "MissingEndpoints", "none"),
                    Progressing,
                    "MissingEndpoints: none",
                ),
                (json!({}), Progressing, "nobody has looked whether it answers yet"),
            ],
        );
    }
}

#[test]
fn a_workflow() {
    judged(
        &json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "status": {"message": "m"}}),
        &[
            (json!({}), Progressing, "m"),
            (phase("Pending"), Progressing, "m"),
            (phase("Running"), Progressing, "m"),
            (phase("Succeeded"), Healthy, "m"),
            (phase("Failed"), Degraded, "m"),
            (phase("Error"), Degraded, "m"),
            (phase("Skipped"), Unknown, "m"),
        ],
    );
}
