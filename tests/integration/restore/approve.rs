//! What a person is asked in a run, and how they answer: at a terminal, by flags, or not at all.

use std::time::Duration;

use serde_json::Value;
use testbed::{Ran, Terminal};

use super::scene::{RUNBOOK, Scene, flat};

/// Two approvals before anything but the agent is there.
const STEPS: &str = r#"
steps:
  - {id: data, before: root, approve: {prompt: "Is the data of the shop back?"}}
  - {id: dns, after: data, before: root, approve: {prompt: "May the names move?", confirm: move, timeout: 2s}}
"#;
const PATIENCE: Duration = Duration::from_mins(5);

fn asking(runbook: &str) -> String {
    format!("{runbook}{STEPS}")
}

fn adopting(runbook: &str) -> String {
    asking(runbook).replace("expect: empty", "expect: adopt")
}

fn events(ran: &Ran) -> Vec<Value> {
    ran.out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Starts the restore at a terminal.
fn at_terminal(
    scene: &Scene,
    change: impl Fn(&str) -> String,
    arguments: &[&str],
) -> (Terminal, tokio::process::Child) {
    let runbook = scene.outage.runbook("small.yaml", &change(RUNBOOK)).unwrap();
    let mut all = vec!["restore", runbook.to_str().unwrap()];
    all.extend(arguments);
    Terminal::start(scene.tool.command(&all), 32, 100).unwrap()
}

#[tokio::test]
async fn a_person_is_asked_once_and_each_answer_is_kept() {
    let mut scene = Scene::start().await;
    scene.tool.set("USER", "ann");
    nobody_there_is_a_refusal(&scene).await;
    a_word_that_is_mistyped_is_asked_again_and_nobody_answers_in_time(&scene).await;
    what_was_approved_is_not_asked_again(&scene).await;
    a_no_ends_the_run(&scene).await;
    ctrl_c_at_the_question_ends_it(&scene).await;
}

async fn nobody_there_is_a_refusal(scene: &Scene) {
    let ran = scene.restore_with(asking, &[]).await;
    assert_eq!(ran.code, 2, "{}", ran.said());
    for words in [
        "nobody is at a terminal",
        "data: Is the data of the shop back? (--approve data=COMMENT, or --yes)",
        "dns: May the names move? (--approve dns=COMMENT, or --yes)",
    ] {
        assert!(flat(&ran.out).contains(words), "{words}: {}", ran.said());
    }
    let ran = scene
        .restore_with(asking, &["--approve", "dat=seen", "--was-done", "data=seen", "--yes"])
        .await;
    assert_eq!(ran.code, 2, "{}", ran.said());
    for words in [
        "--approve dat: the runbook has no such step or cluster; --approve can name: data, dns",
        "--was-done data: the runbook has nothing that --was-done could name",
    ] {
        assert!(flat(&ran.out).contains(words), "{words}: {}", ran.said());
    }
    assert_eq!(scene.mutations().await, [], "a refusal changes nothing");
}

async fn a_word_that_is_mistyped_is_asked_again_and_nobody_answers_in_time(scene: &Scene) {
    let (mut terminal, mut child) = at_terminal(scene, asking, &[]);
    // Impatience before the question is no answer to it.
    terminal.type_line("").unwrap();
    let asked = async {
        // Nor is it written into the moving lines, which are there from the first moment on.
        terminal.until("cluster https://").await.unwrap();
        terminal.type_line("impatience").unwrap();
        terminal.until("Is the data of the shop back?").await.unwrap();
        terminal.until("type `data` to go on, or `no`: ").await.unwrap();
        terminal.type_line("date").unwrap();
        terminal.until("That is not `data`.").await.unwrap();
        terminal.until("type `data` to go on, or `no`: ").await.unwrap();
        terminal.type_line("data").unwrap();
        terminal.until("comment (Enter for none): ").await.unwrap();
        terminal.type_line("seen with my own eyes").unwrap();
        terminal.until("seen with my own eyes").await.unwrap();
        terminal.until("approved by ann: seen with my own eyes").await.unwrap();
        terminal.until("type `move` to go on, or `no`: ").await.unwrap();
        terminal.rest().await
    };
    let said = tokio::time::timeout(PATIENCE, asked).await.unwrap();
    assert_eq!(child.wait().await.unwrap().code(), Some(1), "{said}");
    let flat = flat(&said);
    assert!(!flat.contains("impatience"), "{said}");
    assert!(
        flat.contains("step/data: seen with my own eyes (asked at the terminal: ann, "),
        "{said}"
    );
    assert!(
        flat.contains("nobody answered in time") && flat.contains("--approve dns=COMMENT"),
        "{said}"
    );
    assert!(flat.contains("--resume="), "{said}");
    assert!(flat.contains("person 2."), "it is counted apart: {said}");
}

async fn what_was_approved_is_not_asked_again(scene: &Scene) {
    let ran = scene
        .restore_with(
            asking,
            &["--resume", "--approve", "dns=ticket 4711", "--output", "json"],
        )
        .await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    let events = events(&ran);
    let ended = |id: &str| {
        let is = |event: &&Value| event["event"] == "finished" && event["id"] == id;
        events.iter().find(is).unwrap().clone()
    };
    assert_eq!(ended("step/data")["outcome"], "skipped", "{}", ran.said());
    assert_eq!(
        ended("step/data")["detail"],
        "approved by ann: seen with my own eyes",
        "{}",
        ran.said()
    );
    assert_eq!(ended("step/dns")["detail"], "approved by --approve: ticket 4711");
    let vouched = events.iter().find(|event| event["event"] == "vouched").unwrap();
    assert_eq!(
        (&vouched["what"], &vouched["reason"]),
        (&"approve dns".into(), &"ticket 4711".into())
    );
}

async fn a_no_ends_the_run(scene: &Scene) {
    let before = scene.platform_mutations().await.len();
    let (mut terminal, mut child) = at_terminal(scene, adopting, &[]);
    let asked = async {
        terminal.until("type `data` to go on, or `no`: ").await.unwrap();
        terminal.type_line("no").unwrap();
        terminal.rest().await
    };
    let said = tokio::time::timeout(PATIENCE, asked).await.unwrap();
    assert_eq!(child.wait().await.unwrap().code(), Some(1), "{said}");
    assert!(
        flat(&said).contains("ann did not approve: Is the data of the shop back?"),
        "{said}"
    );
    assert_eq!(
        scene.platform_mutations().await.len(),
        before,
        "nothing behind the question was done"
    );
}

async fn ctrl_c_at_the_question_ends_it(scene: &Scene) {
    let (mut terminal, mut child) = at_terminal(scene, adopting, &[]);
    let asked = async {
        terminal.until("type `data` to go on, or `no`: ").await.unwrap();
        testbed::tool::interrupt(&child).unwrap();
        terminal.rest().await
    };
    let said = tokio::time::timeout(PATIENCE, asked).await.unwrap();
    assert_eq!(child.wait().await.unwrap().code(), Some(130), "{said}");
    assert!(flat(&said).contains("interrupted after"), "{said}");
}
