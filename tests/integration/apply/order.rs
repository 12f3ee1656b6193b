//! The order of objects that stand on each other.

use gitops_dr::cluster::Mode;
use serde_json::json;

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
