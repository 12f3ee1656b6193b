//! What follows from the roots, as the plan shows it.

use serde::Serialize;

use crate::graph::{AppSource, Contents, Platform};
use crate::object::ObjectRef;
use crate::platform::argocd::hook::is_hook;

/// An app, with what it will bring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedApp {
    /// The app. A root of the runbook is of the kind `Root`, with the runbook's id.
    pub app: ObjectRef,
    /// The app that brings it; none for a root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<ObjectRef>,
    /// The cluster that it deploys to; empty for the target.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cluster: String,
    /// The namespace of its objects that name none.
    pub namespace: String,
    /// Where its objects are read.
    pub sources: Vec<AppSource>,
    /// Its objects.
    pub objects: Vec<PlannedObject>,
    /// Why its objects are not known, where they are not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

/// An object of an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedObject {
    /// The object, as it is written: without a namespace where it names none.
    pub object: ObjectRef,
    /// The source in which it is written.
    pub source: String,
    /// The file in that source.
    pub file: String,
    /// The line; 0 where it is not known.
    pub line: usize,
    /// Whether a sync runs it as a hook.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub hook: bool,
}

/// Returns the apps of a platform as the plan shows them, parents before children.
pub fn apps(platform: &Platform) -> Vec<PlannedApp> {
    let all = &platform.apps;
    all.iter()
        .map(|app| {
            let (objects, unknown) = match &app.contents {
                Contents::Known(objects) => (objects.iter().map(object).collect(), Vec::new()),
                Contents::Unknown(why) => (Vec::new(), why.clone()),
            };
            PlannedApp {
                app: app.id.clone(),
                parent: app.parent.map(|parent| all[parent].id.clone()),
                cluster: app.cluster.clone(),
                namespace: app.namespace.clone(),
                sources: app.sources.clone(),
                objects,
                unknown,
            }
        })
        .collect()
}

fn object(sourced: &crate::graph::Sourced) -> PlannedObject {
    let manifest = &sourced.manifest;
    PlannedObject {
        object: manifest.id(),
        source: sourced.source.clone(),
        file: manifest.origin().file.clone(),
        line: manifest.origin().line,
        hook: is_hook(manifest.value()),
    }
}
