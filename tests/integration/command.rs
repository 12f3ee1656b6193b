//! What the command line says where no cluster is needed.

use std::path::Path;

use serde_json::Value;
use testbed::{Ran, Tool};

fn tool() -> Tool {
    Tool::new(env!("CARGO_BIN_EXE_gitops-dr")).unwrap()
}

/// Runs with a runbook whose store needs a token that is not there.
async fn without_a_token(tool: &Tool, command: &str, flags: &[&str]) -> Ran {
    let runbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks/small.yaml");
    let mut all = vec![command, runbook.to_str().unwrap()];
    all.extend(flags);
    tool.run(&all).await.unwrap()
}

#[tokio::test]
async fn a_plan_that_cannot_be_made_is_told_once_and_to_machines_too() {
    let tool = tool();
    for flags in [&[][..], &["--quiet"][..]] {
        let ran = without_a_token(&tool, "plan", flags).await;
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{}", ran.said());
        let told = ran
            .err
            .lines()
            .filter(|line| line.contains("VAULT_TOKEN is not set"))
            .count();
        assert_eq!(told, 1, "{}", ran.said());
        assert!(ran.err.contains("error: "), "{}", ran.said());
    }
    let ran = without_a_token(&tool, "plan", &["--output", "json"]).await;
    let said: Value = serde_json::from_str(&ran.out).unwrap();
    let message = said["failure"]["message"].as_str().unwrap();
    assert!(message.contains("VAULT_TOKEN"), "{}", ran.said());
    let ran = without_a_token(&tool, "plan", &["--context", "other"]).await;
    assert!(
        ran.err
            .contains("plan does not look at a cluster: --context changes nothing"),
        "{}",
        ran.said()
    );
}

#[tokio::test]
async fn the_runs_are_listed_with_how_they_ended() {
    let tool = tool();
    let ran = tool.run(&["report", "--list"]).await.unwrap();
    assert!(
        ran.code == 0 && ran.err.contains("There is no run in "),
        "{}",
        ran.said()
    );
    without_a_token(&tool, "restore", &["--quiet"]).await;
    without_a_token(&tool, "restore", &["--quiet"]).await;
    let ran = tool.run(&["report", "--list"]).await.unwrap();
    let lines: Vec<_> = ran.out.lines().collect();
    assert_eq!(lines.len(), 2, "{}", ran.said());
    for line in lines {
        assert!(line.contains("  small  refused, nothing was changed: "), "{line}");
    }
    let ran = tool.run(&["report", "--list", "--output", "json"]).await.unwrap();
    let newest: Value = serde_json::from_str(ran.out.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&newest["exit_code"], &newest["changed"]),
        (&2.into(), &false.into()),
        "{newest}"
    );
    // The newest first, and each by the name under which it is shown again.
    let run = newest["run"].as_str().unwrap();
    let again = tool.run(&["report", run]).await.unwrap();
    assert!(again.out.contains(run), "{}", again.said());
}

#[tokio::test]
async fn the_exit_codes_stand_where_they_are_looked_for() {
    let tool = tool();
    let help = tool.run(&["restore", "--help"]).await.unwrap();
    assert!(help.out.contains("130 interrupted"), "{}", help.said());
    let folder = tempfile::tempdir().unwrap();
    let ran = tool.run(&["man", folder.path().to_str().unwrap()]).await.unwrap();
    assert_eq!(ran.code, 0, "{}", ran.said());
    let page = std::fs::read_to_string(folder.path().join("gitops-dr-restore.1")).unwrap();
    assert!(page.contains("130 interrupted"), "{page}");
}
