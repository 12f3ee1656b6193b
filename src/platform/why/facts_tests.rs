//! From the object that an app names to the object that keeps it from being well.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Facts, Glance, News, Warning};
use crate::health::{Health, Status};
use crate::object::ObjectRef;
use crate::platform::live::Live;

/// An object of the namespace `shop`, owned by the one of that UID.
fn object(api_version: &str, kind: &str, name: &str, owner: &str, rest: &Value) -> Value {
    let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"namespace": "shop", "name": name, "uid": format!("uid-{name}")}});
    if !owner.is_empty() {
        object["metadata"]["ownerReferences"] = json!([{"uid": format!("uid-{owner}"), "controller": true}]);
    }
    for (key, value) in rest.as_object().unwrap() {
        object[key] = value.clone();
    }
    object
}

fn glance(object: &Value, status: Option<Status>) -> Glance {
    let health = status.map(|status| Health {
        status,
        message: String::new(),
    });
    Glance::of(object, health).unwrap()
}

fn deployment(status: Status) -> Glance {
    glance(&object("apps/v1", "Deployment", "cart", "", &json!({})), Some(status))
}

fn replicas() -> Glance {
    glance(&object("apps/v1", "ReplicaSet", "cart-5d8f", "cart", &json!({})), None)
}

fn pod(name: &str, owner: &str, rest: &Value) -> Glance {
    glance(&object("v1", "Pod", name, owner, rest), Some(Status::Progressing))
}

fn waiting(reason: &str, message: &str) -> Value {
    json!({
        "spec": {"containers": [{"name": "main", "image": "r/cart:1"}]},
        "status": {"phase": "Pending", "startTime": "2026-11-21T10:00:00Z", "containerStatuses": [{"name": "main", "state": {"waiting": {"reason": reason, "message": message}}}]},
    })
}

fn ready() -> Value {
    json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}})
}

fn warning(name: &str, about: &str, reason: &str, message: &str, at: &str) -> Warning {
    Warning::of(&json!({"metadata": {"namespace": "shop", "name": name}, "involvedObject": {"uid": format!("uid-{about}")}, "reason": reason, "message": message, "lastTimestamp": at})).unwrap()
}

#[derive(Default)]
struct Known {
    facts: Facts,
    live: BTreeMap<ObjectRef, Live>,
}

impl Known {
    fn with(glances: impl IntoIterator<Item = Glance>) -> Self {
        let mut known = Self::default();
        for glance in glances {
            known.facts.see(glance);
        }
        known.update();
        known
    }

    fn update(&mut self) -> News {
        self.facts.update(&mut self.live)
    }

    fn why(&self, kind: &str, name: &str) -> Vec<String> {
        let (_, live) = self
            .live
            .iter()
            .find(|(id, _)| id.kind == kind && id.name == name)
            .unwrap();
        live.why.iter().map(ToString::to_string).collect()
    }
}

#[test]
fn a_deployment_is_told_by_the_container_that_does_not_start() {
    let known = Known::with([
        deployment(Status::Progressing),
        replicas(),
        pod(
            "cart-5d8f-x",
            "cart-5d8f",
            &waiting("ImagePullBackOff", "403 Forbidden"),
        ),
    ]);
    assert_eq!(
        known.why("Deployment", "cart"),
        ["Pod shop/cart-5d8f-x: ImagePullBackOff r/cart:1: 403 Forbidden"]
    );
    assert!(
        known.live.keys().all(|id| id.kind != "ReplicaSet"),
        "what has no health of its own is not told of: {:?}",
        known.live.keys()
    );
}

#[test]
fn the_order_in_which_things_are_seen_does_not_matter() {
    let all = [
        deployment(Status::Progressing),
        replicas(),
        pod("cart-5d8f-x", "cart-5d8f", &waiting("ErrImagePull", "no")),
    ];
    let expected = Known::with(all.clone()).live;
    for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut known = Known::default();
        for index in order {
            known.facts.see(all[index].clone());
            known.update();
        }
        assert_eq!(known.live, expected, "{order:?}");
    }
}

#[test]
fn what_is_well_has_no_reasons_and_what_becomes_well_loses_them() {
    let mut known = Known::with([
        deployment(Status::Progressing),
        replicas(),
        pod("cart-5d8f-x", "cart-5d8f", &waiting("ErrImagePull", "no")),
    ]);
    known.facts.see(pod("cart-5d8f-x", "cart-5d8f", &ready()));
    assert_eq!(known.update(), News::Words);
    assert!(known.why("Deployment", "cart").is_empty());
    known.facts.see(deployment(Status::Healthy));
    assert_eq!(known.update(), News::State);
    assert!(known.live.values().all(|live| !live.is_unwell()), "{:?}", known.live);
    known.facts.see(deployment(Status::Healthy));
    assert_eq!(known.update(), News::Nothing, "the same again is no news");
}

#[test]
fn a_pod_that_may_not_be_made_is_told_by_the_refusal() {
    let mut known = Known::with([deployment(Status::Progressing), replicas()]);
    known.facts.warn(warning(
        "a",
        "cart-5d8f",
        "FailedCreate",
        "Error creating: pods \"cart-5d8f-x\" is forbidden: exceeded quota: tight",
        "2026-11-21T10:00:01Z",
    ));
    assert_eq!(known.update(), News::Words);
    assert_eq!(
        known.why("Deployment", "cart"),
        ["ReplicaSet.apps shop/cart-5d8f: exceeded quota: tight"]
    );
}

#[test]
fn of_several_warnings_of_one_reason_the_newest_counts_in_whatever_order_they_come() {
    let mut known = Known::with([deployment(Status::Progressing), replicas()]);
    known
        .facts
        .warn(warning("b", "cart-5d8f", "FailedCreate", "new", "2026-11-21T10:00:02Z"));
    known
        .facts
        .warn(warning("a", "cart-5d8f", "FailedCreate", "old", "2026-11-21T10:00:01Z"));
    known.update();
    assert_eq!(known.why("Deployment", "cart"), ["ReplicaSet.apps shop/cart-5d8f: new"]);
}

#[test]
fn a_pod_without_its_volume_is_told_by_the_claim() {
    let unscheduled = json!({
        "spec": {"volumes": [{"persistentVolumeClaim": {"claimName": "data"}}]},
        "status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims."}]},
    });
    let claim = object(
        "v1",
        "PersistentVolumeClaim",
        "data",
        "",
        &json!({"spec": {"storageClassName": "fast"}, "status": {"phase": "Pending"}}),
    );
    let mut known = Known::with([
        deployment(Status::Progressing),
        replicas(),
        pod("cart-5d8f-x", "cart-5d8f", &unscheduled),
    ]);
    known.facts.see(glance(&claim, Some(Status::Progressing)));
    known.update();
    assert_eq!(
        known.why("Deployment", "cart")[0],
        "PersistentVolumeClaim shop/data: Pending: no volume of StorageClass `fast` yet"
    );
    known.facts.warn(warning(
        "a",
        "data",
        "ProvisioningFailed",
        "storageclass.storage.k8s.io \"fast\" not found",
        "2026-11-21T10:00:01Z",
    ));
    known.update();
    let better = "PersistentVolumeClaim shop/data: Pending: storageclass.storage.k8s.io \"fast\" not found";
    assert_eq!(known.why("Deployment", "cart")[0], better);
    assert_eq!(known.why("PersistentVolumeClaim", "data"), [better]);
}

#[test]
fn pods_that_say_the_same_are_told_once_and_the_deepest_comes_first() {
    let unscheduled = json!({"status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available: 3 Insufficient cpu."}]}});
    let known = Known::with([
        deployment(Status::Progressing),
        replicas(),
        pod("cart-5d8f-a", "cart-5d8f", &unscheduled),
        pod(
            "cart-5d8f-b",
            "cart-5d8f",
            &waiting("CreateContainerConfigError", "secret \"x\" not found"),
        ),
        pod(
            "cart-5d8f-c",
            "cart-5d8f",
            &waiting("CreateContainerConfigError", "secret \"x\" not found"),
        ),
    ]);
    assert_eq!(
        known.why("Deployment", "cart"),
        [
            "Pod shop/cart-5d8f-b: CreateContainerConfigError: secret \"x\" not found",
            "Pod shop/cart-5d8f-a: no node for it: 0/3 nodes are available: 3 Insufficient cpu",
        ]
    );
}

#[test]
fn the_last_words_are_asked_for_once_an_end_and_added() {
    let crashed = |restarts: i64| {
        json!({
            "spec": {"containers": [{"name": "main", "image": "r/cart:1"}]},
            "status": {"phase": "Running", "containerStatuses": [{"name": "main", "restartCount": restarts, "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 2}}}]},
        })
    };
    let mut known = Known::with([
        deployment(Status::Progressing),
        replicas(),
        pod("cart-5d8f-x", "cart-5d8f", &crashed(3)),
    ]);
    let question = known.facts.questions().next().unwrap().clone();
    assert_eq!(
        (question.pod.as_str(), question.end.by.as_str(), question.previous),
        ("cart-5d8f-x", "2", true)
    );
    known.facts.hear(question.end, "panic: no database");
    known.update();
    assert_eq!(
        known.why("Deployment", "cart"),
        ["Pod shop/cart-5d8f-x: CrashLoopBackOff, exit code 2, 3 restarts: panic: no database"]
    );
    assert_eq!(known.facts.questions().count(), 0);
    known.facts.see(pod("cart-5d8f-x", "cart-5d8f", &crashed(4)));
    assert_eq!(known.facts.questions().next().unwrap().end.by, "3");
}

#[test]
fn the_last_words_of_an_end_outlast_all_that_happens_to_their_pod_until_the_next_end() {
    let end = json!({"exitCode": 2, "containerID": "containerd://1"});
    let with = |state: Value, last: &Value, restarts: i64| {
        json!({
            "spec": {"containers": [{"name": "main", "image": "r/cart:1"}]},
            "status": {"phase": "Running", "containerStatuses": [{"name": "main", "restartCount": restarts, "state": state, "lastState": last}]},
        })
    };
    let nothing = json!({});
    let last = json!({"terminated": end});
    let ended = with(json!({"terminated": end}), &nothing, 0);
    let waits = with(json!({"waiting": {"reason": "CrashLoopBackOff"}}), &last, 1);
    let runs = with(json!({"running": {}}), &last, 1);
    let mut known = Known::with([
        deployment(Status::Progressing),
        replicas(),
        pod("x", "cart-5d8f", &ended),
    ]);
    let question = known.facts.questions().next().unwrap().clone();
    assert!(!question.previous);
    known.facts.hear(question.end, "panic: no database");
    for state in [&ended, &waits, &runs, &ready(), &waits] {
        known.facts.see(pod("x", "cart-5d8f", state));
        known.update();
        assert_eq!(known.facts.questions().count(), 0, "it is the same end: {state}");
    }
    let why = known.why("Deployment", "cart");
    assert!(why[0].ends_with("panic: no database"), "{why:?}");
    // Another pod of the same name, whose container has the same number.
    let mut other = object("v1", "Pod", "x", "cart-5d8f", &waits);
    other["metadata"]["uid"] = "another".into();
    known.facts.see(glance(&other, Some(Status::Progressing)));
    assert_eq!(known.facts.questions().count(), 1);
}

#[test]
fn an_old_kubelet_tells_why_an_image_is_not_pulled_by_an_event_alone() {
    let mut known = Known::with([
        deployment(Status::Progressing),
        replicas(),
        pod(
            "cart-5d8f-x",
            "cart-5d8f",
            &waiting("ImagePullBackOff", "Back-off pulling image \"r/cart:1\""),
        ),
    ]);
    known.facts.warn(warning(
        "a",
        "cart-5d8f-x",
        "Failed",
        "Failed to pull image \"r/cart:1\": rpc error: code = NotFound desc = manifest unknown",
        "2026-11-21T10:00:01Z",
    ));
    known.update();
    assert_eq!(
        known.why("Deployment", "cart"),
        ["Pod shop/cart-5d8f-x: ImagePullBackOff r/cart:1: manifest unknown"]
    );
}

#[test]
fn an_image_alone_is_a_warning_for_five_minutes_and_beside_anything_else_it_is_none() {
    let until = |known: &Known| {
        let (_, live) = known.live.iter().find(|(id, _)| id.kind == "Deployment").unwrap();
        live.warning_until
    };
    let image = pod("cart-5d8f-x", "cart-5d8f", &waiting("ImagePullBackOff", "no"));
    let known = Known::with([deployment(Status::Degraded), replicas(), image.clone()]);
    assert_eq!(until(&known), "2026-11-21T10:05:00Z".parse().ok());
    let other = pod("cart-5d8f-y", "cart-5d8f", &waiting("CreateContainerConfigError", "no"));
    let known = Known::with([deployment(Status::Degraded), replicas(), image, other]);
    assert_eq!(until(&known), None);
}

#[test]
fn what_is_forgotten_is_not_known_any_more() {
    let mut known = Known::with([deployment(Status::Healthy)]);
    known.facts.forget("apps", "Deployment");
    assert_eq!(known.update(), News::State);
    assert!(known.live.is_empty());
}

#[test]
fn owners_in_a_circle_end() {
    let mut known = Known::default();
    known
        .facts
        .see(glance(&object("apps/v1", "ReplicaSet", "a", "b", &json!({})), None));
    known
        .facts
        .see(glance(&object("apps/v1", "ReplicaSet", "b", "a", &json!({})), None));
    known.update();
    assert!(known.live.is_empty());
}

proptest! {
    /// However objects come and go, what is known at the end is what is known of those that are there.
    #[test]
    fn what_is_known_depends_on_what_is_there_alone(changes in proptest::collection::vec((0..6_usize, 0..3_u8), 0..40)) {
        let all = |state: u8| {
            let status = if state == 2 { Status::Healthy } else { Status::Progressing };
            let one = if state == 2 { ready() } else { waiting("ErrImagePull", "no") };
            let claim = json!({"spec": {"storageClassName": "fast"}, "status": {"phase": if state == 2 { "Bound" } else { "Pending" }}});
            let claiming = json!({"spec": {"volumes": [{"persistentVolumeClaim": {"claimName": "data"}}]}, "status": {"phase": "Pending"}});
            [
                deployment(status),
                replicas(),
                pod("cart-5d8f-x", "cart-5d8f", &one),
                pod("cart-5d8f-y", "cart-5d8f", &claiming),
                glance(&object("v1", "PersistentVolumeClaim", "data", "", &claim), Some(status)),
                pod("alone", "", &one),
            ]
        };
        let mut known = Known::default();
        let mut there = BTreeMap::new();
        for (index, state) in changes {
            let glance = all(state)[index].clone();
            if state == 0 {
                there.remove(&glance.id);
                known.facts.gone(&glance.id);
            } else {
                there.insert(glance.id.clone(), glance.clone());
                known.facts.see(glance);
            }
            if state == 1 {
                known.update();
            }
        }
        known.update();
        prop_assert_eq!(known.live, Known::with(there.into_values()).live);
    }
}

/// What a Deployment is told of whose pods a webhook refuses, with the Service of that webhook and its Deployment beside it.
fn refused_by_webhook(name: &str, selector: &Value, is_behind_refused: bool) -> Vec<String> {
    let message = "Error creating: Internal error occurred: failed calling webhook \"pods.guard.example.com\": failed to call webhook: Post \"https://hook.shop.svc:443/?timeout=10s\": no endpoints available for service \"hook\"";
    let failing = json!({"conditions": [{"type": "ReplicaFailure", "status": "True", "message": message}]});
    let workload = |name: &str, is_refused: bool| {
        let status = if is_refused { failing.clone() } else { json!({}) };
        let rest =
            json!({"status": status, "spec": {"template": {"metadata": {"labels": {"app": name, "tier": "x"}}}}});
        glance(
            &object("apps/v1", "Deployment", name, "", &rest),
            Some(Status::Progressing),
        )
    };
    let service = object("v1", "Service", "hook", "", &json!({"spec": {"selector": selector}}));
    let objects = [
        workload(name, true),
        glance(&service, Some(Status::Healthy)),
        workload("guard", is_behind_refused),
    ];
    // In whatever order they are seen.
    let told = |order: [usize; 3]| {
        let mut facts = Facts::default();
        let mut live = BTreeMap::new();
        for index in order {
            facts.see(objects[index].clone());
            facts.update(&mut live);
        }
        let id = ObjectRef::new("apps/v1", "Deployment", "shop", name);
        live[&id].why.iter().map(|why| why.reason.clone()).collect::<Vec<_>>()
    };
    let first = told([0, 1, 2]);
    for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        assert_eq!(told(order), first, "{order:?}");
    }
    first
}

#[test]
fn a_webhook_that_refuses_the_pods_that_would_answer_it_is_told_as_a_chain_with_what_breaks_it() {
    let chain = "deadlock: webhook `pods.guard.example.com` fails closed ← Service shop/hook ← Deployment.apps shop/guard, whose own pods it refuses: keep namespace shop out of it (`namespaceSelector`), or set its `failurePolicy: Ignore` until that is ready";
    let plain = "Internal error occurred: failed calling webhook \"pods.guard.example.com\": failed to call webhook: Post \"https://hook.shop.svc:443/?timeout=10s\": no endpoints available for service \"hook\"";
    for (name, selector, is_behind_refused, expected) in [
        ("guard", json!({"app": "guard"}), true, chain),
        // Another Deployment waits for the same.
        ("cart", json!({"app": "guard"}), true, chain),
        // The one behind it is only on its way.
        ("cart", json!({"app": "guard"}), false, plain),
        ("cart", json!({"app": "other"}), true, plain),
        // A Service without a selector leads to nobody knows where.
        ("guard", json!({}), true, plain),
    ] {
        let told = refused_by_webhook(name, &selector, is_behind_refused);
        assert_eq!(told, [expected], "{name} {selector} {is_behind_refused}");
    }
}
