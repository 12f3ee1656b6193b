//! What is told of an app whose objects are seen.

use serde_json::{Value, json};

use super::super::fixture::{Platform, now, ready};
use crate::event::{Blocker, NodePhase};
use crate::health::{Health, Status};
use crate::object::ObjectRef;
use crate::platform::live::Live;

/// An app that is not well, as Argo CD since 3.0 tells it: without the health of its objects.
fn unwell(health: &str, operation: &Value) -> Value {
    let mut app = ready("root", &[]);
    app["status"]["health"] = json!({"status": health});
    app["status"]["resources"] = json!([
        {"group": "", "version": "v1", "kind": "Service", "namespace": "shop", "name": "cart", "status": "Synced"},
        {"group": "apps", "version": "v1", "kind": "Deployment", "namespace": "shop", "name": "cart", "status": "Synced"},
    ]);
    if operation.is_object() {
        app["status"]["operationState"] = operation.clone();
    }
    app
}

fn cart() -> ObjectRef {
    ObjectRef::new("apps/v1", "Deployment", "shop", "cart")
}

fn live(status: Status, message: &str, why: &[(&str, &str)]) -> Live {
    let blocker = |(object, reason): &(&str, &str)| Blocker {
        object: (*object).to_owned(),
        reason: (*reason).to_owned(),
    };
    Live {
        uid: "u".to_owned(),
        health: Some(Health {
            status,
            message: message.to_owned(),
        }),
        why: why.iter().map(blocker).collect(),
        warning_until: None,
    }
}

fn told(app: Value, live: impl IntoIterator<Item = (ObjectRef, Live)>) -> (Vec<String>, NodePhase) {
    let mut platform = Platform::new([app]);
    platform.tree.live.extend(live);
    let decision = platform.decide(6);
    (decision.blockers("root"), decision.phases()[0].1)
}

const IMAGE: (&str, &str) = ("Pod shop/cart-5d8f-x", "ImagePullBackOff r/cart:1: 403 Forbidden");

#[test]
fn an_app_names_the_object_and_what_keeps_it_from_being_well() {
    let table = [
        (vec![], "Progressing"),
        (vec![(cart(), live(Status::Healthy, "", &[]))], "Progressing"),
        (
            vec![(cart(), live(Status::Progressing, "0 of 1 is available", &[]))],
            "Deployment.apps shop/cart: Progressing: 0 of 1 is available",
        ),
        (
            vec![(cart(), live(Status::Progressing, "0 of 1 is available", &[IMAGE]))],
            "Deployment.apps shop/cart: Pod cart-5d8f-x: ImagePullBackOff r/cart:1: 403 Forbidden",
        ),
    ];
    for (live, expected) in table {
        let (blockers, phase) = told(unwell("Progressing", &Value::Null), live);
        let expected = if expected == "Progressing" {
            "Synced, Progressing"
        } else {
            expected
        };
        assert_eq!((blockers, phase), (vec![expected.to_owned()], NodePhase::Progressing));
    }
}

#[test]
fn one_that_says_why_comes_before_one_that_does_not_and_each_object_before_a_second_reason() {
    let service = ObjectRef::new("v1", "Service", "shop", "cart");
    let second = ("Pod shop/cart-5d8f-y", "no node for it");
    let (blockers, _) = told(
        unwell("Progressing", &Value::Null),
        [
            (service, live(Status::Progressing, "waits", &[])),
            (cart(), live(Status::Progressing, "", &[IMAGE, second])),
        ],
    );
    assert_eq!(
        blockers,
        [
            "Deployment.apps shop/cart: Pod cart-5d8f-x: ImagePullBackOff r/cart:1: 403 Forbidden",
            "Service shop/cart: Progressing: waits",
            "Deployment.apps shop/cart: Pod cart-5d8f-y: no node for it",
        ]
    );
}

#[test]
fn what_a_sync_waits_for_is_told_with_its_reason_and_once() {
    let waits = json!({"phase": "Running", "message": "waiting for healthy state of apps/Deployment/cart"});
    let (blockers, _) = told(
        unwell("Progressing", &waits),
        [(cart(), live(Status::Progressing, "", &[IMAGE]))],
    );
    assert_eq!(
        blockers,
        ["Deployment.apps shop/cart: Pod cart-5d8f-x: ImagePullBackOff r/cart:1: 403 Forbidden"]
    );
}

#[test]
fn what_is_wrong_comes_before_what_is_not_known_yet() {
    let mut app = unwell("Progressing", &Value::Null);
    app["status"]["operationState"]["finishedAt"] = json!(crate::platform::argocd::decide::fixture::at(6));
    let (blockers, _) = told(app, [(cart(), live(Status::Progressing, "", &[IMAGE]))]);
    assert_eq!(
        blockers,
        [
            "Deployment.apps shop/cart: Pod cart-5d8f-x: ImagePullBackOff r/cart:1: 403 Forbidden",
            "not compared since its last sync ended",
        ]
    );
}

#[test]
fn a_hook_that_a_sync_waits_for_is_told_with_the_reason_of_its_pod() {
    let hook = json!({"group": "batch", "version": "v1", "kind": "Job", "namespace": "shop", "name": "migrate", "hookType": "PreSync", "hookPhase": "Running"});
    let waits = json!({"phase": "Running", "message": "waiting for completion of hook batch/Job/migrate", "syncResult": {"resources": [hook]}});
    let job = ObjectRef::new("batch/v1", "Job", "shop", "migrate");
    let why = ("Pod shop/migrate-1", "exit code 1: no database");
    let (blockers, _) = told(
        unwell("Healthy", &waits),
        [(job, live(Status::Progressing, "", &[why]))],
    );
    assert_eq!(
        blockers,
        ["Job.batch shop/migrate: waiting for its completion as a hook: Pod migrate-1: exit code 1: no database"]
    );
}

#[test]
fn an_image_that_cannot_be_pulled_is_a_warning_until_its_time_is_over() {
    let app = unwell("Degraded", &Value::Null);
    let degraded = |until: i64| Live {
        warning_until: Some(now(until)),
        ..live(Status::Degraded, "", &[IMAGE])
    };
    for (until, expected) in [(7, NodePhase::Progressing), (6, NodePhase::Failing)] {
        let (_, phase) = told(app.clone(), [(cart(), degraded(until))]);
        assert_eq!(phase, expected, "{until}");
    }
    let mut platform = Platform::new([app]);
    platform.tree.live.insert(cart(), degraded(8));
    let look_again = platform.decide(6).look_again.unwrap();
    assert!(
        look_again <= std::time::Duration::from_secs(2),
        "nothing else would tell that the time is over: {look_again:?}"
    );
    let failed = (
        ObjectRef::new("v1", "Service", "shop", "cart"),
        live(Status::Degraded, "", &[]),
    );
    let (_, phase) = told(unwell("Degraded", &Value::Null), [(cart(), degraded(60)), failed]);
    assert_eq!(phase, NodePhase::Failing, "something else has failed");
}

#[test]
fn objects_of_another_cluster_are_not_taken_for_those_of_this_one() {
    let mut app = unwell("Progressing", &Value::Null);
    let elsewhere = json!({"server": "https://edge.example.com", "namespace": "shop"});
    app["spec"]["destination"] = elsewhere.clone();
    app["status"]["sync"]["comparedTo"]["destination"] = elsewhere;
    let (blockers, _) = told(app, [(cart(), live(Status::Progressing, "", &[IMAGE]))]);
    assert_eq!(blockers, ["Synced, Progressing"]);
}
