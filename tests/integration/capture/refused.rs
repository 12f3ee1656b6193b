//! Clusters from which nothing is captured: what they have is worth less than what is stored.

use kube::api::{Api, DeleteParams};

use super::platform::{capture, keeper, runbook, version};
use crate::restore::scene::{Scene, files};
use crate::restore::watched::Watched;

async fn is_refused(scene: &Scene, flags: &[&str], words: &str) {
    let keeper = keeper(scene).await;
    let ran = capture(scene, &keeper, &runbook(), flags).await;
    assert_eq!(ran.code, 2, "“{words}”: {}", ran.said());
    assert!(ran.said().contains(words), "“{words}” is not said:\n{}", ran.said());
    let versions = (
        version(scene, "argocd-secret").await,
        version(scene, "repo-platform").await,
        version(scene, "manifest").await,
    );
    assert_eq!(versions, (1, 1, 0), "“{words}”: what is stored is as it was");
}

#[tokio::test]
async fn nothing_is_captured_from_what_is_no_whole_platform() {
    // An app that cannot come up keeps the restore at work.
    let mut broken = files();
    broken.retain(|(name, _)| name != "cart/deployment.yaml");
    let scene = Scene::with(broken).await;
    is_refused(
        &scene,
        &["--write"],
        "nothing is captured from a cluster without a platform",
    )
    .await;
    is_refused(
        &scene,
        &["--write", "--context", "nobody"],
        "the kubeconfig has no context `nobody`",
    )
    .await;
    is_refused(
        &scene,
        &["--write", "--replace", "repo-platfrom"],
        "the runbook has not",
    )
    .await;

    let mut run = Watched::start(&scene, str::to_owned);
    run.until("the apps are awaited", |event| {
        event["event"] == "started" && event["id"] == "apps"
    })
    .await;
    is_refused(&scene, &["--write"], "nothing is captured from a cluster in a run").await;
    run.interrupt().await;
    assert_eq!(run.end().await, 130, "{}", run.said().await);
    is_refused(
        &scene,
        &["--write"],
        "nothing is captured from a cluster that is half restored",
    )
    .await;

    scene.mend("cart").await;
    let ran = scene.restore(&["--resume", "--deadline", "10m"]).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    let secrets: Api<k8s_openapi::api::core::v1::Secret> = Api::namespaced(scene.outage.bed.admin(), "argocd");
    secrets.delete("repo-platform", &DeleteParams::default()).await.unwrap();
    is_refused(
        &scene,
        &["--write"],
        "repo-platform: there is no Secret argocd/repo-platform",
    )
    .await;
}
