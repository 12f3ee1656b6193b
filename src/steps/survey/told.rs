//! What was found, as data.

use jiff::Timestamp;
use serde::Serialize;

use crate::event::Failure;
use crate::finding::{Finding, Severity};
use crate::secrets::ErrorKind;

/// What was found of all secrets of a runbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Survey {
    /// The runbook's name.
    pub runbook: String,
    /// When.
    pub at: Timestamp,
    /// The secrets, in the order of names.
    pub secrets: Vec<Credential>,
    /// What is wrong with several of them together.
    pub findings: Vec<Finding>,
}

/// One secret of the runbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Credential {
    /// Its name in the runbook.
    pub name: String,
    /// What it becomes: `argocd/repository`, `kubernetes.io/tls`.
    pub kind: String,
    /// Whether a recovery goes on without it.
    pub optional: bool,
    /// Where it can be read, in the order in which a restore tries.
    pub places: Vec<Place>,
    /// What is wrong with what was read.
    pub findings: Vec<Finding>,
}

/// One place from which a secret can be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The store.
    pub store: String,
    /// The path in it.
    pub path: String,
    /// What is there.
    #[serde(flatten)]
    pub seen: Seen,
}

/// What is at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// It is there.
    Found {
        /// Its version, where the store keeps them.
        version: Option<String>,
        /// When that was written, where the store tells.
        written: Option<Timestamp>,
        /// Whether its values were read and looked into, or only what is told of them.
        read: bool,
        /// Whether we may read it for certain: it was read, or the store says so.
        readable: bool,
    },
    /// It cannot be had.
    Lacking {
        /// In which way.
        how: Lack,
        /// Why, and how to mend it.
        failure: Failure,
    },
}

/// In which way a secret cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lack {
    /// The store answers, and it is not there.
    Missing,
    /// The store answers, and does not let us in or not read it.
    Denied,
    /// The store cannot be asked, now.
    Unreachable,
    /// It is there or not; what was asked or answered makes no sense.
    Unclear,
}

impl Lack {
    /// Tells it by what a store said.
    pub(in crate::steps) fn of(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::MissingPath
            | ErrorKind::MissingVersion
            | ErrorKind::MissingKey
            | ErrorKind::Deleted
            | ErrorKind::Destroyed => Self::Missing,
            ErrorKind::Denied | ErrorKind::Login => Self::Denied,
            ErrorKind::Unreachable
            | ErrorKind::Untrusted
            | ErrorKind::Sealed
            | ErrorKind::NotInitialised
            | ErrorKind::Standby
            | ErrorKind::Throttled
            | ErrorKind::TooLong => Self::Unreachable,
            _ => Self::Unclear,
        }
    }

    /// Returns the word for it.
    pub(in crate::steps) fn word(self) -> &'static str {
        match self {
            Self::Missing => "MISSING",
            Self::Denied => "DENIED",
            Self::Unreachable => "UNREACHABLE",
            Self::Unclear => "UNCLEAR",
        }
    }
}

impl Survey {
    /// Whether every secret can be had from every place and nothing in it is wrong. An optional secret may be nowhere.
    pub fn is_complete(&self) -> bool {
        let all = self
            .secrets
            .iter()
            .flat_map(|secret| &secret.findings)
            .chain(&self.findings);
        self.secrets.iter().all(Credential::is_here)
            && all.into_iter().all(|finding| finding.severity != Severity::Error)
    }

    /// Whether nothing is warned of either.
    pub fn is_spotless(&self) -> bool {
        let mut all = self
            .secrets
            .iter()
            .flat_map(|secret| &secret.findings)
            .chain(&self.findings);
        self.is_complete() && all.all(|finding| finding.severity == Severity::Note)
    }
}

impl Credential {
    /// Whether it can be had from every place, or need not.
    pub fn is_here(&self) -> bool {
        // What a store would not or could not tell is nowhere for certain only where it says so.
        let is_nowhere = |place: &Place| matches!(place.seen, Seen::Lacking { how: Lack::Missing, .. });
        let is_lacking = |place: &Place| matches!(place.seen, Seen::Lacking { .. });
        !self.places.iter().any(is_lacking) || (self.optional && self.places.iter().all(is_nowhere))
    }

    /// Whether a place was seen to hold it, and nobody knows whether its values may be read.
    pub fn is_unread(&self) -> bool {
        let is_unread = |place: &Place| matches!(place.seen, Seen::Found { readable: false, .. });
        self.places.iter().any(is_unread)
    }

    /// Whether what was read of it cannot be restored.
    pub fn is_wrong(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }
}
