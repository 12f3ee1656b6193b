//! What is given to the generating of a set, and what comes of it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::text::{Asked, Texts};

/// A cluster that the agent knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cluster {
    /// The name by which Applications choose it.
    pub name: String,
    /// Its API server, as Applications name it.
    pub server: String,
    /// The project that it is kept for; empty for none.
    pub project: String,
    /// The labels of its Secret; `None` where it has none, as the agent's own cluster mostly.
    pub labels: Option<BTreeMap<String, String>>,
    /// The annotations of its Secret.
    pub annotations: BTreeMap<String, String>,
}

/// A repository at a revision, as a generator names them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The address.
    pub repository: String,
    /// The branch, tag, commit or range of versions.
    pub revision: String,
}

/// The files of a repository at a commit. Names are relative to its root.
pub trait Folder: Send + Sync {
    /// Returns all folders but the root, without those whose names begin with a dot and what is below them.
    fn directories(&self) -> Result<Vec<String>, String>;
    /// Returns all files.
    fn files(&self) -> Result<Vec<String>, String>;
    /// Returns what a file holds.
    fn read(&self, file: &str) -> Result<String, String>;
}

/// What is known.
#[derive(Default)]
pub struct Facts {
    /// The clusters, the agent's own one among them.
    pub clusters: Vec<Cluster>,
    /// The repositories that were fetched, or why one cannot be.
    pub places: BTreeMap<Place, Result<Arc<dyn Folder>, String>>,
    /// The Go templates that were rendered.
    pub texts: Texts,
}

/// What has to be found out before a set can be generated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Repositories to fetch.
    pub places: BTreeSet<Place>,
    /// Go templates to render.
    pub texts: BTreeSet<Asked>,
}

impl Needs {
    /// Whether nothing is needed.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty() && self.texts.is_empty()
    }
}

/// What comes of a set.
#[derive(Debug, Clone, PartialEq)]
pub enum Generated {
    /// Its Applications, each a whole object.
    Applications(Vec<Value>),
    /// It can be told when this is known.
    Needs(Needs),
    /// Only the agent can tell; why.
    Unknown(Vec<String>),
}

/// Why the generating stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// Something has to be found out first; it is noted.
    Needs,
    /// It cannot be told.
    Unknown(String),
}

impl From<String> for Stop {
    fn from(why: String) -> Self {
        Self::Unknown(why)
    }
}

/// One attempt to generate a set: what is known, what was found to be needed, and how its texts are templated.
pub(super) struct Attempt<'facts> {
    pub(super) facts: &'facts Facts,
    pub(super) needs: RefCell<Needs>,
    /// Whether its texts are Go templates.
    pub(super) is_go: bool,
    /// Whether a Go template fails where a parameter is missing (`missingkey=error`).
    pub(super) is_strict: bool,
}

impl Attempt<'_> {
    /// Stops where something is needed that was noted on the way.
    pub(super) fn settle(&self) -> Result<(), Stop> {
        if self.needs.borrow().is_empty() {
            Ok(())
        } else {
            Err(Stop::Needs)
        }
    }

    /// Returns a repository; `None` where it has to be fetched first, which is noted.
    pub(super) fn folder(&self, place: Place) -> Result<Option<&dyn Folder>, Stop> {
        match self.facts.places.get(&place) {
            Some(Ok(folder)) => Ok(Some(folder.as_ref())),
            Some(Err(why)) => Err(Stop::Unknown(why.clone())),
            None => {
                self.needs.borrow_mut().places.insert(place);
                Ok(None)
            }
        }
    }
}
