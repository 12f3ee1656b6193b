//! The tests.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::watcher::{self, watcher};
use serde_json::Value;
use testbed::bed::ADMINISTRATOR;
use testbed::control_plane::AuditEvent;

use super::super::foreseen;
use super::super::scene::{RUNBOOK, Scene, application, platform_only};
use super::super::watched::{Watched, node};
use super::platform::{INTERIOR, LEAVES, by_graph, platform};

fn applications(scene: &Scene) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("argoproj.io", "v1alpha1", "Application");
    Api::namespaced_with(scene.outage.bed.admin(), "argocd", &ApiResource::from_gvk(&kind))
}

/// Returns all Applications by name.
async fn live(scene: &Scene) -> BTreeMap<String, Value> {
    let listed = applications(scene).list(&ListParams::default()).await.unwrap();
    let named = listed.into_iter().map(|app| {
        let name = app.metadata.name.clone().unwrap();
        (name, serde_json::to_value(app).unwrap())
    });
    named.collect()
}

fn is_well(app: &Value) -> bool {
    app["status"]["sync"]["status"] == "Synced" && app["status"]["health"]["status"] == "Healthy"
}

/// Returns what was done to Applications as such, and went well.
async fn audit(scene: &Scene) -> Vec<AuditEvent> {
    let mut all = scene.outage.bed.audit().await.unwrap();
    all.retain(|event| event.resource == "applications" && event.is_mutation() && event.code < 300);
    all
}

/// All are there and well, each came into being once, and none was taken away.
async fn all_came_once(scene: &Scene) {
    let live = live(scene).await;
    for name in LEAVES.iter().map(|(name, _)| *name).chain(INTERIOR) {
        assert!(
            live.get(name).is_some_and(is_well),
            "{name}: {:#}",
            live[name]["status"]
        );
    }
    let audit = audit(scene).await;
    for name in live.keys() {
        let made = audit.iter().filter(|event| event.name == *name && event.code == 201);
        assert_eq!(made.count(), 1, "{name}: {audit:#?}");
    }
    // Not even asked for twice, which the server would have refused.
    let asked = scene.mutations().await;
    for (name, _) in LEAVES {
        let made = asked
            .iter()
            .filter(|event| event.name == name && event.verb == "create");
        assert!(made.count() <= 1, "{name}: {asked:#?}");
    }
    let removed = audit.iter().filter(|event| event.verb.starts_with("delete")).count();
    assert_eq!(removed, 0, "{audit:#?}");
}

#[tokio::test]
async fn each_app_is_created_when_what_it_needs_is_ready_and_its_parent_finds_it_as_its_own() {
    let scene = Scene::with(platform("1")).await;
    let runbook = scene.outage.runbook("small.yaml", &by_graph(RUNBOOK)).unwrap();
    let plan = scene.tool.run(&["plan", runbook.to_str().unwrap()]).await.unwrap();
    for words in [
        "create each app when all that it needs is ready [leaves]",
        "1. book, cart, press, search",
        "2. frame, stamp",
        "AppProject.argoproj.io argocd/framers of frames, which frame needs",
    ] {
        assert!(plan.out.contains(words), "{words}: {}", plan.said());
    }

    let mut run = Watched::start(&scene, by_graph);
    assert_eq!(run.end().await, 0, "{}", run.said().await);
    let first = |name: &str, phase: &str| run.position(|event| node(event, name, phase));
    let ready = first("press", "ready").unwrap();
    for name in ["stamp", "frame"] {
        let begun =
            run.position(|event| event["family"] == "node" && event["name"] == name && event["phase"] != "missing");
        assert!(ready < begun.unwrap(), "{name} began before its operator was ready");
        let waits = run.position(|event| {
            node(
                event,
                name,
                "\"Application.argoproj.io argocd/press\",\"reason\":\"has to be",
            )
        });
        assert!(waits.unwrap() < ready, "{name} does not tell what it waits for");
    }
    // No sync of them ever failed, so none had to be begun again. That a stale verdict is refreshed is as everywhere.
    let failed = run.position(|event| {
        let is_theirs = ["stamp", "frame"].iter().any(|name| event["name"] == *name);
        let is_again =
            event["family"] == "intervention" && event["action"].as_str().is_some_and(|act| act.contains("sync"));
        (is_theirs && event["phase"] == "failing") || is_again
    });
    assert_eq!(failed.map(|at| run.events[at].clone()), None);

    all_came_once(&scene).await;
    let audit = audit(&scene).await;
    let by = |user: &str, name: &str| {
        let is_it = |event: &AuditEvent| event.name == name && event.code == 201;
        audit
            .iter()
            .any(|event| is_it(event) && (event.user == ADMINISTRATOR) == (user == ADMINISTRATOR))
    };
    let live = live(&scene).await;
    for (name, parent) in LEAVES {
        assert!(by(ADMINISTRATOR, name), "{name} was not created by us: {audit:#?}");
        let app = &live[name];
        let annotations = &app["metadata"]["annotations"];
        let mark = format!("{parent}:argoproj.io/Application:argocd/{name}");
        assert_eq!(annotations["argocd.argoproj.io/tracking-id"], mark.as_str());
        // The others wait for nothing, and what keeps their syncs is none of ours.
        if ["frame", "stamp"].contains(&name) {
            assert_eq!(app["status"]["operationState"]["retryCount"], Value::Null, "{app:#}");
        }
        let entries = app["metadata"]["managedFields"].as_array().unwrap();
        let managers: Vec<_> = entries.iter().filter_map(|entry| entry["manager"].as_str()).collect();
        assert!(!managers.contains(&"gitops-dr"), "{name}: {managers:?}");
    }
    for name in ["frames", "shelf"] {
        assert!(by("the agent", name), "{name} was not left to the agent: {audit:#?}");
    }

    let before = scene.mutations().await.len();
    let second = scene
        .restore_with(
            |runbook| by_graph(&runbook.replace("expect: empty", "expect: adopt")),
            &["--deadline", "5m"],
        )
        .await;
    assert_eq!(second.code, 0, "{}", second.said());
    let after = scene.mutations().await.split_off(before);
    assert_eq!(platform_only(after), [], "{}", second.said());
    let by_default = foreseen::plan(&scene, &[]).await;
    assert!(!by_default.out.contains("[leaves]"), "{}", by_default.said());
}

/// Starts a restore and kills it while the operator is on its way, so that some leaves are there and others are not.
async fn killed_in_the_middle() -> Scene {
    let scene = Scene::with(platform("-1")).await;
    let mut run = Watched::start(&scene, by_graph);
    run.until("the operator comes up", |event| node(event, "press", "progressing"))
        .await;
    run.kill().await;
    let there = live(&scene).await;
    assert!(
        there.contains_key("press") && !there.contains_key("stamp"),
        "{:?}",
        there.keys()
    );
    assert!(!there.contains_key("root"), "{:?}", there.keys());
    scene
}

#[tokio::test]
async fn a_run_that_was_killed_between_two_apps_is_gone_on_with() {
    let scene = killed_in_the_middle().await;
    let resumed = scene.restore_with(by_graph, &["--resume", "--deadline", "10m"]).await;
    assert_eq!(resumed.code, 0, "{}", resumed.said());
    all_came_once(&scene).await;
}

#[tokio::test]
async fn what_a_killed_run_has_left_is_finished_by_whoever_applies_the_root() {
    let scene = killed_in_the_middle().await;
    let root: Value = gitops_dr::yaml::manifests(&scene.outage.localised(&application("root", "apps", "argocd")))
        .unwrap()
        .remove(0)
        .1;
    let patch = Patch::Apply(root);
    let by_hand = PatchParams::apply("kubectl");
    applications(&scene).patch("root", &by_hand, &patch).await.unwrap();
    let all_are_well = async {
        let mut events = std::pin::pin!(watcher(applications(&scene), watcher::Config::default()));
        while let Some(event) = events.next().await {
            drop(event);
            let live = live(&scene).await;
            if live.len() == LEAVES.len() + INTERIOR.len() && live.values().all(is_well) {
                return;
            }
        }
    };
    let patience = std::time::Duration::from_mins(8);
    let ended = tokio::time::timeout(patience, all_are_well).await;
    assert!(ended.is_ok(), "{:#?}", live(&scene).await);
    all_came_once(&scene).await;
}

#[tokio::test]
async fn a_platform_that_is_not_known_as_a_whole_is_refused_before_anything_is_touched() {
    let plugin = |name: &str| {
        application(name, name, name).replace(
            &format!("path: {name}}}"),
            &format!("path: {name}, plugin: {{name: jsonnet}}}}"),
        )
    };
    let mut files = platform("1");
    for name in ["first", "second"] {
        files.push((format!("apps/{name}.yaml"), plugin(name)));
        files.push((format!("{name}/note.yaml"), "x: y\n".to_owned()));
    }
    let scene = Scene::with(files).await;
    let refused = scene.restore_with(by_graph, &[]).await;
    assert_eq!(refused.code, 2, "{}", refused.said());
    for words in [
        "the platform cannot be brought in the order of its graph",
        "what Application.argoproj.io argocd/first brings is not known beforehand",
        "what Application.argoproj.io argocd/second brings is not known beforehand",
        "`order: agent`",
        "refused, nothing was changed",
    ] {
        assert!(refused.said().contains(words), "{words}: {}", refused.said());
    }
    assert_eq!(scene.mutations().await, []);
}
