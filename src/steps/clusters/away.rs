//! Which clusters the agent cannot reach, and which stored secrets are not restored with the others.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use crate::event::Failure;
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

/// Finds the clusters whose secret the agent has already: an earlier run was allowed to connect them, or the platform was
/// taken over as it is. Nothing there is held back any more.
pub(in crate::steps) async fn find_connected(world: &World) -> Result<(), Failure> {
    let (runbook, target) = (world.runbook()?, world.cluster()?);
    for (name, cluster) in &runbook.clusters {
        let Some(secret) = cluster
            .secret
            .as_ref()
            .filter(|_| cluster.state == ClusterState::Survives)
        else {
            continue;
        };
        let is_known = world
            .fates
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains_key(name);
        if is_known {
            continue;
        }
        let id = ObjectRef::new("v1", "Secret", &runbook.agent.namespace, secret);
        if target.get(&id).await?.is_some() {
            settle(world, name, Fate::Connected);
        }
    }
    Ok(())
}

/// Notes what became of a cluster.
pub(super) fn settle(world: &World, name: &str, fate: Fate) {
    let mut fates = world.fates.lock().unwrap_or_else(PoisonError::into_inner);
    fates.insert(name.to_owned(), fate);
}
