//! What a graph is made from, besides the platform itself.

use super::node::{Place, Standing};
use crate::object::ObjectRef;

/// What is known besides what the sources hold.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// What is there, or will be before the first app.
    pub given: Vec<Given>,
    /// What the runbook puts after what.
    pub after: Vec<After>,
    /// The namespace of the agent; empty where there is none.
    pub agent_namespace: String,
}

/// An object that no app brings, and that is known to be there in time.
#[derive(Debug, Clone)]
pub struct Given {
    /// The cluster that it is on; empty for the target.
    pub cluster: String,
    /// Which object.
    pub id: ObjectRef,
    /// [`Standing::There`], [`Standing::Runbook`], [`Standing::Agent`] or [`Standing::BuiltIn`].
    pub by: Standing,
    /// What it opens, where it is a Secret of the agent.
    pub opens: Option<Opens>,
}

/// What a Secret of the agent gives it access to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opens {
    /// A cluster, by its name and the address of its server.
    Cluster {
        /// The name; empty where there is none.
        name: String,
        /// The address.
        server: String,
    },
    /// A repository, by its address.
    Repository(String),
    /// All repositories whose address begins so.
    Repositories(String),
}

/// That the runbook puts one thing after another.
#[derive(Debug, Clone)]
pub struct After {
    /// What comes later: an app, or a step, which is no object; it is named `Step` with its id.
    pub later: ObjectRef,
    /// What comes first.
    pub earlier: ObjectRef,
    /// Where the runbook says so.
    pub place: Place,
}
