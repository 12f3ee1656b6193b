//! Sync waves between child apps wait for them where the platform has the health check of `bootstrap/`, and without it do not.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::Api;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use serde_json::Value;

use super::foreseen;
use super::scene::{Scene, application, deployment, files};
use super::waiting;
use super::watched::{Watched, node};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bootstrap/argocd/application-health");

/// The app `slow` is in wave 0, Degraded for a while and well only when a test says so; the app `next` is in wave 1.
fn platform() -> Vec<(String, String)> {
    let file = |name: &str, text: String| (name.to_owned(), text);
    let in_wave = |app: String, wave: u32| {
        app.replace(
            ", namespace: argocd}\nspec",
            &format!(", namespace: argocd, annotations: {{argocd.argoproj.io/sync-wave: \"{wave}\"}}}}\nspec"),
        )
    };
    let impatient =
        waiting::deployment("slow").replace("spec:\n  selector", "spec:\n  progressDeadlineSeconds: 3\n  selector");
    let mut all = files();
    all.extend([
        file("apps/slow.yaml", in_wave(application("slow", "slow", "slow"), 0)),
        file("apps/next.yaml", in_wave(application("next", "next", "next"), 1)),
        file("slow/deployment.yaml", impatient),
        file("next/deployment.yaml", deployment("next")),
    ]);
    all
}

/// The same, whose install takes in the component of `bootstrap/`.
fn gated() -> Vec<(String, String)> {
    let mut all = platform();
    let install = all
        .iter_mut()
        .find(|(name, _)| name == "bootstrap/argocd/kustomization.yaml");
    install.unwrap().1.push_str("components: [application-health]\n");
    for name in ["kustomization.yaml", "argocd-cm.yaml"] {
        let text = std::fs::read_to_string(format!("{FOLDER}/{name}")).unwrap();
        all.push((format!("bootstrap/argocd/application-health/{name}"), text));
    }
    all
}

async fn app(scene: &Scene, name: &str) -> Option<Value> {
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("argoproj.io", "v1alpha1", "Application"));
    let api: Api<DynamicObject> = Api::namespaced_with(scene.outage.bed.admin(), "argocd", &kind);
    api.get_opt(name).await.unwrap().map(|app| app.data)
}

/// Returns when something was made, as its place in the audit log.
async fn made(scene: &Scene, resource: &str, name: &str) -> usize {
    let audit = scene.outage.bed.audit().await.unwrap();
    let is_made = |event: &testbed::control_plane::AuditEvent| {
        event.resource == resource && event.name == name && event.code == 201
    };
    audit.iter().position(is_made).unwrap()
}

#[tokio::test]
async fn with_the_check_of_bootstrap_the_next_wave_waits_for_an_app_even_where_that_is_degraded_for_a_while() {
    let scene = Scene::with(gated()).await;
    let plan = foreseen::plan(&scene, &[]).await;
    assert!(
        plan.out
            .contains("waves between the apps of `root` wait until the apps before are well"),
        "{}",
        plan.said()
    );
    let mut run = Watched::start(&scene, str::to_owned);
    run.until("the slow app is Degraded", |event| node(event, "slow", "failing"))
        .await;
    run.until("its own reason is told", |event| {
        node(event, "slow", "Deployment.apps slow/slow")
    })
    .await;
    run.until("the parent waits for it", |event| {
        node(event, "root", "Application.argoproj.io argocd/slow")
    })
    .await;
    let root = app(&scene, "root").await.unwrap();
    assert_eq!(root["status"]["operationState"]["phase"], "Running", "{root:#}");
    assert!(app(&scene, "next").await.is_none(), "{root:#}");

    waiting::let_go(&scene, "slow").await;
    assert_eq!(run.end().await, 0, "{}", run.said().await);
    assert!(made(&scene, "secrets", "late").await < made(&scene, "applications", "next").await);
    let at = |app: &str, phase: &str| run.position(|event| node(event, app, phase)).unwrap();
    assert!(at("slow", "ready") < at("next", "ready"));
    // What was there of the settings is there still.
    let settings: Api<ConfigMap> = Api::namespaced(scene.outage.bed.admin(), "argocd");
    let data = settings.get("argocd-cm").await.unwrap().data.unwrap();
    assert!(data.len() > 1, "{data:?}");
}

#[tokio::test]
async fn without_the_check_waves_between_apps_only_order_their_creation_and_the_plan_says_so() {
    let scene = Scene::with(platform()).await;
    let plan = foreseen::plan(&scene, &[]).await;
    assert!(
        plan.out
            .contains("! waves between the apps of `root` only order their creation"),
        "{}",
        plan.said()
    );
    let json: Value = serde_json::from_str(&foreseen::plan(&scene, &["--output", "json"]).await.out).unwrap();
    assert_eq!(json["waves"]["children_are_awaited"], false, "{json:#}");
    let mut run = Watched::start(&scene, str::to_owned);
    run.until("what comes next is there and well", |event| {
        node(event, "next", "ready")
    })
    .await;
    let slow = app(&scene, "slow").await.unwrap();
    assert_ne!(slow["status"]["health"]["status"], "Healthy", "{slow:#}");
    waiting::let_go(&scene, "slow").await;
    assert_eq!(run.end().await, 0, "{}", run.said().await);
    assert!(made(&scene, "applications", "next").await < made(&scene, "secrets", "late").await);
}
