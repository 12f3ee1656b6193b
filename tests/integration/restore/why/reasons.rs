//! Each broken app is told with its object and that object's reason.

use serde_json::Value;
use testbed::Terminal;

use super::platform::{BROKEN, Broken, files, guard_pods, refuse_pods};
use crate::restore::scene::{RUNBOOK, Scene};
use crate::restore::watched::{Watched, node};

/// Whether an event says of an app which object of it is not well, and why, on one line.
fn says(event: &Value, broken: &Broken) -> bool {
    event["family"] == "node"
        && event["name"] == broken.name
        && event["blocked_by"].as_array().is_some_and(|all| {
            all.iter().any(|blocker| {
                let reason = blocker["reason"].as_str().unwrap_or_default();
                blocker["object"] == broken.object && reason.contains(broken.reason) && !reason.contains('\n')
            })
        })
}

#[tokio::test]
async fn each_broken_app_names_the_object_and_its_own_reason_live_and_in_the_report() {
    let scene = Scene::with(files()).await;
    refuse_pods(scene.outage.bed.admin()).await;
    guard_pods(scene.outage.bed.admin()).await;
    let mut run = Watched::start(&scene, str::to_owned);
    for broken in &BROKEN {
        run.until(&format!("the reason of {}", broken.name), |event| says(event, broken))
            .await;
    }
    run.until("that the well app is ready", |event| node(event, "cart", "ready"))
        .await;
    run.interrupt().await;
    assert_eq!(run.end().await, 130);

    let report = scene.tool.run(&["report"]).await.unwrap();
    let told = report.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for broken in &BROKEN {
        let line = format!("{}: ", broken.object);
        assert!(
            told.contains(&line) && told.contains(broken.reason),
            "{}: {}",
            broken.name,
            report.said()
        );
    }
    assert!(!told.contains("timed out"), "{}", report.said());
    let (_, not_ready) = report.out.split_once("not ready: ").unwrap();
    assert!(
        !not_ready.contains("\n  cart"),
        "what is well is not told of: {}",
        report.said()
    );

    // The same at a terminal, by whoever goes on with it.
    let runbook = scene.outage.runbook("small.yaml", RUNBOOK).unwrap();
    let arguments = ["restore", runbook.to_str().unwrap(), "--resume"];
    let (mut terminal, mut child) = Terminal::start(scene.tool.command(&arguments), 40, 100).unwrap();
    terminal.until("403 Forbidden").await.unwrap();
    child.kill().await.unwrap();
    let screen = terminal.rest().await;
    assert!(screen.contains("Deployment.apps image/main: Pod main-"), "{screen}");
}
