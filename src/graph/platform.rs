//! What a graph is made from.

use serde::Serialize;

use crate::object::{Manifest, ObjectRef};

/// A platform as its sources describe it.
#[derive(Debug, Clone, Default)]
pub struct Platform {
    /// Everything that brings objects, parents before their children.
    pub apps: Vec<App>,
    /// Whether the agent waits in a wave until the Applications of the wave are healthy: its settings have a health check for
    /// the kind Application, which it has not of itself.
    pub children_are_awaited: bool,
}

/// Something that brings objects: a root of the runbook, an Application, an `ApplicationSet`, a Flux Kustomization.
#[derive(Debug, Clone)]
pub struct App {
    /// The object that it is. A root of the runbook is no object; it is named `Root` with the runbook's id.
    pub id: ObjectRef,
    /// The app whose objects it is one of, by its place in [`Platform::apps`]; `None` for a root.
    pub parent: Option<usize>,
    /// Its own object, as it is written or generated; none for a root.
    pub object: Option<Sourced>,
    /// The cluster that its objects go to; empty for the target.
    pub cluster: String,
    /// The namespace of its objects that name none.
    pub namespace: String,
    /// Where its objects are read.
    pub sources: Vec<AppSource>,
    /// What it brings.
    pub contents: Contents,
}

/// One of the sources of an app.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct AppSource {
    /// The name of the source in the runbook; empty where it is none of them.
    pub name: String,
    /// The address of the repository, as the app writes it.
    pub repository: String,
    /// The commit, or the version of a chart; empty where it is not known.
    pub revision: String,
    /// The folder, or the name of a chart.
    pub path: String,
}

/// What an app brings.
#[derive(Debug, Clone)]
pub enum Contents {
    /// Its objects, as the agent would render them, in the order in which they are written.
    Known(Vec<Sourced>),
    /// Nobody but the agent can tell; why, one reason each.
    Unknown(Vec<String>),
}

impl Contents {
    /// Returns the objects that are known; none where nobody can tell.
    pub fn objects(&self) -> &[Sourced] {
        match self {
            Self::Known(objects) => objects,
            Self::Unknown(_) => &[],
        }
    }
}

/// An object, with the source in which it is written.
#[derive(Debug, Clone)]
pub struct Sourced {
    /// The name of the source in the runbook, or the address where it is none of them; the file and line in it are the manifest's own.
    pub source: String,
    /// The object.
    pub manifest: Manifest,
}
