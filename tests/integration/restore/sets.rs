//! `ApplicationSets` delete nothing while a platform comes back, and follow Git's policy afterwards.

use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::runtime::wait::{await_condition, conditions};
use serde_json::json;
use testbed::Bed;
use testbed::control_plane::AuditEvent;

use super::scene::{Scene, deployment, files};
use super::waiting;
use super::watched::{Watched, node};

fn platform() -> Vec<(String, String)> {
    let file = |name: &str, text: String| (name.to_owned(), text);
    let mut all = files();
    all.extend([
        file("apps/shards.yaml", waiting::set("{name: a}, {name: b}")),
        file("shard-a/deployment.yaml", waiting::deployment("shard")),
        file("shard-b/deployment.yaml", deployment("shard")),
        file("shard-c/deployment.yaml", deployment("shard")),
    ]);
    all
}

fn of_argoproj(bed: &Bed, kind: &str) -> Api<DynamicObject> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("argoproj.io", "v1alpha1", kind));
    Api::namespaced_with(bed.admin(), "argocd", &resource)
}

/// The policy that a controller which starts now would take.
async fn policy(bed: &Bed) -> Option<String> {
    let maps: Api<ConfigMap> = Api::namespaced(bed.admin(), "argocd");
    let map = maps.get("argocd-cmd-params-cm").await.unwrap();
    map.data.unwrap_or_default().remove("applicationsetcontroller.policy")
}

/// Asks the agent to look at an object again, and waits until it has.
async fn looked_at(bed: &Bed, kind: &str, name: &str, annotation: &'static str, value: &str) {
    let objects = of_argoproj(bed, kind);
    let ask = json!({"metadata": {"annotations": {annotation: value}}});
    objects
        .patch(name, &PatchParams::default(), &Patch::Merge(&ask))
        .await
        .unwrap();
    let is_answered = |object: Option<&DynamicObject>| {
        object.is_some_and(|object| {
            let annotations = object.metadata.annotations.as_ref();
            annotations.is_none_or(|annotations| !annotations.contains_key(annotation))
        })
    };
    await_condition(objects, name, is_answered).await.unwrap();
}

/// Brings a set of these apps into Git, and the agent to follow.
async fn in_git(scene: &Scene, names: &str) {
    let files = [(
        "apps/shards.yaml".to_owned(),
        scene.outage.localised(&waiting::set(names)),
    )];
    scene.platform.commit("other shards", files).await.unwrap();
    looked_at(
        &scene.outage.bed,
        "Application",
        "root",
        "argocd.argoproj.io/refresh",
        "normal",
    )
    .await;
}

/// Waits until the agent has deleted an app.
async fn gone(apps: &Api<DynamicObject>, name: &str, uid: &str) {
    let deleted = await_condition(apps.clone(), name, conditions::is_deleted(uid));
    let deleted = tokio::time::timeout(Duration::from_mins(3), deleted).await;
    deleted.unwrap_or_else(|_| panic!("{name} is still there")).unwrap();
}

async fn deleted_apps(scene: &Scene) -> Vec<AuditEvent> {
    let mut events = scene.outage.bed.audit().await.unwrap();
    events.retain(|event| event.resource == "applications" && event.verb.starts_with("delete"));
    events
}

#[tokio::test]
async fn a_set_deletes_nothing_until_the_platform_is_settled_and_follows_git_afterwards() {
    let scene = Scene::with(platform()).await;
    let bed = &scene.outage.bed;
    let apps = of_argoproj(bed, "Application");
    let mut run = Watched::start(&scene, str::to_owned);
    run.until("shard-b is ready", |event| node(event, "shard-b", "ready"))
        .await;
    assert_eq!(policy(bed).await.as_deref(), Some("create-update"));

    // One element goes and another comes: when the new one's app is there, the set was read as it is now.
    in_git(&scene, "{name: a}, {name: c}").await;
    await_condition(apps.clone(), "shard-c", |app: Option<&DynamicObject>| app.is_some())
        .await
        .unwrap();
    looked_at(
        bed,
        "ApplicationSet",
        "shards",
        "argocd.argoproj.io/application-set-refresh",
        "true",
    )
    .await;
    apps.get("shard-b").await.expect("the set deletes nothing yet");
    assert_eq!(deleted_apps(&scene).await, []);

    run.interrupt().await;
    assert_eq!(run.end().await, 130, "{}", run.said().await);
    let report = scene.tool.run(&["report"]).await.unwrap();
    let (_, left) = report
        .out
        .split_once("left to do by hand")
        .expect("something is left to do");
    assert!(left.contains("ApplicationSets are held back"), "{}", report.said());

    // Whoever goes on ends with Git's policy: what Git took out of the set goes, and so does what it takes out later.
    waiting::let_go(&scene, "shard-a").await;
    let uid = apps.get("shard-b").await.unwrap().metadata.uid.unwrap();
    let ran = scene.restore(&["--resume"]).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    assert_eq!(policy(bed).await, None, "Git sets none");
    gone(&apps, "shard-b", &uid).await;
    let uid = apps.get("shard-c").await.unwrap().metadata.uid.unwrap();
    in_git(&scene, "{name: a}").await;
    gone(&apps, "shard-c", &uid).await;
    let by: Vec<_> = deleted_apps(&scene).await.into_iter().map(|event| event.user).collect();
    assert!(
        by.iter().all(|user| user.contains("applicationset-controller")),
        "{by:?}"
    );

    // Nothing of it is left for another run to do, which only has to ask what has followed Git since.
    let before = scene.platform_mutations().await.len();
    let ran = scene
        .restore_with(|runbook| runbook.replace("expect: empty", "expect: adopt"), &[])
        .await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    let mut since = scene.platform_mutations().await.split_off(before);
    since.retain(|event| event.group != "argoproj.io");
    assert_eq!(since, [], "{}", ran.said());
}
