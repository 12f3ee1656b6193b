//! Events of one step of a plan.

use serde::{Deserialize, Serialize};

use super::failure::Failure;

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

impl Effect {
    /// Whether it may change the world.
    pub const fn may_change(self) -> bool {
        !matches!(self, Self::Reads)
    }
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

impl PlannedStep {
    /// The step that waits for the apps of clusters that were connected.
    pub const OF_CLUSTERS: &'static str = "apps/clusters";
}

/// What a person is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// What it is about, a sentence.
    pub prompt: String,
    /// What the person should know to answer, one line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
    /// The word that has to be typed to go on. Without it the answer itself is what is asked for, such as a reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<String>,
    /// The words of which one has to begin the answer, the reason after it. Only where no single word is to be typed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// How long an answer is waited for, in milliseconds; for ever if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// The flag that would answer it without a person at hand, such as `--approve data=COMMENT`.
    pub flag: String,
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
    /// It asks a person, and waits.
    Asked {
        /// The step.
        id: String,
        /// What it asks.
        question: Question,
    },
    /// The person has answered.
    Answered {
        /// The step.
        id: String,
        /// Whether it may go on.
        approved: bool,
        /// Who answered: the name of the user, or the flag that answered for one.
        by: String,
        /// What the person said beside it; empty if nothing.
        comment: String,
    },
    /// A program that it runs wrote a line. May be lost: it is not forced to disk.
    Output {
        /// The step.
        id: String,
        /// The line, with secret values masked.
        line: String,
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
            Self::Progress { id, .. }
            | Self::Asked { id, .. }
            | Self::Answered { id, .. }
            | Self::Output { id, .. }
            | Self::Finished { id, .. } => id,
            Self::Unknown => "",
        }
    }
}
