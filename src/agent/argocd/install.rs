//! Putting Argo CD on a cluster, and finding the one that is there.

use futures::future::try_join_all;
use serde_json::Value;

use crate::cluster::{Cluster, Counts, Error, Mode};
use crate::health;
use crate::object::ObjectRef;
use crate::platform::argocd::install::{Stage, installed_version};

/// An Argo CD that is on the cluster already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    /// Its version; empty where it cannot be told.
    pub version: String,
    /// Which of the workloads asked about are there.
    pub workloads: usize,
}

/// Returns the Argo CD that these workloads would install, if it is there already.
pub async fn present(cluster: &Cluster, workloads: &[ObjectRef]) -> Result<Option<Present>, Error> {
    let found: Vec<Value> = try_join_all(workloads.iter().map(|id| cluster.get(id)))
        .await?
        .into_iter()
        .flatten()
        .collect();
    if found.is_empty() {
        return Ok(None);
    }
    Ok(Some(Present {
        version: installed_version(&found).unwrap_or_default(),
        workloads: found.len(),
    }))
}

/// Applies one stage of the install, and waits for its CRDs to be served. What somebody has set by hand is left: they may have had
/// to in this very outage.
pub async fn apply_stage(cluster: &Cluster, stage: &Stage, namespace: &str, mode: Mode) -> Result<Counts, Error> {
    cluster
        .apply_ranked_around_conflicts(&stage.manifests, namespace, mode)
        .await
}

/// How far the agent's workloads are, as it is told while waiting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    /// How many are ready.
    pub ready: usize,
    /// What each of the others lacks.
    pub waiting: Vec<(ObjectRef, String)>,
}

/// Waits until all these workloads are ready. `told` hears of every change.
pub async fn ready(cluster: &Cluster, workloads: &[ObjectRef], told: impl Fn(&Readiness) + Sync) -> Result<(), Error> {
    let state = std::sync::Mutex::new(Readiness {
        ready: 0,
        waiting: workloads
            .iter()
            .map(|id| (id.clone(), "it is not seen yet".to_owned()))
            .collect(),
    });
    let update = |id: &ObjectRef, why: Option<&str>| {
        let mut state = state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(why) = why {
            if let Some((_, known)) = state.waiting.iter_mut().find(|(waiting, _)| waiting == id) {
                why.clone_into(known);
            }
        } else {
            state.waiting.retain(|(waiting, _)| waiting != id);
            state.ready += 1;
        }
        told(&state);
    };
    try_join_all(workloads.iter().map(|id| async move {
        cluster.until(id, health::workload, |why| update(id, Some(why))).await?;
        update(id, None);
        Ok::<_, Error>(())
    }))
    .await?;
    Ok(())
}
