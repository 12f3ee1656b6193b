//! Runs that do not come to a good end by themselves: something is broken, or a person stops them.

use std::time::Duration;

use testbed::Ran;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::scene::{self, Scene, application};

/// The files of the scene with an app whose folder is not in the repository.
pub(crate) fn with_a_broken_app() -> Vec<(String, String)> {
    let mut files = scene::files();
    files.push((
        "apps/payments.yaml".into(),
        application("payments", "payments", "payments"),
    ));
    files
}

#[tokio::test]
async fn a_broken_app_is_named_with_its_reason_and_once_mended_the_run_goes_on() {
    let scene = Scene::with(with_a_broken_app()).await;
    let failed = scene.restore(&["--deadline", "70s"]).await;
    assert_eq!(failed.code, 1, "{}", failed.said());
    assert!(
        failed.out.contains("payments") && failed.out.contains("app path does not exist"),
        "{}",
        failed.said()
    );
    assert!(
        !failed.out.contains("cart is broken"),
        "only what is broken is named: {}",
        failed.said()
    );

    let run = failed
        .out
        .lines()
        .find_map(|line| line.strip_prefix("again    gitops-dr report "))
        .unwrap();
    let again = scene.tool.run(&["report", run]).await.unwrap();
    assert_eq!(
        again.out, failed.out,
        "the report from the journal is the report of the run"
    );

    scene.mend("payments").await;
    let resumed = scene.restore(&[&format!("--resume={run}"), "--deadline", "5m"]).await;
    assert_eq!(resumed.code, 0, "{}", resumed.said());
    assert!(resumed.out.contains("recovered"), "{}", resumed.said());
}

#[tokio::test]
async fn ctrl_c_stops_cleanly_and_says_how_to_go_on() {
    let scene = Scene::with(with_a_broken_app()).await;
    let runbook = scene.outage.runbook("small.yaml", scene::RUNBOOK).unwrap();
    let mut child = scene.tool.start(&["restore".as_ref(), runbook.as_os_str()]).unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut err = String::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        err.push_str(&line);
        err.push('\n');
        if line.contains("wait until every app") {
            testbed::tool::interrupt(&child).unwrap();
        }
    }
    let ended = tokio::time::timeout(Duration::from_secs(30), child.wait_with_output())
        .await
        .unwrap()
        .unwrap();
    let ran = Ran { err, ..Ran::of(&ended) };
    assert_eq!(ran.code, 130, "{}", ran.said());
    assert!(
        ran.out.contains("interrupted") && ran.out.contains("--resume"),
        "{}",
        ran.said()
    );
}
