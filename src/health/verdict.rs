//! What is thought of a live object.

use serde::{Deserialize, Serialize};

/// How well an object is, in Argo CD's words, the best first (gitops-engine, `pkg/health/health.go`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Status {
    /// It does what it is for.
    Healthy,
    /// It is halted, and somebody must let it go on.
    Suspended,
    /// It is on its way.
    Progressing,
    /// It is not there.
    Missing,
    /// It has failed, or does not get there by itself.
    Degraded,
    /// What it says of itself cannot be understood.
    Unknown,
}

/// A verdict with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// How well it is.
    pub status: Status,
    /// Why, in the object's own words where it has any; empty where there is nothing to add.
    pub message: String,
}

impl Status {
    /// Gives the verdict its reason.
    pub(super) fn because(self, message: impl Into<String>) -> Health {
        Health {
            status: self,
            message: message.into(),
        }
    }
}

impl From<Status> for Health {
    fn from(status: Status) -> Self {
        status.because("")
    }
}
