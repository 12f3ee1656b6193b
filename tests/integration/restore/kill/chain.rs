//! A chain of runs, each killed.

use std::process::ExitStatus;
use std::time::Duration;

use gitops_dr::engine::journal;
use testbed::proxy::{Asked, Fault, Side};
use testbed::{Proxy, Ran, Tool};
use tokio::process::Child;

use super::data::Data;
use super::point::Point;
use crate::restore::scene::{RUNBOOK, Scene};

/// Long enough for a machine that does ten other things.
const PATIENCE: Duration = Duration::from_mins(5);

/// The deadline of every run: the test says so itself when something hangs.
const DEADLINE: [&str; 2] = ["--deadline", "5m"];

/// How one link of the chain ended.
#[derive(Debug)]
pub(super) enum Link {
    /// It was killed.
    Killed,
    /// Its point never came: it went on to its end.
    Ended(Ran),
}

/// What a person says of the step that must not be done twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    /// Nothing: so it is begun, and so it is gone on with.
    None,
    /// What is to be seen where the step works.
    Seen,
}

/// The runs so far on one cluster.
pub(super) struct Chain<'a> {
    scene: &'a Scene,
    proxy: Proxy,
    runbook: String,
    /// The step that must not be done twice.
    pub(super) data: Data,
    tool: Tool,
    /// Whether the machine was lost since a run was last killed.
    is_elsewhere: bool,
    /// The points at which a run was killed.
    pub(super) killed: Vec<Point>,
    /// How often the machine was lost, and its journals with it.
    pub(super) lost: usize,
    /// How many journals lost the end of their last line.
    pub(super) torn: usize,
    /// How often a run was refused because nobody said whether the step was done that must not be done twice.
    pub(super) refused: usize,
}

impl<'a> Chain<'a> {
    /// Begins a chain on a cluster that nothing was restored to. The runbook has a step that must not be done twice.
    pub(super) async fn begin(scene: &'a Scene) -> Self {
        let proxy = scene.outage.bed.proxy().await.unwrap();
        let runbook = scene.outage.runbook("kill.yaml", "").unwrap();
        let data = Data::beside(&runbook);
        // A chain takes longer than any of the restores that it is about, and is not what the target is for.
        let patient = RUNBOOK.replace("rto: 10m", "rto: 10h");
        let runbook = scene
            .outage
            .runbook("kill.yaml", &format!("{patient}steps:\n  - {}\n", data.step()))
            .unwrap();
        let mut tool = scene.tool.elsewhere().unwrap();
        tool.set("KUBECONFIG", proxy.kubeconfig());
        Self {
            scene,
            proxy,
            runbook: runbook.display().to_string(),
            data,
            tool,
            is_elsewhere: false,
            killed: Vec::new(),
            lost: 0,
            torn: 0,
            refused: 0,
        }
    }

    /// Runs the program until the point and kills it there, unless it is killed on the way by the step that must not be done twice.
    pub(super) async fn link(&mut self, point: Point) -> Link {
        let mut link = self.attempt(point, Word::None).await;
        if let Link::Ended(ran) = &link
            && self.is_refused(ran)
        {
            self.refused += 1;
            link = self.attempt(point, Word::Seen).await;
        }
        match &link {
            Link::Killed => {
                let killed_by_data = self.data.has_killed().map(Point::Data);
                self.killed.push(killed_by_data.unwrap_or(point));
                self.is_elsewhere = false;
            }
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
        let arguments = self.arguments(Word::None).await;
        self.tool.run(&arguments).await.unwrap()
    }

    /// Loses the machine: what goes on from here knows no journal. Only what the cluster keeps of a run is known there, so there has
    /// to be something.
    pub(super) async fn lose_the_machine(&mut self) {
        if !self.scene.platform_mutations().await.is_empty() {
            self.tool = self.tool.elsewhere().unwrap();
            self.is_elsewhere = true;
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

    async fn attempt(&self, point: Point, word: Word) -> Link {
        let arguments = self.arguments(word).await;
        match point {
            Point::Append(nth) => {
                let child = self.tool.start_killed_at_append(nth, &arguments).unwrap();
                let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
                let output = output
                    .unwrap_or_else(|_| panic!("{point}: the run does not end"))
                    .unwrap();
                of(output.status, Ran::of(&output))
            }
            Point::Request(answered, side) => self.killed_at_request(&arguments, answered, side, is_change).await,
            Point::Own(answered, side) => self.killed_at_request(&arguments, answered, side, is_own).await,
            Point::Data(_) => panic!("{point}: it kills by itself"),
        }
    }

    /// Whether a run is refused since nobody said whether the step was done. That is right only where it cannot be known: the
    /// run before was killed in that step or at a line of its journal, or its journal was lost.
    fn is_refused(&self, ran: &Ran) -> bool {
        if ran.code != 2 || !ran.out.contains("--was-done data=REASON") {
            return false;
        }
        let before = self.killed.last();
        assert!(
            self.is_elsewhere || matches!(before, Some(Point::Data(_) | Point::Append(_))),
            "it asks for what is known, after {before:?}: {}",
            ran.said()
        );
        true
    }

    async fn arguments(&self, word: Word) -> Vec<String> {
        let mut arguments = vec!["restore".to_owned(), self.runbook.clone()];
        arguments.extend(DEADLINE.map(str::to_owned));
        // As its user would: where nothing was changed there is nothing to go on with.
        if !self.scene.mutations().await.is_empty() {
            arguments.push("--resume".to_owned());
            // Its user looks, and says what is to be seen.
            arguments.extend((word == Word::Seen).then(|| match self.data.times_done() {
                0 => "--do-again=data=its log is empty".to_owned(),
                _ => "--was-done=data=there is a line in its log".to_owned(),
            }));
        }
        arguments
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
            link = ended(&mut child) => link,
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

/// How a run ended whose point did not come, or that was to be killed by others.
fn of(status: ExitStatus, ran: Ran) -> Link {
    if is_killed(status) {
        Link::Killed
    } else {
        Link::Ended(ran)
    }
}

/// Waits for a run's end, taking in what it says.
async fn ended(child: &mut Child) -> Link {
    use tokio::io::AsyncReadExt as _;
    let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let (mut out, mut err) = (String::new(), String::new());
    let (read_out, read_err) = tokio::join!(stdout.read_to_string(&mut out), stderr.read_to_string(&mut err));
    read_out.and(read_err).unwrap();
    let status = child.wait().await.unwrap();
    let code = status.code().unwrap_or(-1);
    of(status, Ran { code, out, err })
}
