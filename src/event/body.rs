//! The envelope of an event.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::node::{Intervention, Node};
use super::run::Run;
use super::step::Step;

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
    /// Whether it must be on disk before the next action: all but progress and the state of nodes, which are seen again, and what is
    /// only expected.
    pub fn is_lifecycle(&self) -> bool {
        !matches!(
            self,
            Self::Node(_)
                | Self::Run(Run::Foreseen { .. } | Run::Expected { .. })
                | Self::Step(Step::Progress { .. } | Step::Output { .. })
                | Self::Unknown
        )
    }
}
