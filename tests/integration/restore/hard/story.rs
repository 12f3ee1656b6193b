//! All cases on one platform: by us they come back, each in its own way; the script waits for ever.

use std::time::Duration;

use serde_json::Value;
use testbed::Webhook;

use super::super::scene::Scene;
use super::super::watched::{Watched, node};
use super::platform::{APPLICATIONS, platform, project};
use super::script::{Ended, lay_out};
use super::world::{turns, verdicts};

const ABSENT: &str = "clusters: {far: {state: absent}}\n";
const ORDERED: &str = "apps: {manual: {sync: true, reason: its people sync it by hand and are asleep}}\n";

/// All that comes back without a word of anybody.
const READY: [&str; 18] = [
    "widget",
    "kinds",
    "mint",
    "press",
    "stamp",
    "aisle",
    "shelf",
    "basket",
    "bazaar",
    "stalls-a",
    "stalls-b",
    "tills-first",
    "tills-second",
    "argocd",
    "crew",
    "cart",
    "search",
    "tills",
];

/// What of the script's platform is not back when it is stopped.
const LEFT: [&str; 6] = [
    "argocd/aisle",
    "argocd/frozen",
    "argocd/manual",
    "argocd/mirror",
    "argocd/stamp",
    "argocd/widget",
];

fn interventions<'run>(run: &'run Watched, app: &str) -> Vec<(&'run str, &'run str)> {
    let is_of = |event: &&Value| {
        event["family"] == "intervention" && event["node"].as_str().unwrap().ends_with(&format!("/{app}"))
    };
    let told = run.events.iter().filter(is_of);
    told.map(|event| (event["action"].as_str().unwrap(), event["trigger"].as_str().unwrap()))
        .collect()
}

/// Whether it was said of an app why it is not ready.
fn was_said(run: &Watched, app: &str, words: &str) -> bool {
    run.events.iter().any(|event| node(event, app, words))
}

#[tokio::test]
async fn every_hard_case_comes_back_and_what_people_hold_back_waits_for_their_word() {
    let mut webhook = Webhook::prepare().unwrap();
    let scene = Scene::with(platform(&webhook)).await;
    let (mut run, _) = Box::pin(back(&scene, &mut webhook)).await;
    for (app, words) in [
        (
            "frozen",
            "held back with no end in sight by project `frozen`: its sync window deny `* * * * *` for 24h",
        ),
        ("manual", "apps: {manual: {sync: true, reason: …}}"),
    ] {
        run.until(words, |event| node(event, app, words)).await;
    }
    run.interrupt().await;
    assert_eq!(run.end().await, 130, "{}", run.said().await);
    each_case_has_its_line(&mut run).await;

    // Whoever sets a deadline is told what is left, and that it can be gone on with.
    let ran = scene.restore_with(with_far, &["--resume", "--deadline", "15s"]).await;
    assert_eq!(ran.code, 4, "{}", ran.said());
    for words in ["deny `* * * * *` for 24h", "no automated sync"] {
        assert!(ran.out.contains(words), "{words}: {}", ran.said());
    }

    // A person opens the window, and orders the sync that nobody else begins.
    let open = ("apps/frozen-project.yaml".to_owned(), project("frozen", ""));
    scene.platform.commit("open the window", [open]).await.unwrap();
    let ordered = |runbook: &str| with_far(runbook) + ORDERED;
    let mut run = Watched::start_with(&scene, ordered, &["--resume"]);
    assert_eq!(run.end().await, 0, "{}", run.said().await);
    let told = interventions(&run, "manual");
    let begun: Vec<_> = told.iter().filter(|(action, _)| *action == "began its sync").collect();
    assert_eq!(begun.len(), 1, "{told:?}");
    let report = scene.tool.run(&["report"]).await.unwrap();
    assert!(report.out.contains("cluster far is absent"), "{}", report.said());
}

#[tokio::test]
#[ignore = "takes a quarter of an hour: `make nightly` runs it"]
async fn where_every_hard_case_comes_back_the_script_waits_for_ever() {
    let mut webhook = Webhook::prepare().unwrap();
    let scene = Scene::with(platform(&webhook)).await;
    let (mut run, took) = Box::pin(back(&scene, &mut webhook)).await;
    run.interrupt().await;
    assert_eq!(run.end().await, 130, "{}", run.said().await);
    drop(scene);
    Box::pin(the_script_waits_for_ever(took * 2)).await;
}

fn with_far(runbook: &str) -> String {
    format!("{runbook}{ABSENT}")
}

/// Restores until all is back that comes back by itself. Returns the run, which goes on, and how long that took.
async fn back(scene: &Scene, webhook: &mut Webhook) -> (Watched, Duration) {
    let mut run = Watched::start(scene, with_far);
    Box::pin(run.meets("what is late comes", turns(scene, webhook))).await;
    for app in READY {
        run.until(app, |event| node(event, app, "ready")).await;
    }
    let took = run.events.iter().filter_map(|event| event["elapsed_ms"].as_u64()).max();
    (run, Duration::from_millis(took.unwrap()))
}

async fn each_case_has_its_line(run: &mut Watched) {
    let given_up = "re-issued its sync";
    for (app, trigger) in [
        ("widget", "Widget.shop.example.com is served, for which its sync failed"),
        (
            "stamp",
            "its sync was given up, and it cannot be seen whether what it failed for is gone",
        ),
        (
            "aisle",
            "Application.argoproj.io argocd/shelf is Healthy, for which its sync failed",
        ),
    ] {
        let told = interventions(run, app);
        let is_told = told.contains(&(given_up, trigger));
        assert!(is_told, "{app}, {trigger}: {}", run.said().await);
    }
    for (app, words) in [
        ("stamp", "failed calling webhook"),
        ("shelf", "Deployment.apps shelf/shelf"),
        ("tills-second", "RollingSync of its set, step 2"),
    ] {
        assert!(was_said(run, app, words), "{app}, {words}: {}", run.said().await);
    }
    for app in ["mirror", "frozen", "manual"] {
        assert!(!was_said(run, app, "ready"), "{app}: {}", run.said().await);
    }
    assert!(was_said(run, "mirror", "excepted"), "{}", run.said().await);
    let at = |app: &str| run.position(|event| node(event, app, "ready")).unwrap();
    assert!(at("bazaar") < at("stalls-b") && at("tills-first") < at("tills-second"));
    let of_another_namespace = |event: &Value| event["id"] == "Application teams/crew" && event["phase"] == "ready";
    assert!(run.position(of_another_namespace).is_some(), "{}", run.said().await);
}

/// Nobody opens the window or begins a sync for the script, either; all that is late comes for it just as for us.
async fn the_script_waits_for_ever(cap: Duration) {
    let mut webhook = Webhook::prepare().unwrap();
    let files = platform(&webhook);
    let scene = Scene::with(files.clone()).await;
    let laid = lay_out(&scene, &files);
    let ended = tokio::select! {
        ended = laid.run(APPLICATIONS, cap) => ended,
        () = async {
            Box::pin(turns(&scene, &mut webhook)).await;
            std::future::pending::<()>().await;
        } => unreachable!("the world goes on"),
    };
    assert!(matches!(ended, Ended::Never), "{ended:?}: {}", laid.said());
    let verdicts = verdicts(&scene).await;
    let left: Vec<_> = verdicts
        .iter()
        .filter_map(|verdict| verdict.split_once(':').filter(|(_, words)| *words != " Synced Healthy"))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(left, LEFT, "{verdicts:?}");
    // Who waits for the root alone is told a lie: below it six apps are not back, health of Applications or not.
    assert!(
        verdicts.contains(&"argocd/root: Synced Healthy".to_owned()),
        "{verdicts:?}"
    );
    let is_there = |name: &str| verdicts.iter().any(|verdict| verdict.starts_with(name));
    assert!(
        !is_there("argocd/basket"),
        "what comes after the failed child never comes: {verdicts:?}"
    );
}
