//! An object or an app of the graph.

use std::fmt;

use serde::Serialize;

use crate::object::ObjectRef;

/// The number of a node in its [graph](super::Graph).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct NodeId(pub(super) usize);

/// An object or an app: an app is an object, too.
#[derive(Debug, Clone)]
pub struct Node {
    /// The cluster that it is on; empty for the target.
    pub cluster: String,
    /// Which object.
    pub id: ObjectRef,
    /// Where it comes from.
    pub standing: Standing,
    /// The apps whose sources hold it, or that make it, by their nodes. More than one is worth a finding.
    pub apps: Vec<NodeId>,
    /// Where it is written; the first place where it is written twice.
    pub place: Place,
}

impl fmt::Display for Node {
    /// Writes the object, and the cluster where it is not the target.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.id)?;
        if !self.cluster.is_empty() {
            write!(f, " on {}", self.cluster)?;
        }
        Ok(())
    }
}

/// Where an object comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It is an app.
    App,
    /// The sources of an app hold it.
    Brought,
    /// Another object of the platform makes it.
    Made,
    /// It is in the cluster already.
    There,
    /// The runbook puts it there.
    Runbook,
    /// The installation of the agent brings it.
    Agent,
    /// Every cluster has it.
    BuiltIn,
    /// It is needed, and nothing that is known brings it.
    Missing,
}

/// Where something is written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
pub struct Place {
    /// The name of the source in the runbook, or the address where it is none of them; empty where it is not in a source.
    pub source: String,
    /// The file within it.
    pub file: String,
    /// The line of the object's first key, from 1; 0 where it is not known.
    pub line: usize,
}

impl fmt::Display for Place {
    /// Writes `source:file:line`, without what is empty.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)?;
        if !self.file.is_empty() {
            let colon = if self.source.is_empty() { "" } else { ":" };
            write!(f, "{colon}{}", self.file)?;
        }
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        Ok(())
    }
}
