//! Looks at a cluster that lives on: what the agent would delete and change there. Only reads, and asks for dry runs.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, stream};
use serde_json::Value;

use super::fresh::Fresh;
use super::rendered::{anew, rendered};
use super::toll::Toll;
use crate::agent::argocd::Observer;
use crate::cluster::{Change, Cluster, Error};
use crate::event::Failure;
use crate::object::{Manifest, ObjectRef};
use crate::platform::argocd::application::Application;
use crate::platform::argocd::applicationset::ApplicationSet;
use crate::platform::argocd::decide::{Away, Tree};
use crate::platform::argocd::secret::{self, Data};
use crate::platform::argocd::survivor::{Fate, Wanted, judge};
use crate::platform::argocd::tracking::Tracking;
use crate::steps::{World, tree};

/// Requests in flight at most: the cluster serves others.
const IN_FLIGHT: usize = 8;

/// As whom the agent applies on the server's side (`util/argo/argo.go`, `common.ArgoCDSSAManager`).
const AGENT: &str = "argocd-controller";

/// An app that goes to the cluster.
struct Coming {
    /// Its name as its mark spells it.
    name: String,
    namespace: String,
    prunes: bool,
    is_automated: bool,
    manifests: Result<Vec<Manifest>, String>,
}

/// Returns what connecting the cluster would cost. A cluster that cannot be looked at is not harmless: that is then said.
pub(super) async fn look(world: &World, away: &Away, stored: &Data) -> Result<Toll, Failure> {
    let mut toll = Toll::default();
    let cluster = match connected(stored).await {
        Ok(cluster) => cluster,
        Err(why) => {
            toll.unknown.push(format!("what is on it: {why}"));
            return Ok(toll);
        }
    };
    let (runbook, target) = (world.runbook()?, world.cluster()?);
    let settings = ObjectRef::new("v1", "ConfigMap", &runbook.agent.namespace, "argocd-cm");
    let tracking = Tracking::of(target.get(&settings).await?.as_ref());
    let fresh = Fresh::fetch(world).await?;
    let tree = seen(target).await?;
    let mut labels = runbook.clusters[&away.cluster].labels.clone();
    labels.insert(secret::TYPE.to_owned(), "cluster".to_owned());
    for (id, set) in &tree.sets {
        if ApplicationSet::new(set).may_choose(&labels) {
            toll.unknown.push(format!(
                "{id} makes apps for the clusters that it finds, and finds this one only when it is connected"
            ));
        }
    }
    let coming = coming(world, &fresh, &tree, away, &cluster).await;
    let everything = match cluster.everything().await {
        Ok(everything) => everything,
        Err(error) => {
            toll.unknown.push(format!("what is on it: {}", said(&error)));
            return Ok(toll);
        }
    };
    toll.unknown
        .extend(everything.unlisted.iter().map(|why| format!("what is there of {why}")));
    let wanted = coming
        .iter()
        .map(|app| (app.name.clone(), app.wanted(&cluster)))
        .collect();
    weigh(&everything.objects, &tracking, &wanted, &mut toll);
    for app in &coming {
        app.compare(&cluster, &tracking, &mut toll).await;
    }
    Ok(toll)
}

/// Connects as the agent would.
pub(super) async fn connected(stored: &Data) -> Result<Cluster, String> {
    let kubeconfig = secret::kubeconfig(stored)?;
    Cluster::connect_by(&kubeconfig, secret::CONTEXT)
        .await
        .map_err(|error| said(&error))
}

fn said(error: &Error) -> String {
    std::iter::once(error.to_string())
        .chain(error.causes().iter().cloned())
        .collect::<Vec<_>>()
        .join(": ")
}

/// Returns the agent's own resources as they are now.
async fn seen(target: &Cluster) -> Result<Tree, Failure> {
    let mut observer = Observer::start(target)?;
    while !observer.is_complete() {
        observer.changed().await;
    }
    Ok(observer.tree().clone())
}

/// Returns the apps that go to the cluster, rendered where that can be done.
async fn coming(world: &World, fresh: &Fresh<'_>, tree: &Tree, away: &Away, cluster: &Cluster) -> Vec<Coming> {
    let agents = world
        .runbook()
        .map(|runbook| runbook.agent.namespace.clone())
        .unwrap_or_default();
    let stages = world.prepared.get().into_iter().flat_map(|prepared| &prepared.ground);
    let ground = stages.flat_map(|stage| &stage.manifests);
    let renderer = anew(world, tree::build_options(tree::installed(ground)));
    let mut all = Vec::new();
    for (id, object) in &tree.applications {
        let app = Application::new(object);
        if !app.goes_to(&away.name, &away.servers) {
            continue;
        }
        // An app outside of the agent's own namespace is marked with both.
        let name = if id.namespace == agents {
            id.name.clone()
        } else {
            format!("{}_{}", id.namespace, id.name)
        };
        let manifests = rendered(&renderer, fresh, app, &name, &cluster.identity().version).await;
        all.push(Coming {
            name,
            namespace: app.namespace().to_owned(),
            prunes: app.is_automated() && app.prunes() && !app.has_sync_option("Prune=false"),
            is_automated: app.is_automated(),
            manifests,
        });
    }
    all
}

/// Sorts the live objects by what would become of them.
fn weigh(live: &[Value], tracking: &Tracking, wanted: &BTreeMap<String, Wanted>, toll: &mut Toll) {
    for marked in judge(live, tracking, wanted) {
        let (object, app) = (marked.object, marked.app);
        match marked.fate {
            Fate::Deleted => toll
                .deleted
                .push(format!("{object} (of app {app}, which no longer holds it)")),
            Fate::Unknown(why) => toll.unknown.push(format!("{object} (of app {app}: {why})")),
            Fate::LeftAlone(why) => toll.left_alone.push(format!("{object} (of app {app}: {why})")),
        }
    }
}

impl Coming {
    fn wanted(&self, cluster: &Cluster) -> Wanted {
        let rendered = self.manifests.as_ref().map_err(Clone::clone).map(|manifests| {
            manifests
                .iter()
                // What the cluster serves no kind of cannot be there.
                .filter_map(|manifest| cluster.located(manifest, &self.namespace).ok())
                .collect::<BTreeSet<_>>()
        });
        Wanted {
            prunes: self.prunes,
            rendered,
        }
    }

    /// Finds what the app would change, by the server's own dry runs.
    async fn compare(&self, cluster: &Cluster, tracking: &Tracking, toll: &mut Toll) {
        if !self.is_automated {
            return;
        }
        let manifests = match &self.manifests {
            Ok(manifests) => manifests,
            Err(why) => {
                toll.unknown.push(format!("what app {} would change: {why}", self.name));
                return;
            }
        };
        let marked: Vec<_> = manifests
            .iter()
            .map(|manifest| {
                let mut manifest = manifest.clone();
                tracking.mark(manifest.value_mut(), &self.name, &self.namespace);
                manifest
            })
            .collect();
        // The futures are made before they are polled: a closure inside the stream would borrow for too short a time.
        let asked: Vec<_> = marked
            .iter()
            .map(|manifest| self.would_change(cluster, manifest))
            .collect();
        let mut answers = stream::iter(asked).buffered(IN_FLIGHT);
        while let Some((object, answer)) = answers.next().await {
            match answer {
                Ok(Change::Other) => toll.changed.push(format!("{object} (of app {})", self.name)),
                Ok(Change::Unseen) => toll.unknown.push(format!(
                    "{object} (of app {}: it is as rendered, but whether it holds what Git has no more cannot be seen)",
                    self.name
                )),
                Ok(Change::New | Change::Same) => {}
                Err(error) => toll
                    .unknown
                    .push(format!("{object} (of app {}): {}", self.name, said(&error))),
            }
        }
    }

    async fn would_change(&self, cluster: &Cluster, manifest: &Manifest) -> (ObjectRef, Result<Change, Error>) {
        match cluster.located(manifest, &self.namespace) {
            // What the cluster serves no kind of would be made, and harms nothing.
            Err(_) => (manifest.id(), Ok(Change::New)),
            Ok(id) => (id, cluster.would_change(manifest, &self.namespace, AGENT).await),
        }
    }
}
