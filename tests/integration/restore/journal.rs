//! A run that cannot be written down: the disk of the journal is full, and really so.

use std::ffi::OsStr;

use serde_json::Value;
use testbed::{Ran, Tool};

use super::scene::{RUNBOOK, Scene};

/// Runs `restore` with the state on a file system of so many bytes, which only it can see.
async fn restore_on_a_full_disk(scene: &Scene, size: &str, change: impl Fn(&str) -> String, arguments: &[&str]) -> Ran {
    let runbook = scene.outage.runbook("small.yaml", &change(RUNBOOK)).unwrap();
    let state = scene.tool.home().join("state");
    std::fs::create_dir_all(&state).unwrap();
    let mut all = vec!["restore", runbook.to_str().unwrap(), "--state", state.to_str().unwrap()];
    all.extend(arguments);
    let tool = scene.tool.command(&all);
    let tool = tool.as_std();
    let mount = format!(
        "mount -t tmpfs -o size={size} tmpfs '{}' && exec \"$@\"",
        state.display()
    );
    let mut outer = Tool::new("unshare").unwrap();
    for (name, value) in tool.get_envs() {
        outer.set(name, value.unwrap());
    }
    let words = ["--map-root-user", "--mount", "sh", "-c", &mount, "sh"].map(OsStr::new);
    let all: Vec<&OsStr> = words
        .into_iter()
        .chain([tool.get_program()])
        .chain(tool.get_args())
        .collect();
    outer.run(&all).await.unwrap()
}

#[tokio::test]
async fn a_full_disk_does_not_stop_a_recovery_but_what_must_not_be_done_twice_waits() {
    let scene = Scene::start().await;
    let ran = restore_on_a_full_disk(&scene, "8k", str::to_owned, &["--output", "json"]).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    let events: Vec<Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let lost: Vec<_> = events.iter().filter(|event| event["event"] == "unjournaled").collect();
    assert_eq!(lost.len(), 1, "{}", ran.said());
    assert!(
        lost[0]["why"].as_str().unwrap().contains("No space left on device"),
        "{lost:?}"
    );

    let mark = scene.tool.home().join("ran");
    let step = format!(
        "steps:\n  - {{id: data, before: root, run: {{command: [touch, {}]}}}}\n",
        mark.display()
    );
    let change = |runbook: &str| runbook.replace("expect: empty", "expect: adopt") + &step;
    let ran = restore_on_a_full_disk(&scene, "4k", change, &[]).await;
    assert_eq!(ran.code, 1, "{}", ran.said());
    assert!(
        ran.err.contains("notice: the run goes on without a journal: "),
        "{}",
        ran.said()
    );
    for words in [
        "must not be done twice",
        "no longer written down",
        "make room for the journal",
    ] {
        let flat = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(words), "{words}: {}", ran.said());
    }
    assert!(!mark.exists(), "it was done");
}
