//! What `bootstrap/` offers for a platform's own install, judged with our own health engine.

use std::collections::BTreeMap;
use std::path::Path;

use gitops_dr::health::Status;
use gitops_dr::health::lua::Checks;
use gitops_dr::platform::argocd::checks::of_settings;
use gitops_dr::yaml;
use serde_json::{Value, json};

const KEY: &str = "resource.customizations.health.argoproj.io_Application";

/// The settings that a file of this repository patches into `argocd-cm`.
fn settings(file: &str) -> Value {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    yaml::manifests(&text).unwrap().into_iter().next().unwrap().1
}

fn checks() -> Checks {
    let settings = settings("bootstrap/argocd/application-health/argocd-cm.yaml");
    let checks = Checks::new(of_settings(Some(&settings)).unwrap(), BTreeMap::new());
    assert_eq!(checks.broken(), []);
    checks
}

/// An app that is well, with `change` merged over it.
fn app(change: &Value) -> Value {
    let mut app = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "cart"},
        "status": {
            "sync": {"status": "Synced"}, "health": {"status": "Healthy"},
            "reconciledAt": "2026-11-22T03:12:10Z",
            "operationState": {"phase": "Succeeded", "finishedAt": "2026-11-22T03:12:10Z", "message": "all tasks run"},
        },
    });
    merge(&mut app, change);
    app
}

/// As a merge patch does: `null` takes away.
fn merge(into: &mut Value, change: &Value) {
    let (Some(target), Some(changes)) = (into.as_object_mut(), change.as_object()) else {
        into.clone_from(change);
        return;
    };
    for (key, value) in changes {
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key.as_str()).or_insert_with(|| json!({})), value);
        }
    }
}

#[test]
fn an_app_is_well_only_when_its_sync_has_ended_well_and_it_was_compared_since() {
    use Status::{Healthy, Progressing};
    are_judged(&[
        (json!({}), Healthy, ""),
        // It was well when Argo CD first looked: nothing had to be synced.
        (json!({"status": {"operationState": null}}), Healthy, ""),
        (
            json!({"status": null}),
            Progressing,
            "waiting for Argo CD to look at it",
        ),
        (
            json!({"status": {"sync": null}}),
            Progressing,
            "waiting for Argo CD to look at it",
        ),
        (
            json!({"status": {"health": null}}),
            Progressing,
            "waiting for Argo CD to look at it",
        ),
        (
            json!({"status": {"sync": {"status": null}, "health": {"status": null}}}),
            Progressing,
            "Unknown, Unknown",
        ),
        (json!({"operation": {"sync": {}}}), Progressing, "a sync is asked for"),
        (
            json!({"status": {"operationState": {"phase": "Running", "message": "waiting for healthy state of apps/Deployment/cart"}}}),
            Progressing,
            "Synced, Healthy; its sync: Running, waiting for healthy state of apps/Deployment/cart",
        ),
        (
            json!({"status": {"operationState": {"phase": "Failed", "message": null}}}),
            Progressing,
            "Synced, Healthy; its sync: Failed",
        ),
        (
            json!({"status": {"operationState": {"phase": "Error", "message": "gone"}}}),
            Progressing,
            "Synced, Healthy; its sync: Error, gone",
        ),
        (
            json!({"status": {"operationState": {"phase": null, "message": null}}}),
            Progressing,
            "Synced, Healthy; its sync: Unknown",
        ),
        (
            json!({"status": {"reconciledAt": "2026-11-22T03:12:09Z"}}),
            Progressing,
            "Synced, Healthy; not compared since its last sync ended",
        ),
        (
            json!({"status": {"reconciledAt": null}}),
            Progressing,
            "Synced, Healthy; not compared since its last sync ended",
        ),
        (
            json!({"status": {"operationState": {"finishedAt": null}}}),
            Progressing,
            "Synced, Healthy; not compared since its last sync ended",
        ),
    ]);
}

#[test]
fn what_is_not_well_is_on_its_way_with_its_words_and_what_is_paused_on_purpose_says_so() {
    use Status::{Progressing, Suspended};
    are_judged(&[
        (
            json!({"status": {"sync": {"status": "OutOfSync"}}}),
            Progressing,
            "OutOfSync, Healthy",
        ),
        (
            json!({"status": {"sync": {"status": "Unknown"}}}),
            Progressing,
            "Unknown, Healthy",
        ),
        (
            json!({"status": {"health": {"status": "Degraded", "message": "0/1 ready"}}}),
            Progressing,
            "Synced, Degraded: 0/1 ready",
        ),
        (
            json!({"status": {"health": {"status": "Missing"}}}),
            Progressing,
            "Synced, Missing",
        ),
        (
            json!({"status": {"health": {"status": "Unknown"}}}),
            Progressing,
            "Synced, Unknown",
        ),
        (
            json!({"status": {"health": {"status": "Progressing"}}}),
            Progressing,
            "Synced, Progressing",
        ),
        (
            json!({"status": {"health": {"status": "Suspended"}}}),
            Suspended,
            "Synced, Suspended",
        ),
        (
            json!({"status": {"sync": {"status": "OutOfSync"}, "health": {"status": "Suspended"}}}),
            Progressing,
            "OutOfSync, Suspended",
        ),
    ]);
}

/// Holds each change of an app that is well against what is said of it then.
fn are_judged(cases: &[(Value, Status, &str)]) {
    let checks = checks();
    for (change, status, words) in cases {
        let health = checks.judge(&app(change)).unwrap();
        assert_eq!((&health.status, health.message.as_str()), (status, *words), "{change}");
    }
}

#[test]
fn whatever_of_an_app_is_missing_the_check_never_fails_nor_calls_it_well() {
    let checks = checks();
    let whole = app(&json!({}));
    let parts = ["/status/sync", "/status/health", "/status/operationState", "/status"];
    for pointer in parts {
        for value in [Value::Null, json!({})] {
            let mut app = whole.clone();
            *app.pointer_mut(pointer).unwrap() = value;
            let health = checks.judge(&app).unwrap();
            let is_at_rest = pointer == "/status/operationState" && app.pointer(pointer) == Some(&Value::Null);
            let expected = if is_at_rest {
                Status::Healthy
            } else {
                Status::Progressing
            };
            assert_eq!(health.status, expected, "{pointer}: {health:?}");
        }
    }
}

#[test]
fn the_shop_has_the_check_that_bootstrap_offers() {
    let of = |file: &str| settings(file)["data"][KEY].clone();
    let shop = of("examples/shop/repositories/platform/bootstrap/argocd/argocd-cm.yaml");
    assert!(shop.is_string());
    assert_eq!(shop, of("bootstrap/argocd/application-health/argocd-cm.yaml"));
}
