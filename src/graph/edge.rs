//! One thing that waits for another.

use serde::Serialize;

use super::node::{NodeId, Place};
use super::reason::Reason;

/// What happens to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// It is there.
    Exists,
    /// It is well: a CRD is Established, a Deployment rolled out, a webhook answers, a Certificate issued. An object of a kind that
    /// nothing judges is well as soon as it is there.
    Healthy,
}

/// How sure it is that one waits for the other. The first is given up first where things wait for each other in a circle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Firmness {
    /// A good order that nothing enforces. Given up where it is part of a circle.
    Optional,
    /// Holds under a condition that the sources do not tell, such as a webhook that is asked only for some objects.
    Conditional,
    /// Holds always.
    Mandatory,
}

/// One thing that waits for another, between objects and apps.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// What waits, and until when it does not happen.
    pub later: (NodeId, When),
    /// What it waits for.
    pub earlier: (NodeId, When),
    /// Why.
    pub reason: Reason,
    /// How sure that is.
    pub firmness: Firmness,
    /// Where it is written.
    pub place: Place,
}
