//! What must not be lost by a capture: generations of keys, what another secret keeps in the same place, values that were there before.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use serde_json::json;
use testbed::Tool;

use super::flux::{platform, runbook};
use super::platform::{capture, keeper, put, stored, version};
use crate::restore::scene::Scene;

const SECRETS: &str = "  sops-age: {as: {namespace: default, type: Opaque}, from: [{vault: dr/sops-age}]}
  sealed: {as: {namespace: kube-system, type: sealed-secrets/keys}, from: [{vault: dr/sealed}, {vault: dr/generations/}]}
  pull-a: {as: {namespace: default, type: Opaque}, from: [{vault: dr/pull}]}
  pull-b: {as: {namespace: kube-public, type: Opaque, name: pull-a}, from: [{vault: dr/pull}]}
  extra: {as: {namespace: default, type: Opaque}, from: [{vault: dr/extra}], optional: true}
";

/// Makes a key of the controller of Sealed Secrets.
async fn generation(live: &Client, name: &str) {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let certificate = CertificateParams::default().self_signed(&key).unwrap().pem();
    let pair = [
        ("tls.crt", certificate.as_bytes()),
        ("tls.key", key.serialize_pem().as_bytes()),
    ]
    .map(|(half, text)| (half, text.to_vec()));
    let pair: Vec<(&str, &[u8])> = pair.iter().map(|(half, text)| (*half, text.as_slice())).collect();
    put(live, "kube-system", name, "kubernetes.io/tls", &pair).await;
    let secrets: Api<Secret> = Api::namespaced(live.clone(), "kube-system");
    let label = json!({"metadata": {"labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"}}});
    secrets
        .patch(name, &PatchParams::default(), &Patch::Merge(label))
        .await
        .unwrap();
}

async fn delete(live: &Client, namespace: &str, name: &str) {
    let secrets: Api<Secret> = Api::namespaced(live.clone(), namespace);
    secrets.delete(name, &DeleteParams::default()).await.unwrap();
}

/// The names of the generations in one stored secret.
async fn names(scene: &Scene, path: &str) -> Vec<String> {
    let stored = stored(scene, path).await;
    let keys = stored.as_object().unwrap().keys();
    keys.filter_map(|key| Some(key.strip_suffix(".tls.key")?.to_owned()))
        .collect()
}

#[tokio::test]
async fn nothing_that_is_worth_more_is_lost_by_a_capture() {
    let scene = Scene::start().await;
    let live = scene.outage.bed.admin();
    platform(&live).await;
    generation(&live, "keya").await;
    generation(&live, "keyb").await;
    put(&live, "default", "pull-a", "Opaque", &[("token", b"c4n4ry-one")]).await;
    put(&live, "kube-public", "pull-a", "Opaque", &[("token", b"c4n4ry-two")]).await;
    let keeper = keeper(&scene).await;
    let book = runbook(SECRETS);

    // All is new; but two secrets are kept in one place, and a person has to part them.
    let ran = capture(&scene, &keeper, &book, &["--write"]).await;
    assert_eq!(ran.code, 1, "{}", ran.said());
    assert!(
        ran.out
            .contains("several secrets of the runbook are kept in this place"),
        "{}",
        ran.said()
    );
    assert_eq!(version(&scene, "pull").await, 0);
    assert_eq!(names(&scene, "sealed").await, ["keya", "keyb"]);
    assert_eq!(
        (
            version(&scene, "generations/keya").await,
            version(&scene, "generations/keyb").await
        ),
        (1, 1)
    );
    let ran = capture(&scene, &keeper, &book, &["--check"]).await;
    let rows: BTreeMap<&str, usize> = ["same", "BY HAND", "not there, optional"]
        .map(|word| {
            (
                word,
                ran.out
                    .lines()
                    .filter(|line| line.contains(&format!("  {word}")))
                    .count(),
            )
        })
        .into();
    assert_eq!(
        rows,
        BTreeMap::from([("same", 5), ("BY HAND", 2), ("not there, optional", 1)]),
        "{}",
        ran.said()
    );

    keys_come_and_go(&scene, &keeper, &book).await;
    what_became_empty_is_not_stored(&scene, &keeper, &book).await;
    what_went_away_is_told(&scene, &keeper, &book).await;
    without_the_sources_nothing_is_written(&scene, &keeper, &book).await;
}

/// The controller has made a key and somebody has taken the oldest away: what that has sealed may still be in Git.
async fn keys_come_and_go(scene: &Scene, keeper: &Tool, book: &str) {
    let live = scene.outage.bed.admin();
    generation(&live, "keyc").await;
    delete(&live, "kube-system", "keya").await;
    let ran = capture(scene, keeper, book, &["--write"]).await;
    assert!(ran.out.contains("written: sealed\n"), "{}", ran.said());
    assert_eq!(names(scene, "sealed").await, ["keya", "keyb", "keyc"]);
    assert_eq!(
        (
            version(scene, "generations/keya").await,
            version(scene, "generations/keyc").await
        ),
        (1, 1)
    );
}

async fn what_became_empty_is_not_stored(scene: &Scene, keeper: &Tool, book: &str) {
    let live = scene.outage.bed.admin();
    put(&live, "default", "sops-age", "Opaque", &[("age.agekey", b"")]).await;
    let ran = capture(scene, keeper, book, &["--write"]).await;
    assert_eq!(ran.code, 1, "{}", ran.said());
    assert!(
        ran.out.contains("in the cluster it is empty: age.agekey"),
        "{}",
        ran.said()
    );
    assert_eq!(version(scene, "sops-age").await, 1);
    put(
        &live,
        "default",
        "sops-age",
        "Opaque",
        &[("age.agekey", b"c4n4ry-of-age")],
    )
    .await;
}

/// An optional secret that the cluster has not, and the store has, would come back with a restore.
async fn what_went_away_is_told(scene: &Scene, keeper: &Tool, book: &str) {
    let root = scene.outage.vault.root();
    root.put("dr/extra", [("token", "c4n4ry-revoked")]).await.unwrap();
    let ran = capture(scene, keeper, book, &["--check"]).await;
    assert_eq!(ran.code, 1, "{}", ran.said());
    assert!(
        ran.out.contains("a restore would bring this one back"),
        "{}",
        ran.said()
    );
    root.delete("dr/extra").await.unwrap();
}

async fn without_the_sources_nothing_is_written(scene: &Scene, keeper: &Tool, book: &str) {
    let live = scene.outage.bed.admin();
    put(
        &live,
        "default",
        "sops-age",
        "Opaque",
        &[("age.agekey", b"c4n4ry-of-the-next-age")],
    )
    .await;
    let away = book.replace("shop/platform.git", "shop/nobody.git");
    let ran = capture(scene, keeper, &away, &["--write"]).await;
    assert_eq!(ran.code, 2, "{}", ran.said());
    assert!(
        ran.said().contains("nobody knows whether this is the whole platform"),
        "{}",
        ran.said()
    );
    assert_eq!(version(scene, "sops-age").await, 1);
    let ran = capture(scene, keeper, book, &["--write"]).await;
    assert_eq!(version(scene, "sops-age").await, 2, "{}", ran.said());
}
