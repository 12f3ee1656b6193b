//! Which clusters the agent cannot reach, and which stored secrets are not restored with the others.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use serde_json::Value;

use super::unapproved::connected_live;
use crate::cluster::{Cluster as Reached, ErrorKind};
use crate::engine::Context;
use crate::event::{Exception, Failure, Run};
use crate::object::ObjectRef;
use crate::platform::argocd::decide::{Away, AwayState};
use crate::platform::argocd::{remote, secret};
use crate::runbook::{Cluster, ClusterState, Runbook};
use crate::steps::{Restored, World};

/// What became of a cluster that lives on, once that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// The agent has its secret.
    Connected,
    /// It stays unconnected in this run. With the reason.
    Left(String),
}

/// Returns the secrets of clusters, which are not restored with the others: each has a time and a form of its own.
pub(in crate::steps) fn held_back(runbook: &Runbook) -> BTreeSet<&str> {
    runbook
        .clusters
        .values()
        .filter_map(|cluster| cluster.secret.as_deref())
        .collect()
}

/// Returns the stored secret of a cluster, if there is one.
pub(super) fn stored<'world>(world: &'world World, cluster: &Cluster) -> Option<&'world Restored> {
    world.secrets.get()?.get(cluster.secret.as_ref()?)
}

/// Returns how Applications choose a cluster, and whether the agent reaches it.
pub(super) fn whereabouts(world: &World, name: &str, cluster: &Cluster, state: AwayState) -> Away {
    let stored = stored(world, cluster).map(|restored| &restored.data);
    let servers = stored.and_then(|data| secret::field(data, "server")).map(str::to_owned);
    Away {
        cluster: name.to_owned(),
        name: remote::name_of(name, stored).to_owned(),
        servers: servers
            .into_iter()
            .chain(cluster.server.as_ref().map(ToString::to_string))
            .collect(),
        state,
    }
}

/// Returns the clusters that the agent cannot reach now.
pub(in crate::steps) fn away(world: &World, runbook: &Runbook) -> Vec<Away> {
    let fates = world.fates.lock().unwrap_or_else(PoisonError::into_inner);
    runbook
        .clusters
        .iter()
        .filter_map(|(name, cluster)| {
            let state = match (cluster.state, fates.get(name)) {
                (ClusterState::Absent, _) => AwayState::Gone(format!("cluster {name} is absent")),
                (ClusterState::Survives, None) => AwayState::Held,
                (ClusterState::Survives, Some(Fate::Left(why))) => {
                    AwayState::Gone(format!("cluster {name} is not connected: {why}"))
                }
                (ClusterState::Survives, Some(Fate::Connected)) | (ClusterState::Rebuilt, _) => return None,
            };
            Some(whereabouts(world, name, cluster, state))
        })
        .collect()
}

/// Returns the clusters that live on, each as long as it is held back.
pub(super) fn survivors(world: &World, runbook: &Runbook) -> Vec<Away> {
    let survivors = runbook.clusters.iter();
    survivors
        .filter(|(_, cluster)| cluster.state == ClusterState::Survives)
        .map(|(name, cluster)| whereabouts(world, name, cluster, AwayState::Held))
        .collect()
}

/// Finds the clusters that the agent reaches already: an earlier run was allowed to connect them, the platform was taken
/// over as it is, or somebody else has connected them, which is told loudly. Nothing there is held back any more.
pub(in crate::steps) async fn find_connected(world: &World, context: &Context) -> Result<(), Failure> {
    let (runbook, target) = (world.runbook()?, world.cluster()?);
    let is_known = |name: &str| {
        let fates = world.fates.lock().unwrap_or_else(PoisonError::into_inner);
        fates.contains_key(name)
    };
    let open: Vec<_> = survivors(world, runbook)
        .into_iter()
        .filter(|away| !is_known(&away.cluster))
        .collect();
    if open.is_empty() {
        return Ok(());
    }
    let live = secrets(world, runbook, target).await?;
    for away in open {
        let name = &away.cluster;
        let own = runbook.clusters[name].secret.as_deref();
        let Some((secret, by_us)) = connected_live(&live, &away, own) else {
            continue;
        };
        settle(world, name, Fate::Connected);
        let secret = secret["metadata"]["name"].as_str().unwrap_or_default();
        if world.adopts() {
            context.notice(format!(
                "Cluster {name} is connected already, by Secret {secret}, on the platform that is taken over."
            ));
        } else if !by_us {
            context.emit(Run::Excepted(Exception {
                subject: format!("cluster {name}"),
                what: format!("connected by Secret {secret}, which this restore did not apply"),
                reason: "no approval of it is journaled, and the agent acts there since then: see what it has deleted and changed"
                    .into(),
            }));
        }
    }
    Ok(())
}

/// Returns the Secrets by which the agent knows clusters; only those that the runbook names where they may not be listed.
async fn secrets(world: &World, runbook: &Runbook, target: &Reached) -> Result<Vec<Value>, Failure> {
    let namespace = &runbook.agent.namespace;
    let of_clusters = format!("{}=cluster", secret::TYPE);
    match target.labelled("v1", "Secret", namespace, &of_clusters).await {
        Err(error) if error.kind() == ErrorKind::Denied => {}
        listed => return Ok(listed?),
    }
    let mut found = Vec::new();
    for away in survivors(world, runbook) {
        if let Some(name) = &runbook.clusters[&away.cluster].secret {
            let id = ObjectRef::new("v1", "Secret", namespace, name);
            found.extend(target.get(&id).await?);
        }
    }
    Ok(found)
}

/// Notes what became of a cluster.
pub(super) fn settle(world: &World, name: &str, fate: Fate) {
    let mut fates = world.fates.lock().unwrap_or_else(PoisonError::into_inner);
    fates.insert(name.to_owned(), fate);
}
