//! Secrets that were changed since they were restored, and logins that are good for one run.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;
use testbed::control_plane::AuditEvent;

use super::scene::{SIGNING_KEY, Scene};
use super::watched::Watched;

/// What somebody writes into the cluster by hand.
const ROTATED: &str = "c4n4ry-rotated-by-hand";

/// The runbook with two more secrets, and a login that opens once.
fn runbook(text: &str) -> String {
    let more = "secrets:\n  repo-other: {as: argocd/repository, from: [{vault: dr/repo-other}]}\n  \
                payments: {as: {namespace: shop, type: Opaque}, from: [{vault: dr/payments}]}\n";
    let text = text.replace("secrets:\n", more);
    let wrapped = text.replace(
        "secret-id: {env: VAULT_SECRET_ID}",
        "secret-id: {env: VAULT_SECRET_ID}, wrapped: true",
    );
    assert_ne!(text, wrapped);
    wrapped
}

async fn scene() -> Scene {
    let mut scene = Scene::start().await;
    let store = scene.outage.vault.root();
    let other = [
        ("url", "https://git.example.com/shop/other.git"),
        ("type", "git"),
        ("username", "dr"),
        ("password", "c4n4ry-other-password"),
    ];
    store.put("dr/repo-other", other).await.unwrap();
    store.put("dr/payments", [("key", "c4n4ry-first")]).await.unwrap();
    fresh_login(&mut scene).await;
    scene
}

/// Gives the tool's user a wrapping token that holds a new secret id; it opens once.
async fn fresh_login(scene: &mut Scene) {
    let root = scene.outage.vault.root();
    let token = root
        .wrapped("auth/approle/role/recovery/secret-id", &json!({}))
        .await
        .unwrap();
    scene.tool.set("VAULT_SECRET_ID", token);
}

#[tokio::test]
async fn what_was_rotated_by_hand_stays_and_a_login_that_opens_once_is_asked_for_again() {
    let mut scene = scene().await;
    let mut run = Watched::start(&scene, runbook);
    run.until("the agent's start", |event| {
        event["event"] == "started" && event["id"] == "agent"
    })
    .await;
    run.interrupt().await;
    assert_eq!(run.end().await, 130, "{}", run.said().await);
    let earlier = run.events[0]["run"].as_str().unwrap().to_owned();

    by_hand(&scene, "repo-other", "password").await;
    by_hand(&scene, "argocd-secret", "server.secretkey").await;
    let store = scene.outage.vault.root();
    store.put("dr/payments", [("key", "c4n4ry-second")]).await.unwrap();

    let before = scene.mutations().await.len();
    let refused = scene.restore_with(runbook, &["--resume"]).await;
    assert_eq!(refused.code, 2, "{}", refused.said());
    let said = refused.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in ["VAULT_SECRET_ID", "opens once", "export a fresh", &earlier] {
        assert!(said.contains(words), "“{words}”: {}", refused.said());
    }
    assert_eq!(scene.mutations().await.len(), before);

    fresh_login(&mut scene).await;
    let resumed = scene.restore_with(runbook, &["--resume"]).await;
    assert_eq!(resumed.code, 0, "{}", resumed.said());
    let said = resumed.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "recovered with 2 exceptions",
        "Secret argocd/repo-other",
        "Secret argocd/argocd-secret",
        "kubectl-edit",
    ] {
        assert!(said.contains(words), "“{words}”: {}", resumed.said());
    }
    for value in [ROTATED, SIGNING_KEY, "c4n4ry-other-password"] {
        assert!(!resumed.said().contains(value), "{}", resumed.said());
    }

    let other = data(&scene, "argocd", "repo-other").await;
    assert_eq!(other["password"], ROTATED);
    assert_eq!(
        data(&scene, "argocd", "argocd-secret").await["server.secretkey"],
        ROTATED
    );
    assert_eq!(
        data(&scene, "shop", "payments").await["key"],
        "c4n4ry-second",
        "what only we wrote follows the store"
    );
    let after = &scene.mutations().await[before..];
    let writes_to = |name: &str| {
        after
            .iter()
            .filter(|event: &&AuditEvent| event.resource == "secrets" && event.name == name)
            .count()
    };
    assert_eq!(
        (
            writes_to("repo-other"),
            writes_to("argocd-secret"),
            writes_to("payments")
        ),
        (0, 0, 1),
        "{after:#?}"
    );
}

#[tokio::test]
async fn what_is_rotated_while_a_run_goes_on_stays_and_is_said_once_and_what_the_store_has_since_comes_with_the_next() {
    let mut scene = scene().await;
    let mut run = Watched::start(&scene, runbook);
    // The Secrets are restored before the agent starts.
    run.until("the agent's start", |event| {
        event["event"] == "started" && event["id"] == "agent"
    })
    .await;
    by_hand(&scene, "repo-other", "password").await;
    by_hand(&scene, "argocd-secret", "webhook.github.secret").await;
    by_hand(&scene, "argocd-secret", "server.secretkey").await;
    let store = scene.outage.vault.root();
    store.put("dr/payments", [("key", "c4n4ry-second")]).await.unwrap();
    assert_eq!(run.end().await, 0, "{}", run.said().await);

    let excepted: Vec<_> = run.events.iter().filter(|event| event["event"] == "excepted").collect();
    let subjects: Vec<_> = excepted.iter().filter_map(|event| event["subject"].as_str()).collect();
    assert_eq!(subjects.len(), 2, "{excepted:#?}");
    for (subject, keys) in [
        ("Secret argocd/repo-other", "kubectl-edit wrote password at"),
        ("Secret argocd/argocd-secret", "kubectl-edit wrote server.secretkey at"),
    ] {
        let is_told = |event: &&&serde_json::Value| {
            event["subject"] == subject && event["what"].as_str().is_some_and(|what| what.contains(keys))
        };
        assert!(excepted.iter().any(|event| is_told(&event)), "{subject}: {excepted:#?}");
    }
    for value in [ROTATED, SIGNING_KEY, "c4n4ry-other-password", "c4n4ry-second"] {
        assert!(
            run.events.iter().all(|event| !event.to_string().contains(value)),
            "{value}"
        );
    }
    assert_eq!(data(&scene, "argocd", "repo-other").await["password"], ROTATED);
    assert_eq!(
        data(&scene, "argocd", "argocd-secret").await["server.secretkey"],
        ROTATED
    );
    assert_eq!(
        data(&scene, "shop", "payments").await["key"],
        "c4n4ry-first",
        "a run restores what it has read"
    );

    fresh_login(&mut scene).await;
    let again = scene
        .restore_with(
            |text| runbook(text).replace("expect: empty", "expect: adopt"),
            &["--deadline", "5m"],
        )
        .await;
    assert_eq!(again.code, 0, "{}", again.said());
    assert_eq!(data(&scene, "shop", "payments").await["key"], "c4n4ry-second");
    assert_eq!(data(&scene, "argocd", "repo-other").await["password"], ROTATED);
}

/// Changes one key of a Secret as `kubectl edit` does.
async fn by_hand(scene: &Scene, name: &str, key: &str) {
    let secrets: Api<Secret> = Api::namespaced(scene.outage.bed.admin(), "argocd");
    let parameters = PatchParams {
        field_manager: Some("kubectl-edit".into()),
        ..PatchParams::default()
    };
    let change = json!({"stringData": {key: ROTATED}});
    secrets.patch(name, &parameters, &Patch::Merge(&change)).await.unwrap();
}

async fn data(scene: &Scene, namespace: &str, name: &str) -> BTreeMap<String, String> {
    let secrets: Api<Secret> = Api::namespaced(scene.outage.bed.admin(), namespace);
    let data = secrets.get(name).await.unwrap().data.unwrap();
    data.into_iter()
        .map(|(key, value)| (key, String::from_utf8(value.0).unwrap()))
        .collect()
}
