//! From the roots down to what follows from them, level by level, whoever was rendered first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::early::{Early, Target};
use super::generated::generated;
use super::repositories::Repositories;
use super::sourced::sourced;
use super::{clusters, settings};
use crate::event::Failure;
use crate::graph::{App, AppSource, Contents, Platform, Sourced};
use crate::object::{Manifest, ObjectRef};
use crate::platform::argocd::application::Application;
use crate::platform::argocd::exclusions::Exclusions;
use crate::platform::argocd::{GROUP, IN_CLUSTER, served, sets};
use crate::render::{Cluster, Renderer};
use crate::steps::World;
use crate::steps::clusters::renderer;
use serde_json::Value;

/// How deep apps may follow from each other.
pub(super) const DEPTH: usize = 32;

/// What everything is rendered with.
pub(super) struct Ground {
    pub(super) world: Arc<World>,
    pub(super) repositories: Repositories,
    pub(super) clusters: Vec<sets::Cluster>,
    pub(super) renderer: Renderer,
    /// What the agent does not look at.
    pub(super) exclusions: Exclusions,
    /// The agent's namespace.
    pub(super) namespace: String,
}

/// What an app brings.
pub(super) struct Brought {
    pub(super) sources: Vec<AppSource>,
    /// Whether something else may come of it where other kinds are served.
    pub(super) asks: bool,
    /// Its objects, or why they are not known.
    pub(super) contents: Result<Vec<Sourced>, Vec<String>>,
}

/// What follows from the roots.
#[derive(Debug, Default)]
pub(in crate::steps) struct Tree {
    /// Every app with its objects.
    pub(in crate::steps) platform: Platform,
    /// What people should be told of how the apps hang together.
    pub(in crate::steps) notices: Vec<String>,
}

/// What is known when one looks ahead.
pub(in crate::steps) struct Ahead<'known> {
    /// The objects of the roots, in the runbook's order.
    pub(in crate::steps) roots: &'known [Vec<Manifest>],
    /// `argocd-cm`, where the agent has one.
    pub(in crate::steps) settings: Option<&'known Value>,
    /// The target's version, which a chart may ask for.
    pub(in crate::steps) kube_version: Option<String>,
    /// What the target serves before the roots are there, as `group/version` and `group/version/Kind`.
    pub(in crate::steps) served: BTreeSet<String>,
    /// How long everything may take; what is not rendered then is unknown.
    pub(in crate::steps) limit: Duration,
}

/// Renders everything that follows from the roots. `told` hears how many apps are rendered, how many are known, and the name of
/// the last one.
pub(in crate::steps) async fn follow(world: &Arc<World>, ahead: Ahead<'_>, told: Told<'_>) -> Result<Tree, Failure> {
    let runbook = world.runbook()?;
    let secrets = World::need(&world.secrets, "what the stores hold")?;
    let ground = Arc::new(Ground {
        world: Arc::clone(world),
        repositories: Repositories::new(world),
        clusters: clusters::known(runbook, secrets),
        renderer: renderer(world, settings::build_options(ahead.settings)),
        exclusions: Exclusions::of(ahead.settings),
        namespace: runbook.agent.namespace.clone(),
    });
    let brought = ahead.roots.iter().flatten();
    let served = ahead.served.into_iter().chain(served::of_crds(brought));
    let target = Target {
        kube_version: ahead.kube_version,
        served: served.collect(),
    };
    let mut walk = Walk {
        ground,
        target,
        tree: Tree::default(),
        seen: BTreeMap::new(),
        limit: ahead.limit,
    };
    let level = walk.begin(ahead.roots)?;
    walk.on(level, told).await;
    Ok(walk.tree)
}

/// Who hears how far it is.
pub(super) type Told<'all> = &'all (dyn Fn(usize, usize, &str) + Sync);

/// An app that was found and is not rendered yet.
struct Pending {
    parent: usize,
    object: Sourced,
}

struct Walk {
    ground: Arc<Ground>,
    target: Target,
    tree: Tree,
    /// Where each app is in the platform.
    seen: BTreeMap<ObjectRef, usize>,
    limit: Duration,
}

impl Walk {
    /// Puts the roots into the platform; returns the apps among their objects.
    fn begin(&mut self, roots: &[Vec<Manifest>]) -> Result<Vec<Pending>, Failure> {
        let world = Arc::clone(&self.ground.world);
        let (runbook, checkouts) = (
            world.runbook()?,
            World::need(&world.checkouts, "where the sources are")?,
        );
        let mut level = Vec::new();
        for (root, manifests) in runbook.roots.iter().zip(roots) {
            let source = runbook.sources.get(&root.from.source);
            let at = AppSource {
                name: root.from.source.clone(),
                repository: source.map(|source| source.git.clone()).unwrap_or_default(),
                revision: checkouts
                    .get(&root.from.source)
                    .map(|at| at.commit.clone())
                    .unwrap_or_default(),
                path: root.from.path.clone(),
            };
            let objects = manifests.iter().map(|manifest| Sourced {
                source: root.from.source.clone(),
                manifest: manifest.clone(),
            });
            let app = App {
                id: ObjectRef::new("", "Root", "", &root.id),
                parent: None,
                object: None,
                cluster: String::new(),
                namespace: self.ground.namespace.clone(),
                sources: vec![at],
                contents: Contents::Known(objects.collect()),
            };
            level.extend(self.add(app));
        }
        Ok(level)
    }

    /// Adds an app; returns those among its objects that the agent will see.
    fn add(&mut self, app: App) -> Vec<Pending> {
        let parent = self.tree.platform.apps.len();
        let followers = followers(app.contents.objects(), &app.cluster, &app.namespace);
        let children = followers.map(|object| Pending { parent, object }).collect();
        self.tree.platform.apps.push(app);
        children
    }

    /// Puts a level into the platform, and those below it.
    async fn on(&mut self, mut level: Vec<Pending>, told: Told<'_>) {
        let first = level.iter().map(|pending| pending.object.clone());
        let mut early = Early::new(&self.ground, self.target.clone(), self.limit);
        early.all(first, self.tree.platform.apps.len(), told).await;
        while !level.is_empty() {
            level.retain(|pending| self.is_new(pending));
            let mut below = Vec::new();
            for pending in level {
                let Brought { sources, contents, .. } = early.of(&pending.object);
                below.extend(self.put(pending, contents, sources));
            }
            level = below;
        }
    }

    /// Whether an app was not met before. One that follows from itself by way of others is told.
    fn is_new(&mut self, pending: &Pending) -> bool {
        let id = pending.object.manifest.id();
        let next = self.tree.platform.apps.len() + self.seen.len();
        let Some(_) = self.seen.get(&id) else {
            self.seen.insert(id, next);
            return true;
        };
        let mut way = Vec::new();
        let mut above = Some(pending.parent);
        while let Some(place) = above {
            let app = &self.tree.platform.apps[place];
            way.push(app.id.name.clone());
            if app.id == id {
                // An app that manages itself is common, and no harm.
                if way.len() > 1 {
                    way.reverse();
                    way.push(id.name);
                    let way = way.join(" → ");
                    self.tree
                        .notices
                        .push(format!("Applications follow from each other in a circle: {way}."));
                }
                break;
            }
            above = app.parent;
        }
        false
    }

    fn put(
        &mut self,
        pending: Pending,
        contents: Result<Vec<Sourced>, Vec<String>>,
        sources: Vec<AppSource>,
    ) -> Vec<Pending> {
        let id = pending.object.manifest.id();
        let (cluster, namespace) = self.ground.whereabouts(&pending.object.manifest);
        self.add(App {
            id,
            parent: Some(pending.parent),
            cluster,
            namespace,
            sources,
            contents: match contents {
                Ok(objects) => Contents::Known(objects),
                Err(why) => Contents::Unknown(why),
            },
            object: Some(pending.object),
        })
    }
}

/// Returns the apps and sets among the objects of an app that the agent will see, each with its namespace.
pub(super) fn followers(objects: &[Sourced], cluster: &str, namespace: &str) -> impl Iterator<Item = Sourced> {
    let is_seen = cluster.is_empty();
    let is_app = |one: &&Sourced| one.manifest.is(GROUP, "Application") || one.manifest.is(GROUP, "ApplicationSet");
    objects
        .iter()
        .filter(move |one| is_seen && is_app(one))
        .map(move |one| {
            let mut object = one.clone();
            if object.manifest.text("/metadata/namespace").is_empty() {
                object.manifest.value_mut()["metadata"]["namespace"] = namespace.into();
            }
            object
        })
}

impl Ground {
    /// Returns the cluster and the namespace that an app deploys to, and a set to the agent's own.
    pub(super) fn whereabouts(&self, app: &Manifest) -> (String, String) {
        if app.kind() == "ApplicationSet" {
            return (String::new(), app.text("/metadata/namespace").to_owned());
        }
        let view = Application::new(app.value());
        (self.cluster(view), view.namespace().to_owned())
    }

    /// Returns the cluster that an Application chooses, where it is known.
    fn destination(&self, app: Application<'_>) -> Option<&sets::Cluster> {
        let (name, server) = app.destination();
        let server = server.trim_end_matches('/');
        let is_chosen = |cluster: &&sets::Cluster| {
            if name.is_empty() {
                cluster.server == server
            } else {
                cluster.name == name
            }
        };
        self.clusters.iter().find(is_chosen)
    }

    /// Returns the name of the cluster that an Application deploys to; empty for the target. One that nobody knows is as it is
    /// written.
    fn cluster(&self, app: Application<'_>) -> String {
        let (name, server) = app.destination();
        match self.destination(app) {
            Some(cluster) if cluster.server == IN_CLUSTER => String::new(),
            _ if app.is_in_cluster() => String::new(),
            Some(cluster) => cluster.name.clone(),
            None if name.is_empty() => server.to_owned(),
            None => name.to_owned(),
        }
    }

    /// Returns the address of the cluster that an Application deploys to.
    pub(super) fn server(&self, app: Application<'_>) -> String {
        match self.destination(app) {
            Some(cluster) => cluster.server.clone(),
            None if app.is_in_cluster() => IN_CLUSTER.to_owned(),
            None => app.destination().1.to_owned(),
        }
    }
}

/// Renders an app or generates a set.
pub(super) async fn brought(ground: &Ground, object: &Sourced, target: &Cluster) -> Brought {
    if object.manifest.kind() == "Application" {
        return sourced(ground, &object.manifest, target).await;
    }
    let contents = generated(ground, &object.manifest).await;
    let of = |manifest| Sourced {
        source: object.source.clone(),
        manifest,
    };
    Brought {
        sources: Vec::new(),
        asks: false,
        contents: contents.map(|made| made.into_iter().map(of).collect()),
    }
}

#[cfg(test)]
#[path = "walk_tests.rs"]
mod tests;
