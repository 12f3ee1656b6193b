//! The projects that leaves belong to and that come only with an app above them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fit::is_interior;
use super::leaf::Leaf;
use crate::graph::{App, Contents, Platform};
use crate::object::{Manifest, ObjectRef};
use crate::platform::argocd::GROUP;
use crate::platform::argocd::application::Application;
use crate::platform::argocd::hook::is_hook;
use crate::platform::argocd::preload::{Preloaded, all_projects, is_brought_by_itself};
use crate::platform::argocd::project::permits_in_namespace;

/// Returns the projects that leaves name and that one root or one app brings, which is synced by itself, goes to the agent's own cluster
/// and is let by its own project. They are applied before the first leaf, as a CRD that another app needs is.
pub fn projects(platform: &Platform, installed: &[Value], agent_namespace: &str) -> Vec<Preloaded> {
    let known = all_projects(platform, installed, agent_namespace);
    let mut needed: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for app in platform.apps.iter().filter(|app| !is_interior(app)) {
        if let Some(object) = &app.object {
            let project = Application::new(object.manifest.value()).project();
            needed.entry(project).or_default().push(app.id.name.clone());
        }
    }
    let mut brought: BTreeMap<ObjectRef, Vec<(usize, &Manifest)>> = BTreeMap::new();
    for (index, app) in platform.apps.iter().enumerate() {
        let Contents::Known(objects) = &app.contents else {
            continue;
        };
        for manifest in objects.iter().map(|object| &object.manifest) {
            if manifest.is(GROUP, "AppProject") {
                brought
                    .entry(located(manifest, app))
                    .or_default()
                    .push((index, manifest));
            }
        }
    }
    let is_let = |index: usize| {
        let app = &platform.apps[index];
        let Some(object) = &app.object else { return true };
        let live = Application::new(object.manifest.value());
        app.cluster.is_empty()
            && app.id.namespace == agent_namespace
            && is_brought_by_itself(platform, index)
            && known
                .get(live.project())
                .is_some_and(|project| permits_in_namespace(project, live, agent_namespace, (GROUP, "AppProject")))
    };
    let found = brought.into_iter().filter_map(|(id, by)| {
        let [(index, manifest)] = by[..] else { return None };
        if id.namespace != agent_namespace || is_hook(manifest.value()) || !is_let(index) {
            return None;
        }
        let needed_by = needed.get(id.name.as_str())?.clone();
        let mut manifest = manifest.clone();
        manifest.value_mut()["metadata"]["namespace"] = id.namespace.into();
        let app = &platform.apps[index];
        // What a root holds is in no app.
        Some(Preloaded::project(
            manifest,
            app,
            app.object.is_some() && brings_others(app),
            needed_by,
        ))
    });
    found.collect()
}

/// Leaves of the projects those that these leaves name, with who does.
pub fn named(projects: Vec<Preloaded>, leaves: &[Leaf]) -> Vec<Preloaded> {
    let named = |project: &mut Preloaded| {
        let id = project.id();
        let by = leaves
            .iter()
            .filter(|leaf| Application::new(&leaf.object).project() == id.name);
        project.needed_by = by.map(|leaf| leaf.id.name.clone()).collect();
        !project.needed_by.is_empty()
    };
    let mut projects = projects;
    projects.retain_mut(named);
    projects
}

fn located(manifest: &Manifest, app: &App) -> ObjectRef {
    let mut id = manifest.id();
    if id.namespace.is_empty() {
        id.namespace.clone_from(&app.namespace);
    }
    id
}

/// Whether an app brings anything but projects, by which it comes to sync.
fn brings_others(app: &App) -> bool {
    let Contents::Known(objects) = &app.contents else {
        return false;
    };
    let mut manifests = objects.iter().map(|object| &object.manifest);
    manifests.any(|manifest| !is_hook(manifest.value()) && !manifest.is(GROUP, "AppProject"))
}
