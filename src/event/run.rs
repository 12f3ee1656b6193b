//! Events of the run as a whole.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::begun::Begun;
use super::failure::Failure;
use super::step::PlannedStep;

/// The name of a run: a ULID, so that names sort by time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub String);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
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

/// That one node waits for another; both are places in the list of nodes beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits {
    /// What waits.
    pub later: usize,
    /// What it waits for.
    pub earlier: usize,
    /// Whether it waits until that is well as a whole, and not only until its objects are there.
    pub until_well: bool,
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
        /// What is known of the steps that were begun before, in that run or in one that it went on with.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        begun: Vec<Begun>,
        /// The recovery time in milliseconds, where the recovery clock stopped in one of those runs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        recovery_ms: Option<u64>,
        /// The run that ended recovered, where one of those did: what it did is not for this one to do again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        recovered_by: Option<RunId>,
        /// How long a person was waited for in those runs, in milliseconds, while the recovery clock ran.
        #[serde(default, skip_serializing_if = "is_zero")]
        human_ms: u64,
        /// What those runs left to do by hand and this one does not find anew.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        left_to_do: Vec<String>,
    },
    /// Another run of this runbook was on this cluster before, and this one does not go on with it.
    Follows {
        /// That run.
        run: RunId,
        /// Whether it did not recover, so that it can be gone on with.
        #[serde(default)]
        unfinished: bool,
        /// What is known of the steps that must not be done twice and were begun then, or in a run before.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        begun: Vec<Begun>,
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
        /// What the digest covers: the name of each thing, and the beginning of a digest of its own.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        covers: Vec<(String, String)>,
    },
    /// What waits for what among the apps, as far as the sources tell it. May be lost: it is not forced to disk.
    Foreseen {
        /// The nodes by their stable names; an empty one stands for a point where many wait for many, such as a wave.
        apps: Vec<String>,
        /// What waits for what among them.
        waits: Vec<Waits>,
    },
    /// How long it takes from now on, as far as can be told. May be lost: it is not forced to disk.
    Expected {
        /// Until the recovery clock stops or, where it has stopped, until the run ends; in milliseconds.
        left_ms: u64,
        /// Of how many apps an earlier run tells how long they take; of the others it is guessed.
        measured: usize,
        /// How many apps are expected.
        apps: usize,
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
    /// A person has vouched for something that the tool cannot know, or asked for something that it does not do unasked.
    Vouched {
        /// For what: the name of the flag without its dashes, such as `fenced`, with the step it names: `was-done step/data`.
        what: String,
        /// The person's words.
        reason: String,
    },
    /// A source that is followed has moved since it was planned.
    SourceMoved {
        /// The source.
        source: String,
        /// The commit before.
        from: String,
        /// The commit now.
        to: String,
        /// Whether the new commit does not follow from the old one: somebody has rewritten history.
        rewritten: bool,
    },
    /// A cluster that was built anew, and that the agent is to drive, was proved to be the right one.
    Remote {
        /// Its name in the runbook.
        cluster: String,
        /// The server's address.
        server: String,
        /// The UID of its namespace `kube-system`, which stands for it.
        uid: String,
    },
    /// Something is left to do by hand.
    LeftToDo {
        /// What, a full sentence.
        what: String,
        /// Whether it is a fact of the recovery from now on: a run that goes on with this one does not find it anew, and says
        /// it all the same.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        lasting: bool,
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

/// What nobody has waited for is not written.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(milliseconds: &u64) -> bool {
    *milliseconds == 0
}

impl Run {
    /// The word with which a person vouches that a step was done whose result is not known, before the step's id.
    pub const WAS_DONE: &'static str = "was-done";
    /// The word with which a person wants a step done again that must not be done twice, before the step's id.
    pub const DO_AGAIN: &'static str = "do-again";

    /// Says what a person says of a step whose result is not known: one of the two words, and the reason.
    pub fn told_of_step(word: &str, id: &str, reason: &str) -> Self {
        Self::Vouched {
            what: format!("{word} {id}"),
            reason: reason.to_owned(),
        }
    }
}
