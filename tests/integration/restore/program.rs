//! Programs that the runbook runs: once, whatever happens, or as often as they may.

use std::path::{Path, PathBuf};
use std::time::Duration;

use gitops_dr::exec::Exec;
use gitops_dr::redact::Redactor;
use serde_json::Value;
use testbed::Ran;
use tokio::process::Child;

use super::scene::{PASSWORD, RUNBOOK, Scene, files, flat};

const PATIENCE: Duration = Duration::from_mins(5);

/// A program that restores data: it writes a line, and then waits until it may go on.
struct Data {
    folder: PathBuf,
}

impl Data {
    async fn of(scene: &Scene) -> Self {
        let folder = scene.outage.runbook("data.md", "").unwrap().with_file_name("data");
        std::fs::create_dir(&folder).unwrap();
        let made = Exec::new("mkfifo", &Redactor::default()).args([folder.join("go")]);
        made.run().await.unwrap();
        Self { folder }
    }

    /// The runbook with a step that runs it before the root.
    fn runbook(&self, runbook: &str) -> String {
        let script = format!(
            "echo restored >> {0}/log; read word < {0}/go; echo told $word",
            self.folder.display()
        );
        format!("{runbook}steps:\n  - {{id: data, before: root, run: {{command: [sh, -c, \"{script}\"]}}}}\n")
    }

    fn adopting(&self, runbook: &str) -> String {
        self.runbook(runbook).replace("expect: empty", "expect: adopt")
    }

    /// How often it ran.
    fn count(&self) -> usize {
        std::fs::read_to_string(self.folder.join("log"))
            .unwrap_or_default()
            .lines()
            .count()
    }

    /// Waits until it has begun once more.
    async fn begun(&self, times: usize) {
        let begun = async {
            while self.count() < times {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, begun)
            .await
            .expect("the program does not begin");
    }

    /// Lets it go on; waits until it has read the word.
    async fn go(&self) {
        let go = self.folder.join("go");
        let told = tokio::task::spawn_blocking(move || std::fs::write(go, "on\n"));
        tokio::time::timeout(PATIENCE, told).await.unwrap().unwrap().unwrap();
    }
}

fn start(scene: &Scene, change: impl Fn(&str) -> String, arguments: &[&str]) -> Child {
    let runbook = scene.outage.runbook("small.yaml", &change(RUNBOOK)).unwrap();
    let mut all = vec!["restore", runbook.to_str().unwrap()];
    all.extend(arguments);
    scene.tool.start(&all).unwrap()
}

async fn killed(mut child: Child) {
    child.start_kill().unwrap();
    child.wait().await.unwrap();
}

fn run_of(ran: &Ran) -> String {
    let line = ran
        .out
        .lines()
        .find_map(|line| line.strip_prefix("again    gitops-dr report "));
    line.unwrap_or_else(|| panic!("{}", ran.said())).to_owned()
}

#[tokio::test]
async fn what_must_not_be_done_twice_is_done_once_whatever_ends_the_run() {
    let scene = Scene::start().await;
    let data = Data::of(&scene).await;
    let runbook = |text: &str| data.runbook(text);

    let child = start(&scene, runbook, &[]);
    data.begun(1).await;
    killed(child).await;
    // It was not killed with the tool, and ends when it is told to.
    data.go().await;

    let before = scene.mutations().await;
    let refused = scene.restore_with(runbook, &["--resume", "--deadline", "2m"]).await;
    assert_eq!(refused.code, 2, "{}", refused.said());
    for words in [
        "data: it was begun in a run before and no good end is known",
        "--was-done data=REASON",
        "--do-again data=REASON",
    ] {
        assert!(flat(&refused.out).contains(words), "{words}: {}", refused.said());
    }
    assert_eq!(scene.mutations().await, before, "a refusal changes nothing");

    // A word that was given to a run that was cut off before the step is not forgotten by the next.
    let child = start(&scene, runbook, &["--resume", "--was-done", "data=seen in its log"]);
    let cut_off = until_step(child, "ground").await;
    killed(cut_off).await;
    let resumed = scene.restore_with(runbook, &["--resume"]).await;
    assert_eq!(resumed.code, 0, "{}", resumed.said());
    assert!(
        flat(&resumed.err).contains("step/data: nothing to do, a person says that it was done: seen in its log"),
        "{}",
        resumed.said()
    );
    assert_eq!(data.count(), 1, "it ran once");

    a_run_that_begins_anew_asks_as_well(&scene, &data).await;
    a_person_may_have_it_done_again(&scene, &data).await;
    a_chain_of_runs_remembers_what_was_done(&scene, &data).await;
    ctrl_c_tells_it_to_end(&scene, &data).await;
}

/// Reads what a run says until a step begins.
async fn until_step(mut child: Child, id: &str) -> Child {
    use tokio::io::{AsyncBufReadExt as _, BufReader};
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let begins = format!("{id}: ");
    let found = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains(&begins) {
                return true;
            }
        }
        false
    };
    assert!(
        tokio::time::timeout(PATIENCE, found).await.unwrap(),
        "{id} does not begin"
    );
    child
}

/// What was begun on this cluster counts for a run that does not go on with the one that began it, too.
async fn a_run_that_begins_anew_asks_as_well(scene: &Scene, data: &Data) {
    let adopting = |text: &str| data.adopting(text);
    let before = scene.mutations().await;
    let refused = scene.restore_with(adopting, &[]).await;
    assert_eq!(refused.code, 2, "{}", refused.said());
    for words in ["did it on this cluster", "--was-done data=REASON"] {
        assert!(flat(&refused.out).contains(words), "{words}: {}", refused.said());
    }
    assert!(
        !refused.out.contains("--resume="),
        "it has recovered: {}",
        refused.said()
    );
    assert_eq!(scene.mutations().await, before, "a refusal changes nothing");

    let child = start(scene, adopting, &["--do-again", "data=the disks are new"]);
    data.begun(2).await;
    killed(child).await;
    data.go().await;
    let before = scene.mutations().await;
    let runbook = scene.outage.runbook("small.yaml", &adopting(RUNBOOK)).unwrap();
    let elsewhere = scene.elsewhere();
    for tool in [&scene.tool, &elsewhere] {
        let refused = tool.run(&["restore", runbook.to_str().unwrap()]).await.unwrap();
        assert_eq!(refused.code, 2, "{}", refused.said());
        for words in ["no good end is known", "or go on with that run: --resume=01"] {
            assert!(flat(&refused.out).contains(words), "{words}: {}", refused.said());
        }
    }
    assert_eq!(scene.mutations().await, before, "a refusal changes nothing");
    let told = scene
        .restore_with(adopting, &["--was-done", "data=seen in its log"])
        .await;
    assert_eq!(told.code, 0, "{}", told.said());
    assert!(
        flat(&told.out).contains("did not recover; this clock does not count it"),
        "{}",
        told.said()
    );
    assert_eq!(data.count(), 2, "it ran once in both");
}

async fn a_person_may_have_it_done_again(scene: &Scene, data: &Data) {
    let adopting = |text: &str| data.adopting(text);
    let child = start(scene, adopting, &["--do-again", "data=the disks are new"]);
    data.begun(3).await;
    killed(child).await;
    data.go().await;
    let child = start(scene, adopting, &["--resume", "--do-again", "data=the table is empty"]);
    data.begun(4).await;
    data.go().await;
    let again = Ran::of(
        &tokio::time::timeout(PATIENCE, child.wait_with_output())
            .await
            .unwrap()
            .unwrap(),
    );
    assert_eq!(again.code, 0, "{}", again.said());
    assert!(again.err.contains("step/data: | told on"), "{}", again.said());
    assert_eq!(data.count(), 4);
}

/// A run did it, the next went on with that one and was cut off before it, and the third goes on with the second.
async fn a_chain_of_runs_remembers_what_was_done(scene: &Scene, data: &Data) {
    let adopting = |text: &str| data.adopting(text);
    let child = start(scene, adopting, &["--do-again", "data=the disks are new"]);
    data.begun(5).await;
    data.go().await;
    killed(until_step(child, "apps").await).await;
    let child = start(scene, adopting, &["--resume"]);
    killed(until_step(child, "ground").await).await;
    let third = scene.restore_with(adopting, &["--resume"]).await;
    assert_eq!(third.code, 0, "{}", third.said());
    assert!(third.err.contains("step/data: nothing to do"), "{}", third.said());
    assert_eq!(data.count(), 5, "it ran once in all three");
}

async fn ctrl_c_tells_it_to_end(scene: &Scene, data: &Data) {
    let adopting = |text: &str| data.adopting(text);
    let child = start(scene, adopting, &["--do-again", "data=the disks are new"]);
    data.begun(6).await;
    testbed::tool::interrupt(&child).unwrap();
    let ran = Ran::of(
        &tokio::time::timeout(PATIENCE, child.wait_with_output())
            .await
            .unwrap()
            .unwrap(),
    );
    assert_eq!(ran.code, 130, "{}", ran.said());
    assert!(
        flat(&ran.err).contains("`sh` was told to end, and ended with signal: 15"),
        "{}",
        ran.said()
    );
    let run = run_of(&ran);
    let refused = scene.restore_with(adopting, &[&format!("--resume={run}")]).await;
    assert_eq!(refused.code, 2, "{}", refused.said());
    assert_eq!(data.count(), 6);
}

/// A program of the repository that says what it sees, fails once, and would spoil the checkout if it ran in it.
const SEES: &str = r#"#!/bin/sh
echo "run $GITOPS_DR_RUN on $GITOPS_DR_CONTEXT"
echo "login $SHOP_TOKEN and $SHOP_REGION and $SHOP_DATABASE and $SHOP_STAGE and ${VAULT_SECRET_ID:-nothing}" >&2
echo "password $(cat PASSWORD)"
echo spoilt > cart/deployment.yaml
test -e "$SHOP_MARK" && exit 0
touch "$SHOP_MARK"
exit 3
"#;
const TOKEN: &str = "c4n4ry-t0ken-0f-the-sh0p";

#[tokio::test]
async fn a_program_of_a_source_sees_what_it_may_and_shows_no_secret() {
    let mut files = files();
    files.push(("bin/sees".into(), SEES.to_owned()));
    files.push(("PASSWORD".into(), format!("{PASSWORD}\n")));
    let mut scene = Scene::with(files).await;
    let mark = scene.tool.home().join("mark").display().to_string();
    for (name, value) in [
        ("SHOP_TOKEN", TOKEN),
        ("SHOP_REGION", "eu-west-1"),
        ("SHOP_DATABASE", "postgres://shop:c4n4ry-db-w0rd@db/shop"),
        ("SHOP_STAGE", "the-last-but-one"),
        ("SHOP_MARK", &mark),
    ] {
        scene.tool.set(name, value);
    }
    let steps = "steps:\n  - {id: sees, before: root, run: {command: [sh, bin/sees], source: platform, \
                 env: [SHOP_TOKEN, SHOP_REGION, SHOP_DATABASE, SHOP_STAGE, SHOP_MARK], repeatable: true, retries: 2}}\n";
    let ran = scene
        .restore_with(|text| format!("{text}{steps}"), &["--output", "json"])
        .await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    let events: Vec<Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let lines: Vec<&str> = events
        .iter()
        .filter(|event| event["event"] == "output")
        .filter_map(|event| event["line"].as_str())
        .collect();
    let run = events[0]["run"].as_str().unwrap();
    let expected = [
        format!("run {run} on shop-new"),
        "login «secret» and eu-west-1 and «secret» and «secret» and nothing".to_owned(),
        "password «secret»".to_owned(),
        "`sh` ended with exit status 3; it is run again".to_owned(),
    ];
    for line in &expected {
        assert!(lines.contains(&line.as_str()), "{line}: {lines:#?}");
    }
    assert_eq!(lines.len(), 7, "twice the three lines, and that it failed: {lines:#?}");
    let journals = everything_below(scene.tool.home());
    for secret in [TOKEN, "c4n4ry-db-w0rd"] {
        assert!(!ran.said().contains(secret) && !journals.contains(secret), "{secret}");
    }
}

/// Returns the text of all journals.
fn everything_below(home: &Path) -> String {
    let runs = home.join(".local/state/gitops-dr/runs");
    let files = std::fs::read_dir(runs).unwrap();
    files
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .collect()
}
