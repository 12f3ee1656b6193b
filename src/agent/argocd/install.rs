//! Putting Argo CD on a cluster, and finding the one that is there.

use futures::future::try_join_all;
use serde_json::Value;

use crate::cluster::{Cluster, Error, Mode, health};
use crate::object::{Manifest, ObjectRef};
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

/// Applies one stage of the install, and waits for its CRDs to be served. Returns how many objects were sent and how many
/// were already so.
pub async fn apply_stage(
    cluster: &Cluster,
    stage: &Stage,
    namespace: &str,
    mode: Mode,
) -> Result<(usize, usize), Error> {
    let counts = cluster.apply_all(&stage.manifests, namespace, mode).await?;
    let crds: Vec<ObjectRef> = stage
        .manifests
        .iter()
        .filter(|manifest| is_crd(manifest))
        .map(Manifest::id)
        .collect();
    if !crds.is_empty() {
        let kind = |manifest: &Manifest| (manifest.text("/spec/group").to_owned(), manifest.text("/spec/names/kind").to_owned());
        let kinds: Vec<_> = stage.manifests.iter().filter(|manifest| is_crd(manifest)).map(kind).collect();
        try_join_all(crds.iter().map(|id| cluster.until(id, health::established, |_| ()))).await?;
        cluster.until_served(&kinds).await?;
    }
    Ok(counts)
}

fn is_crd(manifest: &Manifest) -> bool {
    manifest.is("apiextensions.k8s.io", "CustomResourceDefinition")
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
        match why {
            Some(why) => {
                if let Some((_, known)) = state.waiting.iter_mut().find(|(waiting, _)| waiting == id) {
                    why.clone_into(known);
                }
            }
            None => {
                state.waiting.retain(|(waiting, _)| waiting != id);
                state.ready += 1;
            }
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
