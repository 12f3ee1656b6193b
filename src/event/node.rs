//! Events of what is waited for, and of what is done about it.

use std::fmt;

use serde::{Deserialize, Serialize};

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
