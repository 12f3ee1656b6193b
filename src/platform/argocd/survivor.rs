//! What the agent would do to a cluster that lived on, if it were connected: which live objects it would delete.
//!
//! It deletes what bears the mark of one of its apps and is no longer rendered for it (`controller/state.go`), if that
//! app syncs and prunes by itself.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::application::text;
use super::hook::is_hook;
use super::tracking::Tracking;
use crate::object::ObjectRef;

/// What is known of an app that goes to the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Whether its syncs start by themselves and delete what is no longer rendered.
    pub prunes: bool,
    /// What is rendered for it, or why that cannot be told.
    pub rendered: Result<BTreeSet<ObjectRef>, String>,
}

/// What would become of a live object that is not rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It would be deleted.
    Deleted,
    /// It cannot be told.
    Unknown(String),
    /// It stays as it is, for this reason.
    LeftAlone(String),
}

/// A live object that bears the mark of an app and may not stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// The object.
    pub object: ObjectRef,
    /// The app, as the mark spells it.
    pub app: String,
    /// What would become of it.
    pub fate: Fate,
}

/// Judges the live objects of a cluster by their metadata. `wanted` holds every app that goes there, by the name that
/// its mark spells. What is rendered stays, and is not in the result.
pub fn judge(live: &[Value], tracking: &Tracking, wanted: &BTreeMap<String, Wanted>) -> Vec<Marked> {
    let mut found: Vec<_> = live
        .iter()
        .filter_map(|object| {
            let app = tracking.owner(object)?;
            let id = identity(object);
            let fate = match wanted.get(app) {
                None => Fate::LeftAlone("no app of this name goes to this cluster any more".to_owned()),
                Some(wanted) => fate(object, &id, wanted)?,
            };
            let app = app.to_owned();
            Some(Marked { object: id, app, fate })
        })
        .collect();
    found.sort_by(|one, other| one.object.cmp(&other.object));
    found
}

fn fate(object: &Value, id: &ObjectRef, wanted: &Wanted) -> Option<Fate> {
    match &wanted.rendered {
        Ok(rendered) if rendered.contains(id) => None,
        _ if is_hook(object) => None,
        _ if is_kept(object) => Some(Fate::LeftAlone("its own `Prune=false` keeps it".to_owned())),
        _ if !wanted.prunes => Some(Fate::LeftAlone("its app does not prune by itself".to_owned())),
        Ok(_) => Some(Fate::Deleted),
        Err(why) => Some(Fate::Unknown(why.clone())),
    }
}

fn annotation<'object>(object: &'object Value, name: &str) -> &'object str {
    object
        .get("metadata")
        .and_then(|metadata| metadata.get("annotations")?.get(name)?.as_str())
        .unwrap_or_default()
}

fn is_kept(object: &Value) -> bool {
    annotation(object, "argocd.argoproj.io/sync-options")
        .split(',')
        .any(|option| option.trim() == "Prune=false")
}

fn identity(object: &Value) -> ObjectRef {
    ObjectRef::new(
        text(object, "/apiVersion"),
        text(object, "/kind"),
        text(object, "/metadata/namespace"),
        text(object, "/metadata/name"),
    )
}

#[cfg(test)]
#[path = "survivor_tests.rs"]
mod tests;
