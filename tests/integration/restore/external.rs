//! Secrets that External Secrets fills: nobody comes before their store is ready, and a store that is not says why.
//!
//! The operator itself is not run: its module cannot be built here. Its kinds are defined below as far as its documentation tells them,
//! and the test sets the conditions that its documentation names (`Ready`, with `Valid`, `InvalidProviderConfig`, `SecretSynced`).

use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};

use super::scene::{RUNBOOK, Scene, application, deployment, files};
use super::watched::{Watched, node};

/// What a provider says that does not let its store in.
const REFUSED: &str = "unable to log in to Vault: permission denied";

/// Returns a kind of External Secrets, with a status of its own and whatever fields.
fn definition(kind: &str, plural: &str, scope: &str) -> String {
    format!(
        r"---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: {plural}.external-secrets.io}}
spec:
  group: external-secrets.io
  names: {{kind: {kind}, listKind: {kind}List, plural: {plural}, singular: {singular}}}
  scope: {scope}
  versions:
    - name: v1
      served: true
      storage: true
      subresources: {{status: {{}}}}
      schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}
",
        singular = kind.to_lowercase()
    )
}

const STORE: &str = "apiVersion: external-secrets.io/v1\nkind: ClusterSecretStore\nmetadata: {name: vault}\n\
                     spec: {provider: {vault: {server: \"https://vault.example.com\", path: apps, auth: {tokenSecretRef: {name: vault-token, namespace: eso, key: token}}}}}\n";

const LOGIN: &str = "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: db}\n\
                     spec: {secretStoreRef: {kind: ClusterSecretStore, name: vault}, target: {name: db-login}, dataFrom: [{extract: {key: db}}]}\n";

/// What an app of Flux would be decrypted with; brought by an app of Argo CD, as some do while they move.
const KUSTOMIZATION: &str = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: legacy, namespace: flux-system}\n\
                             spec: {interval: 1h, path: ./legacy, prune: true, sourceRef: {kind: GitRepository, name: platform}, decryption: {provider: sops, secretRef: {name: sops-age}}}\n";

/// Returns a platform in which `shop` reads a Secret that `logins` has made out of the store of `stores`. The apps are in the folder
/// `apps` but for `stores`, which is in `infra`.
fn platform() -> Vec<(String, String)> {
    let pod = deployment("shop").replace(
        "containers: [{name: main,",
        "containers: [{name: main, envFrom: [{secretRef: {name: db-login}}],",
    );
    let definitions = [
        definition("ClusterSecretStore", "clustersecretstores", "Cluster"),
        definition("ExternalSecret", "externalsecrets", "Namespaced"),
    ];
    let mut all = files();
    for (name, text) in [
        ("clusters/prod/infra.yaml", application("infra", "infra", "argocd")),
        (
            "infra/definitions.yaml",
            application("definitions", "definitions", "eso"),
        ),
        ("infra/stores.yaml", application("stores", "stores", "eso")),
        ("definitions/kinds.yaml", definitions.concat()),
        ("stores/vault.yaml", STORE.to_owned()),
        ("apps/logins.yaml", application("logins", "logins", "shop")),
        ("logins/db.yaml", LOGIN.to_owned()),
        ("apps/shop.yaml", application("shop", "shop", "shop")),
        ("shop/deployment.yaml", pod),
    ] {
        all.push((name.to_owned(), text));
    }
    all
}

/// The runbook with two roots, and the login of the store among its secrets.
fn runbook(text: &str) -> String {
    let zero = "secrets:\n  vault-token: {as: {namespace: eso, type: Opaque}, from: [{vault: dr/vault-token}]}\n";
    let infra = "roots:\n  - {id: infra, source: platform, path: clusters/prod/infra.yaml}\n";
    text.replace("secrets:\n", zero).replace("roots:\n", infra)
}

async fn scene() -> Scene {
    let scene = Scene::with(platform()).await;
    let token = [("token", "c4n4ry-of-secret-zero")];
    scene.outage.vault.root().put("dr/vault-token", token).await.unwrap();
    scene
}

fn resource(group: &str, version: &str, kind: &str) -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}

/// Says of an object what its operator would say.
async fn says(scene: &Scene, kind: &str, namespace: Option<&str>, name: &str, ready: (&str, &str, &str)) {
    let kind = resource("external-secrets.io", "v1", kind);
    let admin = scene.outage.bed.admin();
    let api: Api<DynamicObject> = match namespace {
        Some(namespace) => Api::namespaced_with(admin, namespace, &kind),
        None => Api::all_with(admin, &kind),
    };
    let (status, reason, message) = ready;
    let condition = json!({
        "type": "Ready", "status": status, "reason": reason, "message": message, "lastTransitionTime": "2026-11-22T08:00:00Z",
    });
    let patch = json!({"status": {"conditions": [condition]}});
    api.patch_status(name, &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .unwrap();
}

/// The store is let in.
async fn is_valid(scene: &Scene) {
    says(
        scene,
        "ClusterSecretStore",
        None,
        "vault",
        ("True", "Valid", "store validated"),
    )
    .await;
}

/// The store is turned away.
async fn is_refused(scene: &Scene) {
    says(
        scene,
        "ClusterSecretStore",
        None,
        "vault",
        ("False", "InvalidProviderConfig", REFUSED),
    )
    .await;
}

/// The Secret is filled, as its operator does it, and that is said.
async fn is_filled(scene: &Scene) {
    let secrets: Api<Secret> = Api::namespaced(scene.outage.bed.admin(), "shop");
    let secret = serde_json::from_value(json!({"metadata": {"name": "db-login"}, "stringData": {"PASSWORD": "x"}}));
    secrets.create(&PostParams::default(), &secret.unwrap()).await.unwrap();
    says(
        scene,
        "ExternalSecret",
        Some("shop"),
        "db",
        ("True", "SecretSynced", "secret synced"),
    )
    .await;
}

async fn is_there(scene: &Scene, name: &str) -> bool {
    let kind = resource("argoproj.io", "v1alpha1", "Application");
    let api: Api<DynamicObject> = Api::namespaced_with(scene.outage.bed.admin(), "argocd", &kind);
    api.get_opt(name).await.unwrap().is_some()
}

/// Whether an event says that the app `stores` is held up by its store, in the store's own words.
fn blames_the_store(event: &Value) -> bool {
    node(event, "stores", "ClusterSecretStore.external-secrets.io vault")
        && node(event, "stores", "InvalidProviderConfig")
        && node(event, "stores", REFUSED)
}

#[tokio::test]
async fn in_the_order_of_the_graph_what_needs_a_secret_comes_when_its_store_is_ready_and_it_is_filled() {
    let scene = scene().await;
    let mut run = Watched::start(&scene, |text| format!("{}order: graph\n", runbook(text)));
    run.until("the app of the store waits for it", |event| {
        node(event, "stores", "ClusterSecretStore.external-secrets.io vault")
    })
    .await;
    assert!(!is_there(&scene, "logins").await);
    is_refused(&scene).await;
    run.until("the store's own reason is told", blames_the_store).await;
    assert!(!is_there(&scene, "logins").await);

    is_valid(&scene).await;
    run.until("what takes from the store begins", |event| {
        node(event, "logins", "ExternalSecret.external-secrets.io shop/db")
    })
    .await;
    assert!(!is_there(&scene, "shop").await);
    is_filled(&scene).await;
    assert_eq!(run.end().await, 0, "{}", run.said().await);
    let ready = |app: &str| run.position(|event| node(event, app, "ready")).unwrap();
    assert!(ready("stores") < ready("logins") && ready("logins") < ready("shop"));
    let audit = scene.outage.bed.audit().await.unwrap();
    let made = |name: &str| {
        audit
            .iter()
            .position(|event| event.resource == "applications" && event.name == name && event.code == 201)
    };
    let said = audit
        .iter()
        .rposition(|event| event.resource == "clustersecretstores" && event.verb == "patch" && event.name == "vault");
    assert!(said < made("logins"), "{said:?}, {:?}", made("logins"));
}

#[tokio::test]
async fn with_a_step_that_checks_the_store_the_apps_wait_for_it_and_its_reason_is_told_live_and_in_the_report() {
    let scene = scene().await;
    let step = "steps:\n  - {id: store, after: infra, before: root, check: {condition: {kind: ClusterSecretStore.external-secrets.io, name: vault, is: Ready}}}\n";
    let gated = |text: &str| format!("{}{step}", runbook(text));
    let mut run = Watched::start(&scene, gated);
    run.until("the step waits for the store", |event| {
        event["id"] == "step/store" && event.to_string().contains("neither a condition nor a phase Ready")
    })
    .await;
    is_refused(&scene).await;
    run.until("the store's own reason is told", |event| {
        let text = event.to_string();
        event["id"] == "step/store" && text.contains("InvalidProviderConfig") && text.contains(REFUSED)
    })
    .await;
    assert!(!is_there(&scene, "root").await && !is_there(&scene, "logins").await);
    run.interrupt().await;
    assert_eq!(run.end().await, 130, "{}", run.said().await);
    let report = scene.tool.run(&["report"]).await.unwrap();
    let told = report.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        told.contains("InvalidProviderConfig") && told.contains(REFUSED),
        "{}",
        report.said()
    );

    is_valid(&scene).await;
    let mut resumed = Watched::start_with(&scene, gated, &["--resume"]);
    resumed
        .until("what takes from the store is there", |event| {
            let words = event["words"].as_str().unwrap_or_default();
            event["name"] == "logins" && words.starts_with("Synced")
        })
        .await;
    is_filled(&scene).await;
    assert_eq!(resumed.end().await, 0, "{}", resumed.said().await);
}

#[tokio::test]
async fn secret_zero_that_nobody_restores_is_told_before_anything_is_changed_with_the_entry_that_mends_it() {
    let mut all = platform();
    all.push(("cart/legacy.yaml".to_owned(), KUSTOMIZATION.to_owned()));
    let scene = Scene::with(all).await;
    let without = |text: &str| {
        let infra = "roots:\n  - {id: infra, source: platform, path: clusters/prod/infra.yaml}\n";
        text.replace("roots:\n", infra)
    };
    let words = [
        "ClusterSecretStore.external-secrets.io vault logs in with Secret eso/vault-token \
         (spec.provider.vault.auth.tokenSecretRef, platform:stores/vault.yaml:1)",
        "`vault-token: {as: {namespace: eso, type: Opaque}, from: [{vault: PATH}]}`, with the key `token`",
        "Kustomization.kustomize.toolkit.fluxcd.io flux-system/legacy reads Secret flux-system/sops-age (spec.decryption.secretRef",
    ];
    let file = scene.outage.runbook("small.yaml", &without(RUNBOOK)).unwrap();
    let plan = scene.tool.run(&["plan", file.to_str().unwrap()]).await.unwrap();
    for words in words {
        assert!(plan.out.contains(words), "{words}: {}", plan.said());
    }
    assert!(
        !plan.out.contains("brings Secret eso/vault-token"),
        "told twice: {}",
        plan.said()
    );
    let mut run = Watched::start(&scene, without);
    for words in words {
        run.until(words, |event| {
            event["notice"].as_str().is_some_and(|notice| notice.contains(words))
        })
        .await;
    }
    assert!(
        run.position(|event| event["event"] == "started" && event["id"] == "ground")
            .is_none()
    );
    run.kill().await;

    // With what the plan says, nothing is left to say.
    let stored = [("token", "c4n4ry-of-secret-zero")];
    scene.outage.vault.root().put("dr/vault-token", stored).await.unwrap();
    let file = scene.outage.runbook("small.yaml", &runbook(RUNBOOK)).unwrap();
    let plan = scene.tool.run(&["plan", file.to_str().unwrap()]).await.unwrap();
    assert!(
        !plan.out.contains("logs in with Secret eso/vault-token"),
        "{}",
        plan.said()
    );
}
