//! Fields that somebody else owns.

use gitops_dr::cluster::{ErrorKind, Mode};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

use super::scene::{Scene, config_map};

/// Writes the word of a ConfigMap as another manager.
pub(super) async fn owned(admin: kube::Client, name: &str) -> Api<ConfigMap> {
    let maps: Api<ConfigMap> = Api::namespaced(admin, "default");
    let theirs =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"word": "theirs"}});
    let params = PatchParams::apply("kubectl-by-ann");
    maps.patch(name, &params, &Patch::Apply(theirs)).await.unwrap();
    maps
}

#[tokio::test]
async fn a_conflict_names_who_owns_which_field_and_force_takes_it() {
    let scene = Scene::start().await;
    let maps = owned(scene.admin.clone(), "words").await;
    let ours = [config_map("default", "words", "ours")];
    let error = scene
        .cluster
        .apply_ranked(&ours, "default", Mode::Careful)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(error.to_string(), "cannot apply ConfigMap default/words");
    assert_eq!(error.causes(), ["\"kubectl-by-ann\" owns .data.word"]);
    assert!(error.hints().concat().contains("--force-conflicts"), "{error:?}");
    let word = async || maps.get("words").await.unwrap().data.unwrap()["word"].clone();
    assert_eq!(word().await, "theirs");
    let forcing = scene.cluster.forcing(true);
    forcing.apply_ranked(&ours, "default", Mode::Careful).await.unwrap();
    assert_eq!(word().await, "ours");
}

#[tokio::test]
async fn what_is_there_is_not_created_over() {
    let scene = Scene::start().await;
    let maps = owned(scene.admin.clone(), "words").await;
    let before = maps.get("words").await.unwrap();
    let create = async |name: &str| {
        let ours = config_map("default", name, "ours");
        scene.cluster.create(&ours.id(), ours.value()).await.unwrap()
    };
    // Nobody owns what it lacks, so that an apply would not even be refused.
    assert!(!create("words").await, "it was there");
    assert_eq!(maps.get("words").await.unwrap(), before);
    assert!(create("others").await, "it was not there");
    assert!(!create("others").await, "once is enough");
    assert_eq!(maps.get("others").await.unwrap().data.unwrap()["word"], "ours");
}
