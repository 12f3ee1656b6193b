//! What a runbook accepts of single apps, and when its clock stops.

use serde_json::Value;

use super::scene::{Scene, application, deployment, files};
use super::waiting;
use super::watched::{Watched, node};

const ALLOWED: &str = "apps: {reports: {allow: [Suspended], reason: runs once the data is back}}\n";
const IGNORED: &str = "apps: {reports: {ignore: true, reason: belongs to nobody}}\n";

fn platform() -> Vec<(String, String)> {
    let file = |name: &str, text: String| (name.to_owned(), text);
    let paused = deployment("reports").replace("spec:\n  selector", "spec:\n  paused: true\n  selector");
    assert!(paused.contains("paused: true"));
    let mut all = files();
    all.extend([
        file("apps/reports.yaml", application("reports", "reports", "reports")),
        file("apps/shards.yaml", waiting::set("{name: a}, {name: b}, {name: c}")),
        file("reports/deployment.yaml", paused),
        file("shard-a/deployment.yaml", deployment("shard")),
        file("shard-b/deployment.yaml", deployment("shard")),
        file("shard-c/deployment.yaml", waiting::deployment("shard")),
    ]);
    all
}

fn is_run(event: &Value, word: &str) -> bool {
    event["family"] == "run" && event["event"] == word
}

#[tokio::test]
async fn exceptions_are_a_matter_of_the_runbook_and_late_children_are_waited_for() {
    let scene = Scene::with(platform()).await;
    late_children_are_waited_for_after_the_clock_stopped(&scene).await;

    // The same platform without the word of its people: a suspended app is not a recovered one.
    let adopting = |runbook: &str| runbook.replace("expect: empty", "expect: adopt");
    let ran = scene.restore_with(adopting, &["--deadline", "40s"]).await;
    assert_eq!(ran.code, 4, "{}", ran.said());
    assert!(
        ran.out.contains("not ready: 1 of ") || ran.out.contains("not ready: 2 of "),
        "{}",
        ran.said()
    );
    assert!(
        ran.out
            .lines()
            .any(|line| line.contains("reports") && line.contains("Suspended")),
        "{}",
        ran.said()
    );

    let ran = scene
        .restore_with(
            |runbook| adopting(runbook).replace("rto: 10m", "rto: 1s") + IGNORED,
            &[],
        )
        .await;
    assert_eq!(ran.code, 3, "{}", ran.said());
    // The run before did not recover, and a run that begins anew has a clock of its own: that is told, not hidden.
    for word in [
        "recovered with 2 exceptions",
        "target 1s missed",
        "belongs to nobody",
        "accepted: a new run was begun, without --resume=",
    ] {
        assert!(ran.out.contains(word), "{word}: {}", ran.said());
    }
}

/// The clock stops with the critical app; the run goes on until the last child of the set is ready.
async fn late_children_are_waited_for_after_the_clock_stopped(scene: &Scene) {
    let mut run = Watched::start(scene, |runbook| {
        format!("{runbook}{ALLOWED}done: {{critical: [cart]}}\n")
    });
    run.until("the clock stops", |event| is_run(event, "recovered")).await;
    for (name, phase) in [
        ("search", "ready"),
        ("reports", "excepted"),
        ("shard-a", "ready"),
        ("shard-b", "ready"),
    ] {
        run.until(name, |event| node(event, name, phase)).await;
    }
    assert!(
        run.position(|event| node(event, "shard-c", "ready")).is_none(),
        "{:#?}",
        run.events
            .iter()
            .filter(|event| event["name"] == "shard-c")
            .collect::<Vec<_>>()
    );

    waiting::let_go(scene, "shard-c").await;
    assert_eq!(run.end().await, 0, "{}", run.said().await);

    let at = |wanted: &dyn Fn(&Value) -> bool| run.position(wanted).expect("it was told");
    let stopped = at(&|event| is_run(event, "recovered"));
    assert!(at(&|event| node(event, "cart", "ready")) < stopped);
    assert!(stopped < at(&|event| node(event, "shard-c", "ready")));

    let report = scene.tool.run(&["report"]).await.unwrap();
    for word in [
        "recovered with 1 exception",
        "Suspended",
        "accepted: runs once the data is back",
    ] {
        assert!(report.out.contains(word), "{word}: {}", report.said());
    }
}
