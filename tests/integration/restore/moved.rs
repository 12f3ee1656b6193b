//! A run that goes on after the plan changed, or after Git moved; and Git that moves while a run goes on.

use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use serde_json::{Value, json};

use super::scene::{Scene, application, deployment, files, flat};
use super::waiting;
use super::watched::{Watched, node};

/// The scene with an app that is not ready before [`waiting::let_go`].
async fn held_up() -> Scene {
    let mut files = files();
    files.push(("apps/late.yaml".into(), application("late", "late", "late")));
    files.push(("late/deployment.yaml".into(), waiting::deployment("late")));
    Scene::with(files).await
}

/// Returns whether an event tells that the source went on to this commit.
fn moved(event: &Value, to: &str, rewritten: bool) -> bool {
    event["event"] == "source-moved" && event["to"] == to && event["rewritten"] == rewritten
}

#[tokio::test]
async fn a_pushed_fix_is_taken_up_and_another_plan_or_rewritten_history_is_refused_unless_a_person_accepts_it() {
    let scene = held_up().await;
    let oldest = scene.platform.head().await.unwrap();
    let planned = scene.platform.commit("before the outage", [("a", "1")]).await.unwrap();
    let mut run = Watched::start(&scene, str::to_owned);
    run.until("the app that waits", |event| node(event, "late", "progressing"))
        .await;
    run.interrupt().await;
    assert_eq!(run.end().await, 130, "{}", run.said().await);

    // Somebody pushes a fix, and the run goes on with it.
    let fixed = scene.platform.commit("a fix", [("a", "2")]).await.unwrap();
    let mut run = Watched::start_with(&scene, str::to_owned, &["--resume"]);
    run.until("the move", |event| moved(event, &fixed, false)).await;
    run.until("the app that waits", |event| node(event, "late", "progressing"))
        .await;
    run.interrupt().await;
    assert_eq!(run.end().await, 130, "{}", run.said().await);
    assert_eq!(
        run.position(|event| event["event"] == "excepted"),
        None,
        "a fix is plain"
    );

    let before = scene.mutations().await.len();
    let other_plan = |runbook: &str| {
        runbook.replace("rto: 10m", "rto: 20m")
            + "steps:\n  - {id: data, after: root, check: {http: {url: 'https://shop.example.com/'}}}\n"
    };
    let refused = scene.restore_with(other_plan, &["--resume"]).await;
    assert_eq!(refused.code, 2, "{}", refused.said());
    for words in ["the plan is not the one", "new: step data", "--accept-plan-change"] {
        assert!(flat(&refused.out).contains(words), "“{words}”: {}", refused.said());
    }
    let refused = scene
        .restore(&["--resume", &format!("--revision=platform={oldest}")])
        .await;
    assert_eq!(refused.code, 2, "{}", refused.said());
    assert!(
        flat(&refused.out).contains("otherwise now: source platform"),
        "{}",
        refused.said()
    );

    // A force push: the branch is where it never was on the way here.
    scene.platform.force_back_to(&planned).await.unwrap();
    let rewritten = scene.platform.commit("another past", [("a", "3")]).await.unwrap();
    let refused = scene.restore(&["--resume"]).await;
    assert_eq!(refused.code, 2, "{}", refused.said());
    for words in [&fixed[..8], &rewritten[..8], "does not follow from it"] {
        assert!(flat(&refused.out).contains(words), "“{words}”: {}", refused.said());
    }
    assert_eq!(scene.mutations().await.len(), before, "a refusal changes nothing");

    waiting::let_go(&scene, "late").await;
    let accepted = scene
        .restore(&["--resume", "--accept-plan-change", "we reset main, ticket 4711"])
        .await;
    assert_eq!(accepted.code, 0, "{}", accepted.said());
    for words in ["recovered with 1 exception", "source platform", "ticket 4711"] {
        assert!(flat(&accepted.out).contains(words), "“{words}”: {}", accepted.said());
    }
}

#[tokio::test]
async fn a_branch_that_moves_in_mid_run_is_followed_and_one_that_is_rewritten_is_never_a_silent_success() {
    let scene = held_up().await;
    let base = scene.platform.head().await.unwrap();
    let mut run = Watched::start(&scene, str::to_owned);
    run.until("the app that waits", |event| node(event, "late", "progressing"))
        .await;
    run.until("the other app", |event| node(event, "cart", "ready")).await;

    let next = scene
        .platform
        .commit(
            "news",
            [("search/deployment.yaml", deployment("search").replace(":1", ":2"))],
        )
        .await
        .unwrap();
    refresh(&scene, "search").await;
    run.until("the move", |event| moved(event, &next, false)).await;

    scene.platform.force_back_to(&base).await.unwrap();
    let rewritten = scene.platform.commit("another past", [("a", "3")]).await.unwrap();
    refresh(&scene, "search").await;
    run.until("the rewriting", |event| moved(event, &rewritten, true)).await;

    waiting::let_go(&scene, "late").await;
    assert_eq!(run.end().await, 0, "{}", run.said().await);
    let exception = run
        .events
        .iter()
        .find(|event| event["event"] == "excepted")
        .expect("it is told at the end");
    let told = exception.to_string();
    for words in [&next[..8], &rewritten[..8], "source platform"] {
        assert!(told.contains(words), "“{words}”: {told}");
    }
}

/// Makes the agent look at an app's repository now, as a webhook would.
async fn refresh(scene: &Scene, app: &str) {
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("argoproj.io", "v1alpha1", "Application"));
    let applications: Api<DynamicObject> = Api::namespaced_with(scene.outage.bed.admin(), "argocd", &kind);
    let asked = json!({"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}});
    applications
        .patch(app, &PatchParams::default(), &Patch::Merge(&asked))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_revision_chosen_for_this_run_is_not_what_the_apps_follow_and_that_is_said_before_and_after() {
    let scene = Scene::start().await;
    let chosen = scene.platform.head().await.unwrap();
    scene.platform.commit("news", [("a", "1")]).await.unwrap();
    let ran = scene.restore(&[&format!("--revision=platform={chosen}")]).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    let before = format!("Source platform is rendered at `{chosen}` by --revision, and apps follow their own");
    assert!(flat(&ran.err).contains(&before), "{}", ran.said());
    for words in [
        "recovered with 1 exception",
        "cart (`main`), root (`main`), search (`main`)",
    ] {
        assert!(flat(&ran.out).contains(words), "“{words}”: {}", ran.said());
    }
}
