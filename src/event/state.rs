//! The state of a run: the fold of its events.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    Begun, Body, Event, Exception, Failure, Intervention, Node, NodePhase, Outcome, Phase, PlannedStep, Question, Run,
    RunId, RunOutcome, Step, Waits,
};

/// How far a step is.
#[derive(Debug, Clone, PartialEq)]
pub enum StepStatus {
    /// It is in the plan.
    Planned,
    /// It runs.
    Running {
        /// How much is done.
        done: u64,
        /// Of how much, if that is known.
        total: Option<u64>,
        /// What is being waited for.
        note: String,
    },
    /// It ended.
    Finished(Outcome),
}

/// One step of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct StepState {
    /// As the plan names it.
    pub step: PlannedStep,
    /// How far it is.
    pub status: StepStatus,
    /// When it began, in milliseconds of the run.
    pub started_ms: Option<u64>,
    /// When it ended, in milliseconds of the run.
    pub finished_ms: Option<u64>,
}

/// One node of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeState {
    /// Its newest event.
    pub node: Node,
    /// Since when it is in this phase, in milliseconds of the run.
    pub since_ms: u64,
    /// When it was first seen to exist, in milliseconds of the run; a missing node has not begun.
    pub begun_ms: Option<u64>,
    /// When it was first ready, in milliseconds of the run.
    pub ready_ms: Option<u64>,
}

/// All that is known of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunState {
    /// Its name.
    pub run: Option<RunId>,
    /// The runbook's name.
    pub runbook: String,
    /// The runbook's file.
    pub file: String,
    /// The version of the program that ran it.
    pub program: String,
    /// The recovery time objective in milliseconds.
    pub target_ms: Option<u64>,
    /// What the user has to give again to go on.
    pub arguments: Vec<String>,
    /// The earlier run that it goes on with.
    pub goes_on_with: Option<RunId>,
    /// The run on this cluster that did not recover, and that this one does not go on with.
    pub unfinished: Option<RunId>,
    /// How long before this run the recovery began, in milliseconds.
    pub before_ms: u64,
    /// What is known of the steps that were begun in the runs before, with what people have said of them since.
    pub before: Vec<Begun>,
    /// How long a person was waited for in the runs before, in milliseconds.
    pub human_before_ms: u64,
    /// The recovery time in milliseconds, where the recovery clock stopped in a run before.
    pub recovered_before_ms: Option<u64>,
    /// The run before that ended recovered, if one did.
    pub recovered_by: Option<RunId>,
    /// The cluster: context, server, uid, version, state.
    pub cluster: Option<Cluster>,
    /// The rebuilt clusters by their names in the runbook, each with the UID of its namespace `kube-system`.
    pub remotes: BTreeMap<String, String>,
    /// The plan's digest.
    pub digest: Option<String>,
    /// What the plan's digest covers, each thing with a digest of its own.
    pub covers: Vec<(String, String)>,
    /// The commit of each source.
    pub revisions: Vec<(String, String)>,
    /// The steps, in the order in which they were planned or begun.
    pub steps: Vec<StepState>,
    /// How often a newer version told of a step what is not known here.
    pub unknown_steps: usize,
    /// The nodes by their stable name.
    pub nodes: BTreeMap<String, NodeState>,
    /// The interventions, in order.
    pub interventions: Vec<Intervention>,
    /// What people should know.
    pub notices: Vec<String>,
    /// Whether it is written down, as far as is known: a run that stopped being so cannot be asked for again.
    pub is_journaled: bool,
    /// What is left to do by hand.
    pub left_to_do: Vec<String>,
    /// What of it a run that goes on with this one says, too.
    pub lasting: Vec<String>,
    /// What people have answered when they were asked, in order.
    pub answers: Vec<Answered>,
    /// What people have vouched for, each with their words.
    pub vouched: Vec<(String, String)>,
    /// The times in which a person was waited for, in milliseconds of the run: when it was asked and, once it was, answered.
    pub asked_ms: Vec<(u64, Option<u64>)>,
    /// What is being asked now.
    pub question: Option<Question>,
    /// What was accepted that is not plain success.
    pub exceptions: Vec<Exception>,
    /// Why it is stopping, if it was asked to.
    pub stopping: Option<String>,
    /// When the recovery clock stopped, in milliseconds of the run, where that was before the end.
    pub recovered_ms: Option<u64>,
    /// What waits for what among the nodes by the sources: the nodes, and which of them waits for which.
    pub foreseen: (Vec<String>, Vec<Waits>),
    /// When the recovery clock, or the end, is expected.
    pub expected: Option<Expectation>,
    /// How it ended and why.
    pub finished: Option<(RunOutcome, Option<Failure>)>,
    /// When it started, by the time of day.
    pub started_at: Option<Timestamp>,
    /// When the newest event was.
    pub last_at: Option<Timestamp>,
    /// The newest event's time, in milliseconds of the run.
    pub elapsed_ms: u64,
    /// The number of the newest event.
    pub seq: u64,
}

/// What is expected of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expectation {
    /// When this was said, in milliseconds of the run.
    pub at_ms: u64,
    /// How long it takes from then on, in milliseconds.
    pub left_ms: u64,
    /// Of how many apps an earlier run tells how long they take.
    pub measured: usize,
    /// How many apps are expected.
    pub apps: usize,
}

/// What a person has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The step that asked.
    pub step: String,
    /// Whether it may go on.
    pub approved: bool,
    /// Who answered.
    pub by: String,
    /// What the person said beside it; empty if nothing.
    pub comment: String,
    /// When.
    pub at: Timestamp,
}

/// The cluster of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// The context of the kubeconfig.
    pub context: String,
    /// The server's address.
    pub server: String,
    /// The UID of the namespace `kube-system`.
    pub uid: String,
    /// The server's version.
    pub version: String,
    /// What was found on it.
    pub state: String,
}

impl RunState {
    /// Folds events from the first to the last.
    pub fn of<'events>(events: impl IntoIterator<Item = &'events Event>) -> Self {
        let mut state = Self::default();
        for event in events {
            state.apply(event);
        }
        state
    }

    /// Takes one event. An event that was taken before changes nothing.
    pub fn apply(&mut self, event: &Event) {
        if event.seq <= self.seq {
            return;
        }
        self.seq = event.seq;
        self.elapsed_ms = event.elapsed_ms;
        self.last_at = Some(event.at);
        if resumes(&event.body) {
            (self.finished, self.stopping) = (None, None);
        }
        match &event.body {
            Body::Run(run) => self.run(run, event.at),
            Body::Step(step) => self.step(step, event.at),
            Body::Node(node) => self.node(node),
            Body::Intervention(intervention) => self.interventions.push(intervention.clone()),
            Body::Unknown => {}
        }
    }

    fn run(&mut self, run: &Run, at: Timestamp) {
        match run.clone() {
            Run::Started {
                run,
                runbook,
                file,
                program,
                target_ms,
                arguments,
            } => {
                self.run = Some(run);
                (self.runbook, self.file, self.program, self.target_ms) = (runbook, file, program, target_ms);
                self.arguments = arguments;
                self.is_journaled = true;
                self.started_at.get_or_insert(at);
            }
            Run::GoesOn {
                with,
                since_ms,
                begun,
                recovery_ms,
                recovered_by,
                human_ms,
                left_to_do,
            } => {
                (self.goes_on_with, self.before_ms, self.before) = (Some(with), since_ms, begun);
                (self.recovered_before_ms, self.recovered_by) = (recovery_ms, recovered_by);
                // The time of a person is part of what had passed.
                self.human_before_ms = human_ms.min(since_ms).min(recovery_ms.unwrap_or(u64::MAX));
                for what in left_to_do {
                    self.left_to_do(what, true);
                }
            }
            Run::Follows { run, unfinished, begun } => {
                self.before = begun;
                for begun in &mut self.before {
                    begun.by.get_or_insert_with(|| run.clone());
                }
                self.unfinished = unfinished.then_some(run);
            }
            Run::Cluster {
                context,
                server,
                uid,
                version,
                state,
            } => {
                self.cluster = Some(Cluster {
                    context,
                    server,
                    uid,
                    version,
                    state,
                });
            }
            Run::Planned {
                digest,
                revisions,
                steps,
                covers,
            } => {
                (self.digest, self.covers) = (Some(digest), covers);
                self.revisions = revisions;
                for step in steps {
                    self.step_of(&step);
                }
            }
            told @ (Run::Foreseen { .. } | Run::Expected { .. }) => self.expect(told),
            // A resumed run says again what it said before; it is still one thing to know.
            Run::Noticed { notice } => push_new(&mut self.notices, notice),
            Run::Unjournaled { why } => {
                self.is_journaled = false;
                push_new(&mut self.notices, format!("The run goes on without a journal: {why}."));
            }
            Run::Vouched { what, reason } => {
                self.told_of_step(&what, &reason);
                push_new(&mut self.vouched, (what, reason));
            }
            Run::SourceMoved { source, to, .. } => {
                if let Some((_, commit)) = self.revisions.iter_mut().find(|(name, _)| *name == source) {
                    *commit = to;
                }
            }
            Run::Remote { cluster, uid, .. } => {
                self.remotes.insert(cluster, uid);
            }
            Run::LeftToDo { what, lasting } => self.left_to_do(what, lasting),
            Run::Excepted(exception) => push_new(&mut self.exceptions, exception),
            Run::Recovered => self.recovered_ms = Some(self.elapsed_ms),
            Run::Stopping { reason } => self.stopping = Some(reason),
            Run::Finished { outcome, failure } => self.finished = Some((outcome, failure)),
            Run::Unknown => {}
        }
    }

    fn expect(&mut self, told: Run) {
        match told {
            Run::Foreseen { apps, waits } => self.foreseen = (apps, waits),
            Run::Expected {
                left_ms,
                measured,
                apps,
            } => {
                self.expected = Some(Expectation {
                    at_ms: self.elapsed_ms,
                    left_ms,
                    measured,
                    apps,
                });
            }
            _ => {}
        }
    }

    fn left_to_do(&mut self, what: String, lasting: bool) {
        if lasting {
            push_new(&mut self.lasting, what.clone());
        }
        push_new(&mut self.left_to_do, what);
    }

    fn step(&mut self, event: &Step, at: Timestamp) {
        let elapsed = self.elapsed_ms;
        match event {
            Step::Asked { question, .. } => {
                self.question = Some(question.clone());
                if self.asked_ms.iter().all(|(_, answered)| answered.is_some()) {
                    self.asked_ms.push((elapsed, None));
                }
            }
            Step::Unknown => self.unknown_steps += 1,
            Step::Answered {
                id,
                approved,
                by,
                comment,
            } => {
                self.answers.push(Answered {
                    step: id.clone(),
                    approved: *approved,
                    by: by.clone(),
                    comment: comment.clone(),
                    at,
                });
                self.answered();
            }
            // A step that ended waits for nobody any more.
            Step::Finished { .. } => self.answered(),
            _ => {}
        }
        let step = match event {
            Step::Started(step) => self.step_of(step),
            other => match self.steps.iter_mut().find(|step| step.step.id == other.id()) {
                Some(step) => step,
                None => return,
            },
        };
        match event {
            Step::Started(_) => {
                step.started_ms.get_or_insert(elapsed);
                step.finished_ms = None;
                step.status = StepStatus::Running {
                    done: 0,
                    total: None,
                    note: String::new(),
                };
            }
            // Progress that comes late, from a task that had not heard of the end, must not bring a step back to life.
            Step::Progress { .. } if matches!(step.status, StepStatus::Finished(_)) => {}
            Step::Progress { done, total, note, .. } => {
                step.status = StepStatus::Running {
                    done: *done,
                    total: *total,
                    note: note.clone(),
                };
            }
            Step::Finished { outcome, .. } => {
                step.finished_ms = Some(elapsed);
                step.status = StepStatus::Finished(outcome.clone());
            }
            Step::Output { line, .. } => {
                if let StepStatus::Running { note, .. } = &mut step.status {
                    line.clone_into(note);
                }
            }
            Step::Asked { .. } | Step::Answered { .. } | Step::Unknown => {}
        }
    }

    fn answered(&mut self) {
        self.question = None;
        for (_, answered) in &mut self.asked_ms {
            answered.get_or_insert(self.elapsed_ms);
        }
    }

    /// Returns the step's state, made if it was not planned.
    fn step_of(&mut self, step: &PlannedStep) -> &mut StepState {
        let index = self
            .steps
            .iter()
            .position(|known| known.step.id == step.id)
            .unwrap_or_else(|| {
                self.steps.push(StepState {
                    step: step.clone(),
                    status: StepStatus::Planned,
                    started_ms: None,
                    finished_ms: None,
                });
                self.steps.len() - 1
            });
        &mut self.steps[index]
    }

    fn node(&mut self, node: &Node) {
        let elapsed = self.elapsed_ms;
        let state = self.nodes.entry(node.id.clone()).or_insert_with(|| NodeState {
            node: node.clone(),
            since_ms: elapsed,
            begun_ms: None,
            ready_ms: None,
        });
        if state.node.phase != node.phase {
            state.since_ms = elapsed;
        }
        if node.phase != NodePhase::Missing {
            state.begun_ms.get_or_insert(elapsed);
        }
        if node.phase.is_settled() {
            state.ready_ms.get_or_insert(elapsed);
        }
        state.node = node.clone();
    }

    /// Returns the step that runs now.
    pub fn running(&self) -> Option<&StepState> {
        self.steps
            .iter()
            .find(|step| matches!(step.status, StepStatus::Running { .. }))
    }

    /// Returns how many nodes are settled, of how many known.
    pub fn ready(&self) -> (usize, usize) {
        let settled = self
            .nodes
            .values()
            .filter(|state| state.node.phase.is_settled())
            .count();
        (settled, self.nodes.len())
    }

    /// Returns the nodes that are not settled: failing ones first, then by how long they stand still.
    pub fn unready(&self) -> Vec<&NodeState> {
        let mut nodes: Vec<_> = self
            .nodes
            .values()
            .filter(|state| !state.node.phase.is_settled())
            .collect();
        nodes.sort_by_key(|state| (state.node.phase, state.since_ms));
        nodes
    }

    /// Whether any node is failing, which more waiting may not mend.
    pub fn any_failing(&self) -> bool {
        self.nodes.values().any(|state| state.node.phase == NodePhase::Failing)
    }

    /// Whether a step that may change the world has begun.
    pub fn touched(&self) -> bool {
        self.steps
            .iter()
            .any(|step| step.started_ms.is_some() && step.step.effect.may_change())
    }

    /// Whether the run recovered, but later than its target.
    pub fn over_target(&self) -> bool {
        matches!(self.finished, Some((RunOutcome::Recovered, _)))
            && self.target_ms.is_some_and(|target| self.recovery_ms() > target)
    }

    /// Returns the recovery time so far in milliseconds, from the beginning of the first run that this one goes on with. A clock
    /// that stopped once stays where it stopped.
    pub fn recovery_ms(&self) -> u64 {
        let now = self.before_ms + self.recovered_ms.unwrap_or(self.elapsed_ms);
        self.recovered_before_ms.unwrap_or(now)
    }

    /// Returns the recovery time in milliseconds if the recovery clock has stopped, in this run or in one before.
    pub fn stopped_at_ms(&self) -> Option<u64> {
        let has_stopped = self.recovered_ms.is_some()
            || self.recovered_before_ms.is_some()
            || matches!(self.finished, Some((RunOutcome::Recovered, _)));
        has_stopped.then(|| self.recovery_ms())
    }

    /// Returns the time in milliseconds in which a step of each phase ran and no person was waited for. Steps that ran side by side count once, and
    /// a phase that paused for another does not count the pause, so that the phases add up to no more than the whole.
    pub fn phases(&self) -> Vec<(Phase, u64)> {
        Phase::ALL
            .into_iter()
            .filter_map(|phase| Some((phase, self.covered_ms(|step| step.step.phase == phase)?)))
            .collect()
    }

    /// Returns the time in milliseconds in which any step ran and no person was waited for.
    pub fn busy_ms(&self) -> u64 {
        self.covered_ms(|_| true).unwrap_or_default()
    }

    /// Returns the length of the union of the chosen steps' times; nothing if none has begun.
    fn covered_ms(&self, choose: impl Fn(&StepState) -> bool) -> Option<u64> {
        let mut spans: Vec<_> = self
            .steps
            .iter()
            .filter(|step| choose(step))
            .filter_map(|step| Some((step.started_ms?, step.finished_ms.unwrap_or(self.elapsed_ms))))
            .collect();
        spans.sort_unstable();
        let (mut covered, mut reached) = (0, spans.first()?.0);
        for (start, end) in spans {
            let start = start.max(reached);
            covered += end.saturating_sub(start).saturating_sub(self.waited_ms(start, end));
            reached = reached.max(end);
        }
        Some(covered)
    }

    /// Returns how long a person was waited for between two moments of the run, in milliseconds.
    fn waited_ms(&self, from: u64, to: u64) -> u64 {
        let spans = self.asked_ms.iter();
        spans
            .map(|(asked, answered)| {
                answered
                    .unwrap_or(self.elapsed_ms)
                    .min(to)
                    .saturating_sub((*asked).max(from))
            })
            .sum()
    }

    /// Returns how long a person was waited for while the recovery clock ran, in milliseconds, in this run and in those before.
    pub fn human_ms(&self) -> u64 {
        // A run that goes on after the clock has stopped adds nothing to it.
        let now = match self.recovered_before_ms {
            Some(_) => 0,
            None => self.waited_ms(0, self.elapsed_ms),
        };
        self.human_before_ms + now
    }

    /// Returns the exit code that the run ends with; 1 while it has not ended.
    pub fn exit_code(&self) -> u8 {
        match self.finished {
            Some((RunOutcome::Recovered, _)) => {
                if self.over_target() {
                    3
                } else {
                    0
                }
            }
            Some((RunOutcome::Refused, _)) => 2,
            Some((RunOutcome::DeadlinePassed, _)) => 4,
            Some((RunOutcome::Interrupted, _)) => 130,
            Some((RunOutcome::Failed, _)) | None => 1,
        }
    }
}

/// Whether a run that ended goes on with this.
fn resumes(body: &Body) -> bool {
    matches!(
        body,
        Body::Run(Run::Started { .. } | Run::Cluster { .. } | Run::Planned { .. }) | Body::Step(Step::Started(_))
    )
}

fn push_new<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}
