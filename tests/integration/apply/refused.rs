//! What no server takes, in words that say what to do.

use gitops_dr::cluster::{Error, ErrorKind, Mode};
use serde_json::json;

use super::scene::{Scene, config_map, crd, manifest};

async fn refused(scene: &Scene, value: serde_json::Value) -> Error {
    let set = [manifest(value)];
    scene
        .cluster
        .apply_ranked(&set, "default", Mode::Fresh)
        .await
        .unwrap_err()
}

#[tokio::test]
async fn what_is_too_large_unknown_or_no_object_is_named_and_a_list_is_taken_apart() {
    let scene = Scene::start().await;
    let list = manifest(json!({"apiVersion": "v1", "kind": "List", "items": [
        config_map("default", "a", "x").value(), config_map("default", "b", "x").value(),
    ]}));
    let set = [list, crd("example.com", "Widget")];
    let counts = scene.cluster.apply_ranked(&set, "default", Mode::Fresh).await.unwrap();
    assert_eq!(counts, (3, 0));

    // By ConfigMaps' own bound, by etcd's, and by that of a request.
    for (api_version, kind, size, told) in [
        ("v1", "ConfigMap", 2_000_000, "it is 2.0 MB as it is sent: "),
        ("example.com/v1", "Widget", 2_000_000, "it is 2.0 MB as it is sent: "),
        ("example.com/v1", "Widget", 4_000_000, "it is 4.0 MB as it is sent: "),
    ] {
        let large = json!({
            "apiVersion": api_version, "kind": kind, "metadata": {"name": "large"}, "data": {"word": "x".repeat(size)},
        });
        let error = refused(&scene, large).await;
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
        assert!(error.causes()[0].starts_with(told), "{kind} {size}: {error:?}");
        assert!(error.causes().concat().len() < 2000, "what is too large is not quoted");
    }

    let unknown = refused(
        &scene,
        json!({"apiVersion": "nobody.example.com/v1", "kind": "Gadget", "metadata": {"name": "x"}}),
    )
    .await;
    assert_eq!(unknown.kind(), ErrorKind::UnknownKind);
    assert_eq!(
        unknown.to_string(),
        "cannot apply Gadget.nobody.example.com x (apps/all.yaml:3)"
    );
    assert!(unknown.hints().concat().contains("CRD"), "{unknown:?}");

    let bad = refused(
        &scene,
        json!({"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "ConfigMap"}]}),
    )
    .await;
    assert_eq!(bad.to_string(), "cannot apply item 1 of the List in apps/all.yaml:3");
    assert_eq!(bad.causes(), ["`metadata.name` is missing or is not text"]);
}
