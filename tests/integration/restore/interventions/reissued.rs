//! Syncs that the agent has given up are begun again once what they failed for is there.

use kube::api::{Api, DynamicObject};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::Value;

use super::super::scene::Scene;
use super::super::waiting;
use super::super::watched::{Watched, node};
use super::platform::platform;

const HOOKS: &str = "apps: {ledger: {rerun-hooks: true, reason: the migration may run twice}}\n";

#[tokio::test]
async fn a_sync_that_was_given_up_is_begun_again_once_its_cause_is_gone_and_its_hooks_only_by_word() {
    let scene = Scene::with(platform()).await;
    let mut run = Watched::start(&scene, str::to_owned);
    for app in ["widget", "ledger", "aisle"] {
        run.until(app, |event| {
            node(event, app, "failing") && event["blocked_by"].to_string().contains("given up by Argo CD")
        })
        .await;
    }
    // What they failed for is not there: nothing is begun again.
    assert_eq!(reissues(&run, "widget").len(), 0, "{}", run.said().await);

    waiting::let_go(&scene, "shelf").await;
    run.until("the child's parent", |event| node(event, "aisle", "ready"))
        .await;
    run.until("what comes after the child", |event| node(event, "basket", "ready"))
        .await;
    waiting::let_go(&scene, "kinds").await;
    run.until("the late kind", |event| node(event, "widget", "ready")).await;
    run.until("the hook's app", |event| node(event, "ledger", "rerun-hooks: true"))
        .await;
    run.interrupt().await;
    assert_eq!(run.end().await, 130, "{}", run.said().await);

    for (app, trigger) in [
        ("widget", "Widget.shop.example.com is served, for which its sync failed"),
        (
            "aisle",
            "Application.argoproj.io argocd/shelf is Healthy, for which its sync failed",
        ),
    ] {
        let told = reissues(&run, app);
        assert_eq!(told.len(), 1, "{app}: {told:?}");
        assert_eq!(
            (told[0]["trigger"].as_str(), told[0]["attempt"].as_u64()),
            (Some(trigger), Some(1))
        );
        assert_eq!(begun(&scene, app).await, 1, "{app}");
    }
    assert_eq!((reissues(&run, "ledger").len(), begun(&scene, "ledger").await), (0, 0));
    let before = migrations(&scene).await;
    assert!(before > 0, "the hook never ran");

    // The same platform with the word of its people.
    let ran = scene
        .restore_with(|runbook| runbook.replace("expect: empty", "expect: adopt") + HOOKS, &[])
        .await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    assert!(ran.said().contains("re-issued"), "{}", ran.said());
    assert!(migrations(&scene).await > before, "the hook did not run again");
    assert_eq!(begun(&scene, "ledger").await, 1);
}

/// Returns the events that tell of a sync which was begun again.
fn reissues<'run>(run: &'run Watched, app: &str) -> Vec<&'run Value> {
    let is_of = |event: &&Value| {
        event["family"] == "intervention"
            && event["action"] == "re-issued its sync"
            && event["node"].as_str().unwrap().ends_with(&format!("/{app}"))
    };
    run.events.iter().filter(is_of).collect()
}

/// Returns how many syncs of an app that came to a good end were begun by us, by the agent's own record. The agent itself may begin
/// one after it: the objects that it has just made may not be in its cache yet.
async fn begun(scene: &Scene, app: &str) -> usize {
    let kind = GroupVersionKind::gvk("argoproj.io", "v1alpha1", "Application");
    let api: Api<DynamicObject> =
        Api::namespaced_with(scene.outage.bed.admin(), "argocd", &ApiResource::from_gvk(&kind));
    let live = api.get(app).await.unwrap().data;
    let history = live["status"]["history"].as_array().cloned().unwrap_or_default();
    let ours = |entry: &&Value| entry["initiatedBy"]["username"] == "gitops-dr";
    history.iter().filter(ours).count()
}

/// Returns how often the agent has made the hook, by the audit log: what it makes it also removes again.
async fn migrations(scene: &Scene) -> usize {
    let agent = "system:serviceaccount:argocd:argocd-application-controller";
    let changed = scene.outage.bed.mutations_by(agent).await.unwrap();
    let is_made = |event: &&testbed::control_plane::AuditEvent| {
        let is_new = event.verb == "create" || (event.verb == "patch" && event.code == 201);
        event.resource == "jobs" && is_new && event.code < 300
    };
    changed.iter().filter(is_made).count()
}
