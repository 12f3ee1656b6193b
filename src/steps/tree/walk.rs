//! From the roots down to what follows from them, level by level.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::clusters;
use super::generated::generated;
use super::repositories::Repositories;
use super::sourced::sourced;
use crate::engine::Context;
use crate::event::Failure;
use crate::graph::{App, AppSource, Contents, Platform, Sourced};
use crate::object::{Manifest, ObjectRef};
use crate::platform::argocd::application::Application;
use crate::platform::argocd::{GROUP, IN_CLUSTER, sets};
use crate::render::{Cluster, Renderer};
use crate::steps::World;
use crate::steps::clusters::renderer;

/// How deep apps may follow from each other.
const DEPTH: usize = 32;

/// What everything is rendered with.
pub(super) struct Ground {
    pub(super) world: Arc<World>,
    pub(super) repositories: Repositories,
    pub(super) clusters: Vec<sets::Cluster>,
    pub(super) renderer: Renderer,
    /// What charts are told of the target.
    pub(super) target: Cluster,
    /// The agent's namespace.
    pub(super) namespace: String,
}

/// What an app brings.
pub(super) struct Brought {
    pub(super) sources: Vec<AppSource>,
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

/// Renders everything that follows from the roots, whose objects are given in the runbook's order. What is not rendered within
/// `limit` is unknown.
pub(in crate::steps) async fn follow(
    world: &Arc<World>,
    roots: &[Vec<Manifest>],
    kube_version: Option<String>,
    limit: Duration,
    context: &Context,
) -> Result<Tree, Failure> {
    let runbook = world.runbook()?;
    let secrets = World::need(&world.secrets, "what the stores hold")?;
    let ground = Arc::new(Ground {
        world: Arc::clone(world),
        repositories: Repositories::new(world),
        clusters: clusters::known(runbook, secrets),
        renderer: renderer(world),
        target: Cluster {
            kube_version,
            api_versions: Vec::new(),
        },
        namespace: runbook.agent.namespace.clone(),
    });
    let mut walk = Walk {
        ground,
        tree: Tree::default(),
        seen: BTreeMap::new(),
        until: Instant::now() + limit,
        limit,
    };
    let level = walk.begin(roots)?;
    walk.on(level, context).await;
    Ok(walk.tree)
}

/// An app that was found and is not rendered yet.
struct Pending {
    parent: usize,
    object: Sourced,
}

struct Walk {
    ground: Arc<Ground>,
    tree: Tree,
    /// Where each app is in the platform.
    seen: BTreeMap<ObjectRef, usize>,
    until: Instant,
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
        let mut children = Vec::new();
        if let Contents::Known(objects) = &app.contents
            && app.cluster.is_empty()
        {
            let is_app =
                |one: &&Sourced| one.manifest.is(GROUP, "Application") || one.manifest.is(GROUP, "ApplicationSet");
            for one in objects.iter().filter(is_app) {
                let mut object = one.clone();
                if object.manifest.text("/metadata/namespace").is_empty() {
                    object.manifest.value_mut()["metadata"]["namespace"] = app.namespace.clone().into();
                }
                children.push(Pending { parent, object });
            }
        }
        self.tree.platform.apps.push(app);
        children
    }

    /// Renders a level, and those below it.
    async fn on(&mut self, mut level: Vec<Pending>, context: &Context) {
        for _ in 0..DEPTH {
            level.retain(|pending| self.is_new(pending));
            if level.is_empty() {
                return;
            }
            level = self.render(level, context).await;
        }
        for pending in level {
            let why = format!("it is deeper than {DEPTH} levels below the roots");
            self.put(pending, Err(vec![why]), Vec::new());
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

    /// Renders the apps of a level at once and puts them into the platform in their order; returns the apps below.
    async fn render(&mut self, level: Vec<Pending>, context: &Context) -> Vec<Pending> {
        let mut running = JoinSet::new();
        for (index, pending) in level.iter().enumerate() {
            let (ground, object) = (Arc::clone(&self.ground), pending.object.clone());
            let until = self.until;
            running.spawn(async move { (index, timeout_at(until, brought(&ground, &object)).await.ok()) });
        }
        let before = self.tree.platform.apps.len();
        let total = before + level.len();
        let mut found: Vec<Option<Brought>> = level.iter().map(|_| None).collect();
        while let Some(ended) = running.join_next().await {
            // A task that panicked leaves its app unknown.
            let Ok((index, brought)) = ended else { continue };
            let name = level[index].object.manifest.text("/metadata/name");
            found[index] = brought;
            let done = before + found.iter().flatten().count();
            context.progress(done, Some(total), format!("rendered {name}"));
        }
        let mut below = Vec::new();
        for (pending, brought) in level.into_iter().zip(found) {
            let late = || format!("not rendered within {} s", self.limit.as_secs());
            let brought = brought.unwrap_or_else(|| Brought {
                sources: Vec::new(),
                contents: Err(vec![late()]),
            });
            below.extend(self.put(pending, brought.contents, brought.sources));
        }
        below
    }

    fn put(
        &mut self,
        pending: Pending,
        contents: Result<Vec<Sourced>, Vec<String>>,
        sources: Vec<AppSource>,
    ) -> Vec<Pending> {
        let id = pending.object.manifest.id();
        let is_set = id.kind == "ApplicationSet";
        let view = Application::new(pending.object.manifest.value());
        let (cluster, namespace) = if is_set {
            (String::new(), id.namespace.clone())
        } else {
            (self.cluster(view), view.namespace().to_owned())
        };
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

    /// Returns the cluster that an Application deploys to; empty for the target. One that nobody knows is as it is written.
    fn cluster(&self, app: Application<'_>) -> String {
        let (name, server) = app.destination();
        let server = server.trim_end_matches('/');
        let known = self.ground.clusters.iter().find(|cluster| {
            if name.is_empty() {
                cluster.server == server
            } else {
                cluster.name == name
            }
        });
        match known {
            Some(cluster) if cluster.server == IN_CLUSTER => String::new(),
            _ if app.is_in_cluster() => String::new(),
            Some(cluster) => cluster.name.clone(),
            None if name.is_empty() => server.to_owned(),
            None => name.to_owned(),
        }
    }
}

async fn brought(ground: &Ground, object: &Sourced) -> Brought {
    if object.manifest.kind() == "Application" {
        return sourced(ground, &object.manifest).await;
    }
    let contents = generated(ground, &object.manifest).await;
    let of = |manifest| Sourced {
        source: object.source.clone(),
        manifest,
    };
    Brought {
        sources: Vec::new(),
        contents: contents.map(|made| made.into_iter().map(of).collect()),
    }
}
