//! A chain of runs, each killed.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use gitops_dr::engine::journal;
use gitops_dr::event::RunState;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::Api;
use testbed::proxy::{Asked, Fault, Side};
use testbed::{Proxy, Ran, Tool};
use tokio::process::Child;

use super::point::Point;
use crate::restore::scene::{RUNBOOK, Scene};

/// Long enough for a machine that does ten other things.
const PATIENCE: Duration = Duration::from_mins(5);

/// The deadline of every run: the test says so itself when something hangs.
const DEADLINE: [&str; 2] = ["--deadline", "5m"];

/// How one link of the chain ended.
#[derive(Debug)]
pub(super) enum Link {
    /// It was killed at its point.
    Killed,
    /// Its point never came: it went on to its end.
    Ended(Ran),
}

/// The runs so far on one cluster.
pub(super) struct Chain<'a> {
    scene: &'a Scene,
    proxy: Proxy,
    runbook: String,
    /// What the program of the step `data` writes a line to.
    log: PathBuf,
    tool: Tool,
    /// The points at which a run was killed.
    pub(super) killed: Vec<Point>,
    /// How often the machine was lost, and its journals with it.
    pub(super) lost: usize,
    /// How many journals lost the end of their last line.
    pub(super) torn: usize,
}

impl<'a> Chain<'a> {
    /// Begins a chain on a cluster that nothing was restored to. The runbook has a step that must not be done twice.
    pub(super) async fn begin(scene: &'a Scene) -> Self {
        let proxy = scene.outage.bed.proxy().await.unwrap();
        let runbook = scene.outage.runbook("kill.yaml", "").unwrap();
        let log = runbook.with_file_name("data.log");
        std::fs::write(&log, "").unwrap();
        let data = format!(
            "{{id: data, before: root, run: {{command: [sh, -c, \"echo restored >> {}\"]}}}}",
            log.display()
        );
        // A chain takes longer than any of the restores that it is about, and is not what the target is for.
        let patient = RUNBOOK.replace("rto: 10m", "rto: 10h");
        let runbook = scene
            .outage
            .runbook("kill.yaml", &format!("{patient}steps:\n  - {data}\n"))
            .unwrap();
        let mut tool = scene.tool.elsewhere().unwrap();
        tool.set("KUBECONFIG", proxy.kubeconfig());
        Self {
            scene,
            proxy,
            runbook: runbook.display().to_string(),
            log,
            tool,
            killed: Vec::new(),
            lost: 0,
            torn: 0,
        }
    }

    /// Runs the program until the point and kills it there.
    pub(super) async fn link(&mut self, point: Point) -> Link {
        let arguments = self.arguments().await;
        let link = match point {
            Point::Append(nth) => {
                let child = self.tool.start_killed_at_append(nth, &arguments).unwrap();
                let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
                let output = output
                    .unwrap_or_else(|_| panic!("{point}: the run does not end"))
                    .unwrap();
                if is_killed(output.status) {
                    Link::Killed
                } else {
                    Link::Ended(Ran::of(&output))
                }
            }
            Point::Request(answered, side) => self.killed_at_request(&arguments, answered, side, is_change).await,
            Point::Own(answered, side) => self.killed_at_request(&arguments, answered, side, is_own).await,
        };
        match &link {
            Link::Killed => self.killed.push(point),
            Link::Ended(ran) => assert!(
                ran.code == 0,
                "killed {} times, last {}; then it did not go on: {}",
                self.killed.len(),
                self.killed.last().map_or_else(String::new, Point::to_string),
                ran.said()
            ),
        }
        link
    }

    /// Runs the program undisturbed.
    pub(super) async fn run_to_the_end(&mut self) -> Ran {
        let arguments = self.arguments().await;
        self.tool.run(&arguments).await.unwrap()
    }

    /// Loses the machine: what goes on from here knows no journal. Only what the cluster keeps of a run is known there, so there has
    /// to be something.
    pub(super) async fn lose_the_machine(&mut self) {
        if !self.scene.platform_mutations().await.is_empty() {
            self.tool = self.tool.elsewhere().unwrap();
            self.lost += 1;
        }
    }

    /// Tears the line that the newest run was writing when it was killed at an append: it was not forced to disk yet.
    pub(super) fn tear(&mut self) {
        let Some(newest) = journal::newest_first(&self.tool.journals()).into_iter().next() else {
            return;
        };
        let text = std::fs::read(&newest).unwrap();
        std::fs::write(&newest, &text[..text.len() - 10]).unwrap();
        self.torn += 1;
    }

    /// Returns how often the newest run forced its journal to disk, the header's line included.
    pub(super) fn appends(&self) -> usize {
        let newest = journal::newest_first(&self.tool.journals()).into_iter().next();
        let events = newest.map(|path| journal::read(&path).unwrap()).unwrap_or_default();
        1 + events.iter().filter(|event| event.body.is_lifecycle()).count()
    }

    /// Returns how often the step was done that must not be done twice.
    pub(super) fn times_done(&self) -> usize {
        std::fs::read_to_string(&self.log).unwrap().lines().count()
    }

    async fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["restore".to_owned(), self.runbook.clone()];
        arguments.extend(DEADLINE.map(str::to_owned));
        // As its user would: where nothing was changed there is nothing to go on with.
        if !self.scene.mutations().await.is_empty() {
            arguments.push("--resume".to_owned());
            // Should it be asked whether the step was done: its user looks, and says what is to be seen.
            if self.has_begun_the_step().await {
                arguments.push(match self.times_done() {
                    0 => "--do-again=data=its log is empty".to_owned(),
                    _ => "--was-done=data=there is a line in its log".to_owned(),
                });
            }
        }
        arguments
    }

    /// Whether the run that is gone on with knows that the step was begun, by its journal or by its record.
    async fn has_begun_the_step(&self) -> bool {
        let journals = journal::newest_first(&self.tool.journals()).into_iter();
        let mut runs: Vec<_> = journals
            .filter_map(|path| Some(RunState::of(&journal::read(&path).ok()?)))
            .collect();
        let maps: Api<ConfigMap> = Api::namespaced(self.scene.outage.bed.admin(), "kube-system");
        if let Some(data) = maps.get_opt("gitops-dr").await.unwrap().and_then(|map| map.data) {
            let events = data["events"].lines().map(|line| serde_json::from_str(line).unwrap());
            runs.push(RunState::of(&events.collect::<Vec<_>>()));
        }
        let newest = runs.into_iter().filter(RunState::touched);
        let newest = newest.max_by_key(|state| (state.run.clone(), state.seq));
        newest.is_some_and(|state| {
            let is_begun = state.begun().iter().any(|begun| begun.id == "step/data");
            is_begun || state.vouched.iter().any(|(what, _)| what.ends_with(" step/data"))
        })
    }

    async fn killed_at_request(
        &self,
        arguments: &[String],
        answered: usize,
        side: Side,
        is_meant: fn(&Asked) -> bool,
    ) -> Link {
        let mut hold = self.proxy.hold(answered, is_meant, side);
        // The kill comes for all requests in flight at once: those behind the one that is held are lost with it.
        self.proxy
            .after(answered + 1, usize::MAX, is_meant, Fault::Reset(Side::Before));
        let mut child = self.tool.start(arguments).unwrap();
        let link = tokio::select! {
            reached = hold.reached(PATIENCE) => {
                reached.unwrap();
                child.kill().await.unwrap();
                Link::Killed
            }
            ran = ended(&mut child) => Link::Ended(ran),
        };
        self.proxy.clear();
        link
    }
}

/// Whether a request is one by which a run says that it is at work.
fn is_own(asked: &Asked) -> bool {
    let own = ["/kube-system/leases", "/kube-system/configmaps/gitops-dr"];
    asked.is_mutation() && own.iter().any(|own| asked.path.contains(own))
}

/// Whether a request changes the platform.
fn is_change(asked: &Asked) -> bool {
    asked.is_mutation() && !is_own(asked)
}

/// Whether the kernel killed it; strace ends itself by the signal that ended the program.
fn is_killed(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    status.signal() == Some(9) || status.code() == Some(128 + 9)
}

/// Waits for a run's end, taking in what it says.
async fn ended(child: &mut Child) -> Ran {
    use tokio::io::AsyncReadExt as _;
    let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let (mut out, mut err) = (String::new(), String::new());
    let (read_out, read_err) = tokio::join!(stdout.read_to_string(&mut out), stderr.read_to_string(&mut err));
    read_out.and(read_err).unwrap();
    let code = child.wait().await.unwrap().code().unwrap_or(-1);
    Ran { code, out, err }
}
