//! What makes a kind be served, and what is said where it does not.

use gitops_dr::cluster::{Cluster, ErrorKind, Mode};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::json;

use super::scene::{Scene, crd, manifest, namespace};

/// Waits until the cluster's trouble is told in these words.
async fn told(cluster: &Cluster, words: &str) {
    let mut trouble = cluster.trouble();
    let is_it = |told: &Option<String>| told.as_deref().is_some_and(|told| told.contains(words));
    trouble.wait_for(is_it).await.unwrap();
}

async fn bring(scene: &Scene, group: &str, kind: &str) {
    let crds: Api<CustomResourceDefinition> = Api::all(scene.admin.clone());
    let crd = serde_json::from_value(crd(group, kind).value().clone()).unwrap();
    crds.create(&PostParams::default(), &crd).await.unwrap();
}

#[tokio::test]
async fn what_an_api_service_of_the_set_serves_waits_until_that_is_available_and_nothing_else_does() {
    let scene = Scene::start().await;
    let set = [
        manifest(json!({
            "apiVersion": "metrics.example.com/v1", "kind": "Sample", "metadata": {"namespace": "shop", "name": "a"},
        })),
        manifest(json!({
            "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "v1.metrics.example.com"},
            "spec": {
                "group": "metrics.example.com", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 100,
                "service": {"namespace": "shop", "name": "metrics"},
            },
        })),
        manifest(json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "shop", "name": "metrics"},
            "spec": {
                "selector": {"matchLabels": {"app": "metrics"}},
                "template": {
                    "metadata": {"labels": {"app": "metrics"}},
                    "spec": {"containers": [{"name": "main", "image": "registry.example.com/metrics:1"}]},
                },
            },
        })),
        namespace("shop"),
    ];
    let mends = async {
        told(
            &scene.cluster,
            "APIService.apiregistration.k8s.io v1.metrics.example.com is waited for: Available is False",
        )
        .await;
        assert_eq!(
            scene.applied("deployments").await.len(),
            1,
            "what answers for the group is there"
        );
        assert_eq!(scene.applied("samples").await.len(), 0);
        // Now the server answers itself, which it does at once.
        bring(&scene, "metrics.example.com", "Sample").await;
        let services: Api<APIService> = Api::all(scene.admin.clone());
        let local = Patch::Merge(json!({"spec": {"service": null}}));
        services
            .patch("v1.metrics.example.com", &PatchParams::default(), &local)
            .await
            .unwrap();
    };
    let (counts, ()) = tokio::join!(scene.cluster.apply_ranked(&set, "default", Mode::Fresh), mends);
    assert_eq!(counts.unwrap(), (4, 0));
    let samples = scene.applied("samples").await;
    assert_eq!(samples.len(), 1);
    assert!(
        samples.iter().all(|event| event.code == 201),
        "it was not sent too early: {samples:?}"
    );
}

#[tokio::test]
async fn a_crd_whose_names_are_another_s_ends_the_apply_in_the_server_s_words() {
    let scene = Scene::start().await;
    bring(&scene, "example.com", "Widget").await;
    let mut value = crd("example.com", "Gadget").value().clone();
    value["spec"]["names"]["kind"] = "Widget".into();
    let error = scene
        .cluster
        .apply_ranked(&[manifest(value)], "default", Mode::Fresh)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    let name = "CustomResourceDefinition.apiextensions.k8s.io gadgets.example.com";
    assert_eq!(error.to_string(), format!("{name} will not be served"));
    assert_eq!(
        error.causes(),
        ["NamesAccepted is False: \"WidgetList\" is already in use"]
    );
}
