//! The order of objects that stand on each other.

use gitops_dr::cluster::{ErrorKind, Mode};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::Api;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::scene::{Scene, config_map, crd, manifest, namespace};

#[tokio::test]
async fn custom_resources_wait_for_their_crd_and_only_its_group_is_asked_for_again() {
    let scene = Scene::start().await;
    let widget = |name: &str| {
        manifest(json!({
            "apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": name, "namespace": "shop"}, "spec": {},
        }))
    };
    let set = [
        widget("a"),
        widget("b"),
        config_map("shop", "words", "x"),
        crd("example.com", "Widget"),
        crd("other.example.com", "Gadget"),
        namespace("shop"),
    ];
    let before = scene.asked().await.len();
    let counts = scene.cluster.apply_ranked(&set, "default", Mode::Fresh).await.unwrap();
    assert_eq!(counts, (6, 0));
    let asked = scene.asked().await.split_off(before);
    let first = |wanted: &str| {
        asked
            .iter()
            .position(|event| event.verb == "patch" && event.resource == wanted)
    };
    assert!(first("customresourcedefinitions") < first("widgets"));
    assert!(first("namespaces") < first("configmaps"));
    let widgets: Vec<_> = asked.iter().filter(|event| event.resource == "widgets").collect();
    assert_eq!(widgets.len(), 2);
    assert!(
        widgets.iter().all(|event| event.code == 201),
        "none was sent too early: {widgets:?}"
    );
    let groups = ["/apis/example.com/v1", "/apis/other.example.com/v1"];
    let discovery: Vec<_> = asked
        .iter()
        .filter(|event| event.resource.is_empty() && event.uri.starts_with("/api"))
        .map(|event| event.uri.as_str())
        .collect();
    assert!(
        discovery.iter().all(|uri| *uri == "/apis" || groups.contains(uri)),
        "{discovery:?}"
    );
    // What is known to be served is not asked for.
    scene
        .cluster
        .apply_ranked(&set, "default", Mode::Careful)
        .await
        .unwrap();
    let again = scene.asked().await.split_off(before + asked.len());
    assert!(
        again
            .iter()
            .all(|event| !event.uri.starts_with("/apis/example.com/v1?") && event.uri != "/apis")
    );
    assert!(
        again.iter().all(|event| !event.is_mutation()),
        "the second time nothing is sent"
    );
}

#[tokio::test]
async fn what_an_api_service_answers_for_is_not_sent_before_that_is_available_and_all_else_is() {
    let scene = Scene::start().await;
    let service = manifest(json!({
        "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "v1.packages.example.com"},
        "spec": {"group": "packages.example.com", "version": "v1", "groupPriorityMinimum": 1000, "versionPriority": 10,
            "insecureSkipTLSVerify": true, "service": {"namespace": "default", "name": "nobody"}},
    }));
    let package = manifest(json!({
        "apiVersion": "packages.example.com/v1", "kind": "Package", "metadata": {"name": "a", "namespace": "default"},
    }));
    let set = [package, service, namespace("shop"), config_map("shop", "words", "x")];
    let halt = CancellationToken::new();
    let cluster = scene.cluster.until_stopped(halt.clone());
    let applying = tokio::spawn(async move { cluster.apply_ranked(&set, "default", Mode::Fresh).await });
    let maps: Api<ConfigMap> = Api::namespaced(scene.admin.clone(), "shop");
    let words = kube::runtime::wait::await_condition(maps, "words", |map: Option<&ConfigMap>| map.is_some());
    words.await.unwrap();
    // It waits, and is told so by whoever asks it to stop.
    assert!(!applying.is_finished());
    halt.cancel();
    let error = applying.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stopped, "{error:?}");
    let asked = scene.asked().await;
    let changed: Vec<_> = asked.iter().filter(|event| event.is_mutation()).collect();
    assert_eq!(changed.len(), 3, "{changed:?}");
}
