//! What came of a capture, as data.

use jiff::Timestamp;
use serde::Serialize;

use super::super::survey::Lack;
use crate::event::Failure;
use crate::finding::{Finding, Severity};

/// What a capture found, and wrote where it was asked to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Capture {
    /// The runbook's name.
    pub runbook: String,
    /// When.
    pub at: Timestamp,
    /// The server of the cluster that was captured.
    pub server: String,
    /// Whether it was asked to write.
    pub writes: bool,
    /// The places of the secrets, in the order of names.
    pub places: Vec<Captured>,
    /// What a restore will need and the runbook does not name.
    pub needed: Vec<Needed>,
    /// Why nobody knows what else a restore will need, if the sources cannot be told from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<Failure>,
    /// What is wrong with what the cluster has, or with what the runbook says of it.
    pub findings: Vec<Finding>,
    /// When was captured before, by whom and from which server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What became of the manifest, where one is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Kept>,
}

/// A place of a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Captured {
    /// The secret's name in the runbook.
    pub secret: String,
    /// The store.
    pub store: String,
    /// The path in it.
    pub path: String,
    /// How it stands.
    #[serde(flatten)]
    pub state: State,
}

/// How a place stands to what the cluster has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum State {
    /// The store holds what the cluster has.
    Same {
        /// Its version.
        version: String,
    },
    /// The store has nothing there.
    New {
        /// The keys that would be stored.
        keys: Vec<String>,
    },
    /// The store holds what was captured before, and the cluster has something else since.
    Stale {
        /// Its version.
        version: String,
        /// How they differ.
        differs: Differs,
    },
    /// The store holds something else, and to put what the cluster has in its place may lose what is worth more: a person has to say so.
    Left {
        /// Its version.
        version: String,
        /// Why it is left alone.
        why: String,
        /// How they differ.
        differs: Differs,
    },
    /// It was written.
    Written {
        /// The new version.
        version: String,
        /// How what was there differs.
        differs: Differs,
    },
    /// The cluster has none, and need not.
    Absent,
    /// Nothing can be written there, so that a person keeps it, and it holds what the cluster has.
    Kept,
    /// Nothing can be written there, and it does not hold what the cluster has, or nobody knows.
    ByHand {
        /// Why.
        why: String,
    },
    /// It cannot be told, or writing it failed.
    Failed {
        /// In which way.
        how: Lack,
        /// Why, and how to mend it.
        failure: Failure,
    },
}

/// How what is stored differs from what the cluster has, by the names of keys.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Differs {
    /// Keys that the store lacks.
    pub new: Vec<String>,
    /// Keys with another value.
    pub changed: Vec<String>,
    /// Keys that the cluster no longer has.
    pub gone: Vec<String>,
}

/// Something that a restore will need and that the runbook does not name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Needed {
    /// What it is.
    pub object: String,
    /// Who needs it.
    pub reader: String,
    /// What to write under `secrets` of the runbook.
    pub entry: String,
}

/// What became of the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Where it is, `PATH in store STORE`.
    pub place: String,
    /// Its version, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whether it was written now.
    pub written: bool,
    /// Why it was not, although it should have been.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

impl Differs {
    /// Returns the keys that differ.
    pub(super) fn keys(&self) -> Vec<&str> {
        let all = self.new.iter().chain(&self.changed).chain(&self.gone);
        all.map(String::as_str).collect()
    }

    /// Whether there is no difference.
    pub(super) fn is_none(&self) -> bool {
        self.new.is_empty() && self.changed.is_empty() && self.gone.is_empty()
    }
}

impl Capture {
    /// Whether the stores hold what a restore of this cluster needs, all of it and as it is now.
    pub fn is_current(&self) -> bool {
        let is_current = |place: &Captured| {
            matches!(
                place.state,
                State::Same { .. } | State::Written { .. } | State::Absent | State::Kept
            )
        };
        self.nothing_is_open() && self.places.iter().all(is_current)
    }

    /// Whether nothing keeps the stores from holding all of it: a capture that writes would leave nothing to do.
    pub fn can_be_written(&self) -> bool {
        let is_in_the_way = |place: &Captured| {
            matches!(
                place.state,
                State::Left { .. } | State::ByHand { .. } | State::Failed { .. }
            )
        };
        self.nothing_is_open() && !self.places.iter().any(is_in_the_way)
    }

    fn nothing_is_open(&self) -> bool {
        let is_error = |finding: &Finding| finding.severity == Severity::Error;
        let is_kept = self.manifest.as_ref().is_none_or(|kept| kept.failure.is_none());
        self.needed.is_empty() && self.unknown.is_none() && is_kept && !self.findings.iter().any(is_error)
    }
}
