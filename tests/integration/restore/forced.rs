//! A field that somebody else owns: the step fails and says whose it is, and a person's word takes it for that step.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

use super::scene::{self, Scene};

#[tokio::test]
async fn a_conflict_fails_its_step_with_the_owner_and_is_forced_by_a_persons_word_alone() {
    let mut files = scene::files();
    let words = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: words, namespace: default}\ndata: {word: of-git}\n";
    files.push(("words/words.yaml".into(), words.into()));
    let scene = Scene::with(files).await;
    let with_step = |runbook: &str| {
        format!("{runbook}steps:\n  - {{id: words, after: root, apply: {{source: platform, path: words}}}}\n")
    };
    let maps: Api<ConfigMap> = Api::namespaced(scene.outage.bed.admin(), "default");
    let theirs =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "words"}, "data": {"word": "of-ann"}});
    let params = PatchParams::apply("kubectl-by-ann");
    maps.patch("words", &params, &Patch::Apply(theirs)).await.unwrap();

    let unknown = scene.restore_with(with_step, &["--force-conflicts", "nobody"]).await;
    assert_eq!(unknown.code, 2, "{}", unknown.said());
    assert!(unknown.said().contains("root/root, words"), "{}", unknown.said());

    let failed = scene.restore_with(with_step, &["--deadline", "8m"]).await;
    assert_eq!(failed.code, 1, "{}", failed.said());
    let owner = "\"kubectl-by-ann\" owns .data.word";
    assert!(
        failed.out.contains(owner) && failed.out.contains("--force-conflicts STEP"),
        "{}",
        failed.said()
    );
    assert_eq!(maps.get("words").await.unwrap().data.unwrap()["word"], "of-ann");

    let forced = ["--resume", "--deadline", "8m", "--force-conflicts", "words=Ann agrees"];
    let forced = scene.restore_with(with_step, &forced).await;
    assert_eq!(forced.code, 0, "{}", forced.said());
    assert!(
        forced.out.contains("force-conflicts step/words: Ann agrees"),
        "{}",
        forced.said()
    );
    assert_eq!(maps.get("words").await.unwrap().data.unwrap()["word"], "of-git");
}
