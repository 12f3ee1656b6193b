//! Trouble that passes.

use gitops_dr::cluster::{Cluster, Mode};
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use serde_json::json;
use testbed::proxy::Fault;

use super::scene::{Scene, config_map, crd, manifest, many, namespace};

/// Waits until the cluster's trouble is told, and returns the words.
async fn told(cluster: &Cluster) -> String {
    let mut trouble = cluster.trouble();
    let words = trouble.wait_for(Option::is_some).await.unwrap();
    words.clone().unwrap()
}

#[tokio::test]
async fn a_webhook_that_does_not_serve_yet_is_waited_for_and_told() {
    let scene = Scene::start().await;
    let hooks: Api<ValidatingWebhookConfiguration> = Api::all(scene.admin.clone());
    let hook = json!({
        "metadata": {"name": "policy"},
        "webhooks": [{
            "name": "policy.example.com", "admissionReviewVersions": ["v1"], "sideEffects": "None", "failurePolicy": "Fail",
            "clientConfig": {"url": "https://127.0.0.1:1/validate"},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "operations": ["CREATE"]}],
        }],
    });
    let hook = serde_json::from_value(hook).unwrap();
    hooks.create(&PostParams::default(), &hook).await.unwrap();
    let set = many("shop", 30);
    let mends = async {
        let words = told(&scene.cluster).await;
        assert!(
            words.contains("failed calling webhook \"policy.example.com\""),
            "{words}"
        );
        hooks.delete("policy", &DeleteParams::default()).await.unwrap();
    };
    let (counts, ()) = tokio::join!(scene.cluster.apply_ranked(&set, "default", Mode::Fresh), mends);
    assert_eq!(counts.unwrap(), (31, 0));
    let applied = scene.applied("configmaps").await;
    assert_eq!(
        applied.iter().filter(|event| event.code == 201).count(),
        30,
        "each is applied once"
    );
    assert!(
        applied.iter().any(|event| event.code == 500),
        "the webhook was in the way"
    );
}

#[tokio::test]
async fn failures_resets_and_a_kind_that_is_served_late_cost_no_object() {
    let scene = Scene::start().await;
    let crds: Api<CustomResourceDefinition> = Api::all(scene.admin.clone());
    // One was brought since we looked which kinds are served, and one comes while we apply.
    let bring = async |kind: &str| {
        let crd = serde_json::from_value(crd("late.example.com", kind).value().clone()).unwrap();
        crds.create(&PostParams::default(), &crd).await.unwrap();
    };
    bring("Backup").await;
    let maps = |asked: &testbed::proxy::Asked| asked.is_mutation() && asked.path.contains("/configmaps/");
    scene.proxy.next(20, maps, Fault::webhook_fails());
    scene.proxy.after(40, 5, maps, Fault::unavailable());
    scene
        .proxy
        .after(60, 5, maps, Fault::Reset(testbed::proxy::Side::Before));
    let mut set = many("shop", 100);
    set.extend(["Backup", "Restore"].map(|kind| {
        manifest(
            json!({"apiVersion": "late.example.com/v1", "kind": kind, "metadata": {"namespace": "shop", "name": "a"}}),
        )
    }));
    let mends = async {
        let mut trouble = scene.cluster.trouble();
        let is_late = |words: &Option<String>| {
            let said = words.as_deref().unwrap_or_default();
            said == "Restore of late.example.com/v1 is not served yet"
        };
        trouble.wait_for(is_late).await.unwrap();
        bring("Restore").await;
    };
    let (counts, ()) = tokio::join!(scene.cluster.apply_ranked(&set, "default", Mode::Fresh), mends);
    assert_eq!(counts.unwrap(), (103, 0));
    for late in ["backups", "restores"] {
        assert_eq!(
            scene.applied(late).await.len(),
            1,
            "{late} were sent once they were served"
        );
    }
    let applied = scene.applied("configmaps").await;
    assert_eq!(
        (applied.len(), applied.iter().filter(|event| event.code == 201).count()),
        (100, 100)
    );
}

#[tokio::test]
async fn a_namespace_that_is_being_deleted_is_awaited_and_made_anew() {
    let scene = Scene::start().await;
    let namespaces: Api<Namespace> = Api::all(scene.admin.clone());
    let dying = json!({"metadata": {"name": "shop", "finalizers": ["example.com/backup"]}});
    let dying = serde_json::from_value(dying).unwrap();
    let old = namespaces.create(&PostParams::default(), &dying).await.unwrap();
    namespaces.delete("shop", &DeleteParams::default()).await.unwrap();
    let set = [namespace("shop"), config_map("shop", "words", "x")];
    let mends = async {
        let words = told(&scene.cluster).await;
        assert!(words.contains("Namespace shop is being deleted"), "{words}");
        assert!(words.contains("example.com/backup"), "{words}");
        let nothing = Patch::Merge(json!({"metadata": {"finalizers": null}}));
        namespaces
            .patch("shop", &PatchParams::default(), &nothing)
            .await
            .unwrap();
    };
    let (counts, ()) = tokio::join!(scene.cluster.apply_ranked(&set, "default", Mode::Fresh), mends);
    assert_eq!(counts.unwrap(), (2, 0));
    let new = namespaces.get("shop").await.unwrap();
    assert!(new.metadata.deletion_timestamp.is_none());
    assert_ne!(new.metadata.uid, old.metadata.uid);
    let maps: Api<ConfigMap> = Api::namespaced(scene.admin.clone(), "shop");
    maps.get("words").await.unwrap();
    assert_eq!(
        scene.applied("configmaps").await.len(),
        1,
        "nothing was sent into what was going"
    );
}
