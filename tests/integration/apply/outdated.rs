//! A sync is begun again only of the Application that was judged: if anything has changed it since, the server refuses.

use gitops_dr::agent::argocd::perform;
use gitops_dr::cluster::{ErrorKind, Mode};
use gitops_dr::platform::argocd::decide::{Action, Sync};
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};

use super::scene::{Scene, crd, manifest};

#[tokio::test]
async fn a_sync_is_not_begun_of_an_application_that_has_changed_since_it_was_judged() {
    let scene = Scene::start().await;
    let app = manifest(json!({
        "apiVersion": "argoproj.io/v1", "kind": "Application", "metadata": {"namespace": "default", "name": "cart"}, "spec": {},
    }));
    let id = app.id();
    let set = [crd("argoproj.io", "Application"), app];
    scene.cluster.apply_ranked(&set, "default", Mode::Fresh).await.unwrap();
    let kind = GroupVersionKind::gvk("argoproj.io", "v1", "Application");
    let apps: Api<DynamicObject> = Api::namespaced_with(scene.admin.clone(), "default", &ApiResource::from_gvk(&kind));
    let live = async || serde_json::to_value(apps.get("cart").await.unwrap()).unwrap();
    let judged = live().await["metadata"]["resourceVersion"].clone();
    let begin = async |version: &Value| {
        let action = Action::Sync(Sync {
            object: id.clone(),
            resource_version: version.as_str().unwrap().to_owned(),
            operation: json!({"sync": {"revision": "ours"}}),
            trigger: String::new(),
            attempt: 1,
            bound: 3,
            is_again: true,
        });
        perform(&scene.cluster, &action).await
    };

    // A person was a moment faster.
    let theirs = json!({"operation": {"sync": {"revision": "theirs"}}});
    let params = PatchParams::default();
    apps.patch("cart", &params, &Patch::Merge(&theirs)).await.unwrap();
    let error = begin(&judged).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
    assert!(!error.is_final(), "it must not end a recovery: {error:?}");
    assert_eq!(live().await["operation"], theirs["operation"]);
    let asked = scene.applied("applications").await;
    let refused: Vec<_> = asked.iter().filter(|event| event.code == 409).collect();
    assert_eq!(refused.len(), 1, "it is not sent again: {asked:?}");

    begin(&live().await["metadata"]["resourceVersion"]).await.unwrap();
    assert_eq!(live().await["operation"]["sync"]["revision"], "ours");
}
