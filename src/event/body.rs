//! The events themselves.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The name of a run: a ULID, so that names sort by time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub String);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One thing that happened in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its number in the run, counted from 1 without gaps.
    pub seq: u64,
    /// The time of day.
    pub at: Timestamp,
    /// Milliseconds since the run started, by a clock that never jumps.
    pub elapsed_ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub body: Body,
}

/// What happened, by family.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "family", rename_all = "kebab-case")]
pub enum Body {
    /// Of the run as a whole.
    Run(Run),
    /// Of one step of its plan.
    Step(Step),
    /// Of one app, set or object that is waited for.
    Node(Node),
    /// A bounded act on a stuck thing.
    Intervention(Intervention),
    /// Written by a newer version.
    #[serde(other)]
    Unknown,
}

/// The parts of a recovery, in the order in which their times are accounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Reading: the runbook, the stores, the sources; making the plan.
    Prepare,
    /// Proving that this is the right cluster and that nothing stands in the way.
    Interlock,
    /// What the agent stands on: namespace, CRDs, configuration, credentials, projects.
    Ground,
    /// The agent itself.
    Agent,
    /// Registered clusters.
    Clusters,
    /// The roots and all that follows from them.
    Apps,
    /// The checks that say that it is done.
    Checks,
}

impl Phase {
    /// All phases, in order.
    pub const ALL: [Self; 7] = [
        Self::Prepare,
        Self::Interlock,
        Self::Ground,
        Self::Agent,
        Self::Clusters,
        Self::Apps,
        Self::Checks,
    ];

    /// Returns the word that people read.
    pub fn word(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Interlock => "interlock",
            Self::Ground => "ground",
            Self::Agent => "agent",
            Self::Clusters => "clusters",
            Self::Apps => "apps",
            Self::Checks => "checks",
        }
    }
}

/// What a step does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It only reads. A run that fails in such a step, before any other, has changed nothing.
    Reads,
    /// It may be done again without harm.
    Repeatable,
    /// It must not be done twice.
    Once,
}

/// A step as the plan names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// Its stable name within the plan.
    pub id: String,
    /// The part of the recovery it belongs to.
    pub phase: Phase,
    /// What it does, for people.
    pub title: String,
    /// What it does to the world.
    pub effect: Effect,
}

/// Why something failed, flattened so that it can be written down.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Failure {
    /// What failed.
    pub message: String,
    /// Why, from the outermost cause to the innermost.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
    /// How to mend it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
}

impl Failure {
    /// Makes a failure without causes or hints.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            ..Self::default()
        }
    }

    /// Takes an error and the chain of its causes. Only for errors whose texts are our own or known to hold no secret.
    pub fn of(error: &(dyn std::error::Error + 'static)) -> Self {
        let causes = std::iter::successors(error.source(), |cause| cause.source())
            .map(ToString::to_string)
            .collect();
        Self {
            message: error.to_string(),
            causes,
            hints: Vec::new(),
        }
    }

    /// Puts a sentence in front: what was being done when this came to light.
    #[must_use = "the failure is returned, not changed in place"]
    pub fn within(self, doing: impl Into<String>) -> Self {
        let causes = std::iter::once(self.message).chain(self.causes).collect();
        Self {
            message: doing.into(),
            causes,
            hints: self.hints,
        }
    }

    /// Adds how to mend it.
    #[must_use = "the failure is returned, not changed in place"]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

/// Something that keeps a recovery from being plain success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// What it is about.
    pub subject: String,
    /// What is not as usual.
    pub what: String,
    /// Why that is accepted, in the runbook's words.
    pub reason: String,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunOutcome {
    /// The platform is back.
    Recovered,
    /// Something failed after the cluster had been changed.
    Failed,
    /// Refused, or failed before anything was changed.
    Refused,
    /// A deadline that the user set has passed.
    DeadlinePassed,
    /// The user interrupted it.
    Interrupted,
}

/// Of the run as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Run {
    /// It began.
    Started {
        /// Its name; empty for a plan, which is no run.
        run: RunId,
        /// The runbook's name.
        runbook: String,
        /// The runbook's file as the user named it.
        file: String,
        /// The version of this program.
        program: String,
        /// The recovery time objective in milliseconds, if the runbook states one.
        target_ms: Option<u64>,
        /// What the user gave beside the runbook and has to give again to go on, such as `--context` and its value.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        arguments: Vec<String>,
    },
    /// It goes on with an earlier run, and so does the recovery clock.
    GoesOn {
        /// The earlier run.
        with: RunId,
        /// How long before this run the earlier one began, or the one that it went on with, in milliseconds.
        since_ms: u64,
    },
    /// The cluster that it is about was found.
    Cluster {
        /// The context of the kubeconfig.
        context: String,
        /// The server's address.
        server: String,
        /// The UID of the namespace `kube-system`, which stands for the cluster.
        uid: String,
        /// The server's version.
        version: String,
        /// What was found on it, in a word or two: `empty`, `argocd 3.2.11, 14 apps`.
        state: String,
    },
    /// What will be done is fixed.
    Planned {
        /// The digest over steps and pins.
        digest: String,
        /// The commit of each source.
        revisions: Vec<(String, String)>,
        /// The steps that follow, in order.
        steps: Vec<PlannedStep>,
    },
    /// Something that people should know, which is neither success nor failure.
    Noticed {
        /// The notice, a full sentence.
        notice: String,
    },
    /// The run is no longer written down, or never was; it goes on all the same.
    Unjournaled {
        /// Why.
        why: String,
    },
    /// Something is left to do by hand.
    LeftToDo {
        /// What, a full sentence.
        what: String,
    },
    /// Something was accepted that is not plain success.
    Excepted(Exception),
    /// The recovery clock stopped: the critical apps are ready and the checks passed. The rest goes on.
    Recovered,
    /// The user asked to stop; requests in flight end first.
    Stopping {
        /// Why: an interrupt, a deadline.
        reason: String,
    },
    /// It ended.
    Finished {
        /// How.
        outcome: RunOutcome,
        /// Why, unless it recovered.
        failure: Option<Failure>,
    },
    /// Written by a newer version.
    #[serde(other)]
    Unknown,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// It did its work.
    Done {
        /// What was done, for people: `7 secrets from vault`.
        detail: String,
    },
    /// There was nothing to do.
    Skipped {
        /// Why.
        detail: String,
    },
    /// It failed.
    Failed {
        /// Why.
        failure: Failure,
    },
}

/// Of one step of the plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Step {
    /// It began.
    Started(PlannedStep),
    /// How far it is. May be lost: it is not forced to disk.
    Progress {
        /// The step.
        id: String,
        /// How much is done.
        done: u64,
        /// Of how much, if that is known.
        total: Option<u64>,
        /// What is being waited for; empty if nothing in particular.
        note: String,
    },
    /// It ended.
    Finished {
        /// The step.
        id: String,
        /// How.
        #[serde(flatten)]
        outcome: Outcome,
    },
    /// Written by a newer version.
    #[serde(other)]
    Unknown,
}

impl Step {
    /// Returns the step it is about; empty for an unknown happening.
    pub fn id(&self) -> &str {
        match self {
            Self::Started(step) => &step.id,
            Self::Progress { id, .. } | Self::Finished { id, .. } => id,
            Self::Unknown => "",
        }
    }
}

/// How far a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodePhase {
    /// Something is wrong with it that waiting alone may not mend.
    Failing,
    /// It is named by its parent but not there.
    Missing,
    /// It is on its way.
    Progressing,
    /// It is ready but for something that the runbook accepts.
    Excepted,
    /// It is ready.
    Ready,
    /// The runbook leaves it out.
    Ignored,
}

impl NodePhase {
    /// Whether nothing more is waited for.
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Excepted | Self::Ready | Self::Ignored)
    }
}

/// Why a node is not ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocker {
    /// The object that stands in the way, such as `Deployment.apps shop/cart`; empty where it is the node itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub object: String,
    /// Its own reason, in its own words.
    pub reason: String,
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.object.is_empty() {
            f.write_str(&self.reason)
        } else {
            write!(f, "{}: {}", self.object, self.reason)
        }
    }
}

/// The state of one app, set or object that is waited for. The newest event of a node replaces all earlier ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its stable name, such as `Application argocd/payments`.
    pub id: String,
    /// Its short name.
    pub name: String,
    /// The node that it follows from.
    pub parent: Option<String>,
    /// How far it is.
    pub phase: NodePhase,
    /// The agent's own words for its state, such as `OutOfSync, Healthy`.
    pub words: String,
    /// The commit it is at.
    pub revision: Option<String>,
    /// Why it is not ready.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocked_by: Vec<Blocker>,
}

/// A bounded, recorded act on a stuck thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intervention {
    /// The node.
    pub node: String,
    /// What was done, such as `refresh`.
    pub action: String,
    /// What was seen that made it due.
    pub trigger: String,
    /// Which time this is, counted from 1.
    pub attempt: u32,
    /// How often it may be done at most.
    pub bound: u32,
}

/// A short way to make events.
impl From<Run> for Body {
    fn from(run: Run) -> Self {
        Self::Run(run)
    }
}

impl From<Step> for Body {
    fn from(step: Step) -> Self {
        Self::Step(step)
    }
}

impl From<Node> for Body {
    fn from(node: Node) -> Self {
        Self::Node(node)
    }
}

impl From<Intervention> for Body {
    fn from(intervention: Intervention) -> Self {
        Self::Intervention(intervention)
    }
}

impl Body {
    /// Whether it must be on disk before the next action: all but progress and the state of nodes, which are seen again.
    pub fn is_lifecycle(&self) -> bool {
        !matches!(self, Self::Node(_) | Self::Step(Step::Progress { .. }) | Self::Unknown)
    }
}
