//! What becomes of stored credentials while a platform lives: they are captured, they grow stale, somebody stores newer ones.

use serde_json::Value;
use testbed::Tool;

use super::platform::{bytes, capture, keeper, put, runbook, stored, version};
use crate::restore::scene::{PASSWORD, Scene, application};

/// A file of an app that reads a Secret which nobody has in Git.
const CART: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata: {name: cart}
spec:
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec:
      containers: [{name: main, image: "registry.example.com/cart:1", envFrom: [{secretRef: {name: payments, optional: true}}]}]
      imagePullSecrets: [{name: registry}]
"#;

#[tokio::test]
async fn what_a_living_platform_has_is_stored_and_what_somebody_stored_since_is_left_alone() {
    let mut files = crate::restore::scene::files();
    files.retain(|(name, _)| name != "cart/deployment.yaml" && name != "apps/cart.yaml");
    files.push(("cart/deployment.yaml".into(), CART.into()));
    files.push(("apps/cart.yaml".into(), application("cart", "cart", "cart")));
    let scene = Scene::with(files).await;
    let ran = scene.restore(&["--deadline", "10m"]).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    let before = scene.mutations().await.len();
    let keeper = keeper(&scene).await;

    let live = scene.outage.bed.admin();
    put(
        &live,
        "cart",
        "registry",
        "kubernetes.io/dockerconfigjson",
        &[(".dockerconfigjson", b"{\"auths\": {}}")],
    )
    .await;
    // What was set up since is in no store, and no capture has written what is there.
    put(
        &live,
        "argocd",
        "argocd-secret",
        "Opaque",
        &[("webhook.github.secret", b"c4n4ry-of-the-webhook")],
    )
    .await;
    what_is_to_be_written_is_told_first(&scene, &keeper).await;
    // The runbook names it, and a person vouches for the cluster's own.
    let whole = runbook().replace(
        "secrets:\n",
        "secrets:\n  registry: {as: {namespace: cart, type: kubernetes.io/dockerconfigjson}, from: {vault: dr/registry}}\n  \
         known: {as: argocd/ssh-known-hosts, from: {vault: dr/known}}\n",
    );
    it_is_written_where_a_person_says_so(&scene, &keeper, &whole).await;
    what_changes_in_the_cluster_is_stale(&scene, &keeper, &whole).await;
    what_somebody_has_stored_since_stays(&scene, &keeper, &whole).await;
    assert_eq!(scene.mutations().await.len(), before, "the live cluster is only read");
}

async fn what_is_to_be_written_is_told_first(scene: &Scene, keeper: &Tool) {
    let ran = capture(scene, keeper, crate::restore::scene::RUNBOOK, &["--write"]).await;
    assert_eq!(ran.code, 2, "{}", ran.said());
    assert!(ran.said().contains("`capture: {vault: dr/manifest}`"), "{}", ran.said());

    let ran = capture(scene, keeper, &runbook(), &[]).await;
    assert_eq!(ran.code, 1, "{}", ran.said());
    for words in [
        "argocd-secret  vault dr/argocd-secret  LEFT ALONE",
        "repo-platform  vault dr/repo-platform  same",
        "Secret cart/registry, for Deployment.apps cart/cart (platform:cart/deployment.yaml",
        "registry: {as: {namespace: cart, type: kubernetes.io/dockerconfigjson}, from: {vault: dr/registry}}",
        "to store what the cluster has all the same: --replace argocd-secret",
        "1 Secret that a restore will need is not in the runbook",
        "nothing was written",
    ] {
        assert!(ran.out.contains(words), "“{words}” is not said:\n{}", ran.said());
    }
    assert_eq!(
        (version(scene, "argocd-secret").await, version(scene, "manifest").await),
        (1, 0)
    );
}

async fn it_is_written_where_a_person_says_so(scene: &Scene, keeper: &Tool, whole: &str) {
    let signing = bytes(&scene.outage.bed.admin(), "argocd", "argocd-secret").await;
    let flags = ["--write", "--replace", "argocd-secret"];
    let ran = capture(scene, keeper, whole, &flags).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    assert!(
        ran.out.contains("written: argocd-secret, known, registry"),
        "{}",
        ran.said()
    );
    assert_eq!(
        (
            version(scene, "argocd-secret").await,
            version(scene, "repo-platform").await
        ),
        (2, 1),
        "what is right is not written"
    );
    for (key, value) in &signing {
        let stored = stored(scene, "argocd-secret").await;
        assert_eq!(stored[key].as_str().unwrap().as_bytes(), value, "{key}");
    }
    let manifest = stored(scene, "manifest").await["manifest"].as_str().unwrap().to_owned();
    assert!(!manifest.contains(PASSWORD), "{manifest}");
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(
        manifest["places"]["vault dr/argocd-secret"]["version"], "2",
        "{manifest:#}"
    );

    // A night later nothing has changed, and the job that looks says so without a word.
    let ran = capture(scene, keeper, whole, &["--check", "--quiet"]).await;
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.said());
}

async fn what_changes_in_the_cluster_is_stale(scene: &Scene, keeper: &Tool, whole: &str) {
    let live = scene.outage.bed.admin();
    put(
        &live,
        "argocd",
        "argocd-secret",
        "Opaque",
        &[("webhook.github.secret", b"c4n4ry-of-the-next-webhook")],
    )
    .await;
    let ran = capture(scene, keeper, whole, &["--check", "--output", "json"]).await;
    assert_eq!(ran.code, 1, "{}", ran.said());
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    let place = &told["places"][0];
    assert_eq!(
        (&place["secret"], &place["is"]),
        (&"argocd-secret".into(), &"stale".into()),
        "{told:#}"
    );
    assert_eq!(
        place["differs"]["changed"],
        serde_json::json!(["webhook.github.secret"]),
        "{told:#}"
    );
    let ran = capture(scene, keeper, whole, &["--write"]).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    assert_eq!(version(scene, "argocd-secret").await, 3);
}

/// Somebody stores the next password of the repository before it is in the cluster.
async fn what_somebody_has_stored_since_stays(scene: &Scene, keeper: &Tool, whole: &str) {
    let url = scene.platform.url_http().to_owned();
    let newer = [
        ("url", url.as_str()),
        ("type", "git"),
        ("username", "dr"),
        ("password", "c4n4ry-of-tomorrow"),
    ];
    scene.outage.vault.root().put("dr/repo-platform", newer).await.unwrap();
    let ran = capture(scene, keeper, whole, &["--write"]).await;
    assert_eq!(ran.code, 1, "{}", ran.said());
    assert!(
        ran.out
            .contains("it is not version 1, which was captured last, and it may be newer"),
        "{}",
        ran.said()
    );
    assert_eq!(version(scene, "repo-platform").await, 2, "what is newer stays");
    assert_eq!(stored(scene, "repo-platform").await["password"], "c4n4ry-of-tomorrow");

    // A store that may be read only is told with what is missing.
    let ran = capture(scene, &scene.tool, whole, &["--write", "--replace", "repo-platform"]).await;
    assert_eq!(ran.code, 1, "{}", ran.said());
    assert!(
        ran.said().contains("update") && ran.said().contains("dr/data/repo-platform"),
        "{}",
        ran.said()
    );
}
