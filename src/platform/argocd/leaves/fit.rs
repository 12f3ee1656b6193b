//! Which apps may be created ahead of their parents.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::graph::{App, Contents, Platform, Sourced};
use crate::object::ObjectRef;
use crate::platform::argocd::GROUP;
use crate::platform::argocd::application::Application;
use crate::platform::argocd::hook::is_hook;
use crate::platform::argocd::project::permits_in_namespace;

/// A platform, with what is asked of each of its apps.
pub(super) struct Fit<'p> {
    platform: &'p Platform,
    /// The projects that there will be.
    projects: &'p HashMap<&'p str, Cow<'p, Value>>,
    agent_namespace: &'p str,
    /// How often each Application is written.
    written: BTreeMap<ObjectRef, usize>,
}

impl<'p> Fit<'p> {
    pub(super) fn new(
        platform: &'p Platform,
        projects: &'p HashMap<&'p str, Cow<'p, Value>>,
        agent_namespace: &'p str,
    ) -> Self {
        let mut written: BTreeMap<ObjectRef, usize> = BTreeMap::new();
        for app in &platform.apps {
            let Contents::Known(objects) = &app.contents else {
                continue;
            };
            let applications = objects.iter().filter(|object| object.manifest.is(GROUP, "Application"));
            for object in applications {
                let mut id = object.manifest.id();
                if id.namespace.is_empty() {
                    id.namespace.clone_from(&app.namespace);
                }
                *written.entry(id).or_default() += 1;
            }
        }
        Self {
            platform,
            projects,
            agent_namespace,
            written,
        }
    }

    /// Says why an app is not created ahead of its parent, or nothing where it may be. Not asked of an app that brings others.
    pub(super) fn why_not(&self, index: usize) -> Option<String> {
        let app = &self.platform.apps[index];
        let object = &app.object.as_ref()?.manifest;
        let live = Application::new(object.value());
        let parent = app.parent.map(|parent| &self.platform.apps[parent]);
        if let Some(set) = parent.filter(|parent| parent.id.kind == "ApplicationSet") {
            return Some(format!("ApplicationSet {} makes it", set.id.name));
        }
        if self.written.get(&app.id).is_some_and(|count| *count > 1) {
            return Some("more than one app brings it".into());
        }
        if matches!(app.contents, Contents::Unknown(_)) {
            return Some("what it brings is not known beforehand".into());
        }
        if is_hook(object.value()) {
            return Some("it is a hook".into());
        }
        if !app.cluster.is_empty() || !live.is_in_cluster() {
            return Some("it goes to another cluster".into());
        }
        if !is_synced(live) {
            return Some("it is not synced by itself".into());
        }
        self.above(index)
    }

    /// Says what is wrong with the apps above one, and with the place that it is written in.
    fn above(&self, index: usize) -> Option<String> {
        let mut at = index;
        while let Some(parent) = self.platform.apps[at].parent {
            let (below, above) = (&self.platform.apps[at], &self.platform.apps[parent]);
            if !self.is_at_home(below) {
                return Some(format!(
                    "{} is in the namespace {}, which is not the agent's",
                    below.id.name, below.id.namespace
                ));
            }
            if let Some(object) = above.object.as_ref().map(|object| object.manifest.value()) {
                let live = Application::new(object);
                if above.id.kind != "Application" || is_hook(object) || !is_synced(live) {
                    return Some(format!("{}, which it is below, is not synced by itself", above.id.name));
                }
                if !above.cluster.is_empty() || !live.is_in_cluster() {
                    return Some(format!("{}, which brings it, goes to another cluster", above.id.name));
                }
                if !self.is_permitted(live) {
                    return Some(format!(
                        "the project of {} is not known to let it bring Applications",
                        above.id.name
                    ));
                }
            }
            at = parent;
        }
        None
    }

    fn is_at_home(&self, app: &App) -> bool {
        app.id.namespace == self.agent_namespace
    }

    /// Whether the project of an app lets it bring Applications into the agent's namespace: our rights go further than those that the
    /// agent gives to this app.
    fn is_permitted(&self, app: Application<'_>) -> bool {
        self.projects
            .get(app.project())
            .is_some_and(|project| permits_in_namespace(project, app, self.agent_namespace, (GROUP, "Application")))
    }
}

/// Whether an app brings other apps, so that it is none of the leaves.
pub(super) fn is_interior(app: &App) -> bool {
    let Contents::Known(objects) = &app.contents else {
        return false;
    };
    let is_app =
        |object: &Sourced| object.manifest.group() == GROUP && object.manifest.kind().starts_with("Application");
    app.object.is_none() || objects.iter().any(is_app)
}

fn is_synced(app: Application<'_>) -> bool {
    app.is_automated() && !app.is_skipped()
}
