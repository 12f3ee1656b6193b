//! A restore that is followed event by event, for tests that act while it runs.

use std::path::Path;
use std::time::Duration;

use gitops_dr::exec::Exec;
use gitops_dr::redact::Redactor;
use serde_json::Value;
use testbed::Tool;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use super::scene::{RUNBOOK, Scene};

/// Long enough for a machine that does ten other things.
const PATIENCE: Duration = Duration::from_mins(5);

/// A restore that runs, and what it said so far.
pub(crate) struct Watched {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// All events so far.
    pub(crate) events: Vec<Value>,
}

impl Watched {
    /// Starts `restore --output json` with the scene's runbook, changed by `change`.
    pub(crate) fn start(scene: &Scene, change: impl Fn(&str) -> String) -> Self {
        Self::start_with(scene, change, &[])
    }

    /// The same with further arguments.
    pub(crate) fn start_with(scene: &Scene, change: impl Fn(&str) -> String, arguments: &[&str]) -> Self {
        let runbook = scene.outage.runbook("small.yaml", &change(RUNBOOK)).unwrap();
        Self::start_as(&scene.tool, &runbook, arguments)
    }

    /// The same by another user, with a runbook of theirs.
    pub(crate) fn start_as(tool: &Tool, runbook: &Path, arguments: &[&str]) -> Self {
        let mut all = vec!["restore", runbook.to_str().unwrap(), "--output", "json"];
        all.extend(arguments);
        let mut child = tool.start(&all).unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self {
            child,
            lines,
            events: Vec::new(),
        }
    }

    /// Follows the run until an event is as `wanted` says; one of those told so far will do.
    pub(crate) async fn until(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) {
        let found = tokio::time::timeout(PATIENCE, async {
            if self.events.iter().any(&wanted) {
                return true;
            }
            while let Some(event) = self.next().await {
                if wanted(&event) {
                    return true;
                }
            }
            false
        });
        match found.await {
            Ok(true) => {}
            Ok(false) => panic!("the run ended before {what}: {}", self.said().await),
            Err(_) => {
                self.child.start_kill().unwrap();
                panic!("{what} does not come: {}", self.said().await)
            }
        }
    }

    /// Waits for what the run brings about elsewhere.
    pub(crate) async fn meets<T>(&mut self, what: &str, happening: impl Future<Output = T>) -> T {
        tokio::select! {
            happened = happening => happened,
            () = async { while self.next().await.is_some() {} } => {
                panic!("the run ended before {what}: {}", self.said().await)
            }
        }
    }

    /// Interrupts it as Ctrl-C does.
    pub(crate) async fn interrupt(&self) {
        let id = self.child.id().unwrap().to_string();
        let kill = Exec::new("kill", &Redactor::default()).args(["-INT".to_owned(), id]);
        kill.run().await.unwrap();
    }

    /// Ends it with `kill -9`: it can say and do nothing more.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Follows it to its end; returns the exit code.
    pub(crate) async fn end(&mut self) -> i32 {
        let ended = tokio::time::timeout(PATIENCE, async { while self.next().await.is_some() {} });
        if ended.await.is_err() {
            self.child.start_kill().unwrap();
            panic!("the run does not end: {}", self.said().await);
        }
        self.child.wait().await.unwrap().code().unwrap_or(-1)
    }

    /// Returns the number of the first event that is as `wanted` says.
    pub(crate) fn position(&self, wanted: impl Fn(&Value) -> bool) -> Option<usize> {
        self.events.iter().position(wanted)
    }

    /// Returns the last events and all of standard error, for the message of a failed assertion.
    pub(crate) async fn said(&mut self) -> String {
        let mut error = String::new();
        if let Some(stderr) = &mut self.child.stderr {
            stderr.read_to_string(&mut error).await.ok();
        }
        let last: Vec<_> = self.events.iter().rev().take(30).rev().map(Value::to_string).collect();
        format!("{}\n{error}", last.join("\n"))
    }

    async fn next(&mut self) -> Option<Value> {
        let line = self.lines.next_line().await.unwrap()?;
        let event: Value = serde_json::from_str(&line).unwrap();
        self.events.push(event.clone());
        Some(event)
    }
}

/// The phases of a node.
const PHASES: [&str; 6] = ["failing", "missing", "progressing", "excepted", "ready", "ignored"];

/// Whether an event is about the node of that name and says that it is in the phase `word` or, where that is none, says it of what
/// blocks it: what is `0/1 ready` is not ready.
pub(crate) fn node(event: &Value, name: &str, word: &str) -> bool {
    let is_said = if PHASES.contains(&word) {
        event["phase"] == word
    } else {
        event["blocked_by"].to_string().contains(word)
    };
    event["family"] == "node" && event["name"] == name && is_said
}
