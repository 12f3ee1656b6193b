//! Which CRDs and namespaces are there before the roots, because an app needs of another what it brings. Pure: a platform in.
//!
//! Argo CD orders what one app brings, and nothing across apps (argo-cd #3781): an app whose custom resources come before another
//! app's CRD fails, and begins again until its retries are used up.
//!
//! A namespace bears the mark of the app that brings it, so that this app finds it as its own. It is synced with what else the app brings,
//! which is how the agent comes to own its fields. An app that brings nothing else would find itself Synced and never sync; what is
//! applied for such a one bears no mark, and its first sync takes it over.
//!
//! A CRD never bears a mark: Argo CD gives it none (`reposerver/repository/repository.go`, `GenerateManifests`), so that it is never pruned,
//! and with one it would be. Where an app brings CRDs alone it is Synced at once, and a first sync is begun for it (`decide/takeover.rs`);
//! if it has hooks, which that would run, its CRDs are left to the agent.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::GROUP;
use super::application::{Application, items, text};
use super::applicationset::ApplicationSet;
use super::hook::is_hook;
use super::install::default_project;
use super::project::{permits, permits_target};
use super::tracking::Tracking;
use crate::graph::{App, Contents, Platform, brings};
use crate::object::{Manifest, ObjectRef};

/// Namespaces that every cluster has.
const BUILT_IN: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// An object that is applied before the roots.
#[derive(Debug, Clone)]
pub struct Preloaded {
    /// As its app brings it, without a mark.
    manifest: Manifest,
    /// The name of the app that brings it, which its mark bears: it is in the agent's own namespace.
    pub app: String,
    /// Where that app deploys to.
    namespace: String,
    /// Whether the app brings anything else, by which it comes to sync.
    is_synced_with_others: bool,
    /// The apps that need it, by name and in order.
    pub needed_by: Vec<String>,
}

impl Preloaded {
    /// Returns its identity.
    pub fn id(&self) -> ObjectRef {
        self.manifest.id()
    }

    /// Says what is wrong with what is there in its place, if anything is. Nothing of that is changed.
    pub fn amiss(&self, live: &Value, tracking: &Tracking) -> Option<String> {
        let (id, app) = (self.id(), &self.app);
        let deleted = text(live, "/metadata/deletionTimestamp");
        if !deleted.is_empty() {
            return Some(format!(
                "{id} is there, but is being deleted since {deleted}: apps that need it come when it is gone and {app} has brought it anew; \
                 its finalizers tell what holds it"
            ));
        }
        if let Some(other) = tracking.owner(live).filter(|owner| owner != app) {
            return Some(format!(
                "{id} is there and bears the mark of the app {other}, and {app} brings it too"
            ));
        }
        let served = |object| -> BTreeSet<&str> {
            let versions = items(object, "/spec/versions").filter(|version| version["served"] == true);
            versions.map(|version| text(version, "/name")).collect()
        };
        let there = served(live);
        let lacking: Vec<_> = served(self.manifest.value()).difference(&there).copied().collect();
        (!lacking.is_empty()).then(|| {
            format!(
                "{id} is there, but does not serve {}, which {app} brings",
                lacking.join(", ")
            )
        })
    }

    /// Returns the app that brings it, in the agent's namespace, if that would never come to sync: it brings CRDs alone.
    pub fn unsynced(&self, agent_namespace: &str) -> Option<ObjectRef> {
        let is_so = self.manifest.kind() == "CustomResourceDefinition" && !self.is_synced_with_others;
        is_so.then(|| ObjectRef::new("argoproj.io/v1alpha1", "Application", agent_namespace, &self.app))
    }

    /// Takes a project, and how its app would mark it.
    pub(super) fn project(manifest: Manifest, app: &App, is_synced_with_others: bool, needed_by: Vec<String>) -> Self {
        Self {
            manifest,
            app: app.id.name.clone(),
            namespace: app.namespace.clone(),
            is_synced_with_others,
            needed_by,
        }
    }

    /// Returns the object as it is applied: with the mark that its app gives it, where that app comes to sync all the same.
    pub fn object(&self, tracking: &Tracking) -> Manifest {
        let mut manifest = self.manifest.clone();
        if self.is_synced_with_others && matches!(manifest.kind(), "Namespace" | "AppProject") {
            tracking.mark(manifest.value_mut(), &self.app, &self.namespace);
        }
        manifest
    }
}

impl std::fmt::Display for Preloaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const SHOWN: usize = 3;
        let (shown, more) = self.needed_by.split_at(self.needed_by.len().min(SHOWN));
        write!(f, "{} of {}, which {}", self.id(), self.app, shown.join(", "))?;
        if !more.is_empty() {
            write!(f, " and {} more", more.len())?;
        }
        let verb = if self.needed_by.len() == 1 { "needs" } else { "need" };
        write!(f, " {verb}")
    }
}

/// Returns what an app brings to the target and another app needs there, namespaces first.
///
/// Left to the agent is what it would not bring by itself, or not as it is written:
///
/// * of an app that is not synced automatically, or below one;
/// * of an app in another namespace than the agent's, or whose project is not known to permit it: our rights go further than those that the
///   agent gives to this app;
/// * a hook, and an object of two apps;
/// * of an app that syncs only what differs (`ApplyOutOfSyncOnly=true`);
/// * a CRD whose objects a webhook converts: an Argo CD that cannot have them converted sees nothing of the cluster any more
///   (argo-cd #20828).
pub fn preloaded(platform: &Platform, projects: &[Value], agent_namespace: &str) -> Vec<Preloaded> {
    let projects = all_projects(platform, projects, agent_namespace);
    let mut brought: BTreeMap<ObjectRef, Vec<(usize, &Manifest)>> = BTreeMap::new();
    let mut kinds: HashMap<(&str, &str), BTreeSet<usize>> = HashMap::new();
    let mut namespaces: HashMap<&str, BTreeSet<usize>> = HashMap::new();
    for (index, app) in platform
        .apps
        .iter()
        .enumerate()
        .filter(|(_, app)| app.cluster.is_empty())
    {
        let Contents::Known(objects) = &app.contents else {
            continue;
        };
        for object in objects {
            let manifest = &object.manifest;
            if is_ground(manifest) {
                brought.entry(manifest.id()).or_default().push((index, manifest));
                continue;
            }
            kinds
                .entry((manifest.group(), manifest.kind()))
                .or_default()
                .insert(index);
            let home = Some(manifest.text("/metadata/namespace")).filter(|home| !home.is_empty());
            namespaces
                .entry(home.unwrap_or(&app.namespace))
                .or_default()
                .insert(index);
        }
    }
    let mut preloaded: Vec<_> = brought
        .into_values()
        .filter_map(|by| {
            let [(index, manifest)] = by[..] else { return None };
            let is_permitted = || is_permitted(&platform.apps[index], &projects, manifest, agent_namespace);
            let is_left = is_left(manifest)
                || syncs_what_differs(&platform.apps[index])
                || (brings(manifest).is_some() && would_skip_hooks(&platform.apps[index]));
            if is_left || !is_brought_by_itself(platform, index) || !is_permitted() {
                return None;
            }
            let needed = match brings(manifest) {
                Some(kind) => kinds.get(&kind),
                None => namespaces.get(manifest.text("/metadata/name")),
            };
            let needed_by: BTreeSet<_> = needed?
                .iter()
                .filter(|other| **other != index)
                .map(|other| platform.apps[*other].id.name.clone())
                .collect();
            let app = &platform.apps[index];
            (!needed_by.is_empty()).then(|| Preloaded {
                manifest: manifest.clone(),
                app: app.id.name.clone(),
                namespace: app.namespace.clone(),
                is_synced_with_others: false,
                needed_by: needed_by.into_iter().collect(),
            })
        })
        .collect();
    let ids: BTreeSet<_> = preloaded.iter().map(Preloaded::id).collect();
    let with_others: BTreeSet<_> = platform
        .apps
        .iter()
        .filter(|app| brings_others(app, &ids))
        .map(|app| app.id.name.clone())
        .collect();
    for one in &mut preloaded {
        one.is_synced_with_others = with_others.contains(&one.app);
    }
    preloaded.sort_by_key(|preloaded| preloaded.manifest.kind() != "Namespace");
    preloaded
}

/// Returns the projects that there will be, by name: those of the install, the one that Argo CD makes itself, and those that apps of
/// such a project may bring into the agent's namespace.
pub(super) fn all_projects<'all>(
    platform: &'all Platform,
    installed: &'all [Value],
    agent_namespace: &str,
) -> HashMap<&'all str, Cow<'all, Value>> {
    let mut projects = HashMap::from([("default", Cow::Owned(default_project(agent_namespace)))]);
    projects.extend(
        installed
            .iter()
            .map(|project| (text(project, "/metadata/name"), Cow::Borrowed(project))),
    );
    let mut brought = Vec::new();
    for app in &platform.apps {
        let (Some(object), Contents::Known(objects)) = (&app.object, &app.contents) else {
            continue;
        };
        let of = projects.get(Application::new(object.manifest.value()).project());
        if app.id.namespace != agent_namespace || !of.is_some_and(|project| permits_target(project, agent_namespace)) {
            continue;
        }
        let found = objects
            .iter()
            .map(|object| &object.manifest)
            .filter(|manifest| manifest.is(GROUP, "AppProject"));
        brought.extend(found.map(|manifest| (manifest.text("/metadata/name"), Cow::Borrowed(manifest.value()))));
    }
    for (name, project) in brought {
        projects.entry(name).or_insert(project);
    }
    projects
}

/// Whether the project of an app is known, and permits what the app brings.
fn is_permitted(
    app: &App,
    projects: &HashMap<&str, Cow<'_, Value>>,
    manifest: &Manifest,
    agent_namespace: &str,
) -> bool {
    let Some(object) = &app.object else { return false };
    let live = Application::new(object.manifest.value());
    let project = projects.get(live.project());
    (app.id.namespace.is_empty() || app.id.namespace == agent_namespace)
        && project.is_some_and(|project| permits(project, live, manifest.group(), manifest.kind()))
}

/// Whether others may stand on an object of this kind before they can even be applied.
fn is_ground(manifest: &Manifest) -> bool {
    manifest.is("", "Namespace") || brings(manifest).is_some()
}

/// Whether an app brings an object that is neither a hook nor one of these.
fn brings_others(app: &App, ids: &BTreeSet<ObjectRef>) -> bool {
    let Contents::Known(objects) = &app.contents else {
        return false;
    };
    let mut manifests = objects.iter().map(|object| &object.manifest);
    manifests.any(|manifest| !is_hook(manifest.value()) && !ids.contains(&manifest.id()))
}

/// Whether an app never syncs what it finds as it should be, so that it would never come to own what is applied ahead of it.
fn syncs_what_differs(app: &App) -> bool {
    let object = app
        .object
        .as_ref()
        .map(|object| Application::new(object.manifest.value()));
    object.is_some_and(|app| app.has_sync_option("ApplyOutOfSyncOnly=true"))
}

/// Whether an app brings CRDs and hooks, and nothing by which it would come to sync and run these.
fn would_skip_hooks(app: &App) -> bool {
    let Contents::Known(objects) = &app.contents else {
        return true;
    };
    let manifests = || objects.iter().map(|object| &object.manifest);
    manifests().any(|one| is_hook(one.value())) && manifests().all(|one| is_hook(one.value()) || brings(one).is_some())
}

/// Whether the agent alone may apply it.
fn is_left(manifest: &Manifest) -> bool {
    is_hook(manifest.value())
        || manifest.text("/spec/conversion/strategy") == "Webhook"
        || (manifest.kind() == "Namespace" && BUILT_IN.contains(&manifest.text("/metadata/name")))
}

/// Whether the agent syncs an app, and all that it follows from, without being asked.
pub(super) fn is_brought_by_itself(platform: &Platform, index: usize) -> bool {
    let mut at = Some(index);
    while let Some(index) = at {
        let app = &platform.apps[index];
        if let Some(object) = &app.object {
            let value = object.manifest.value();
            let is_synced = match app.id.kind.as_str() {
                "Application" => {
                    let app = Application::new(value);
                    app.is_automated() && !app.is_skipped()
                }
                "ApplicationSet" => !ApplicationSet::new(value).is_rolling(),
                _ => false,
            };
            if app.id.group != GROUP || !is_synced {
                return false;
            }
        }
        at = app.parent;
    }
    // A root by itself is applied as a whole, before or behind this; it lends nothing.
    platform.apps[index].object.is_some()
}

#[cfg(test)]
#[path = "preload_tests.rs"]
mod tests;
