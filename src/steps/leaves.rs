//! The apps that a run creates itself, before the roots: `order: graph`.

use std::sync::Arc;

use super::World;
use crate::cluster::{Cluster, Error};
use crate::object::ObjectRef;
use crate::platform::argocd::leaves::Leaf;
use crate::platform::argocd::tracking::Tracking;

/// Returns the leaves of this run, as they were planned.
pub(super) fn ours(world: &World) -> &[Leaf] {
    world.prepared.get().map_or(&[], |prepared| &prepared.leaves.ours)
}

/// Returns the same as they are created: with the marks that the agent's own settings ask for.
pub(super) async fn marked(world: &World, cluster: &Cluster) -> Result<Arc<[Leaf]>, Error> {
    let namespace = world.runbook.get().map(|runbook| runbook.agent.namespace.as_str());
    let settings = ObjectRef::new("v1", "ConfigMap", namespace.unwrap_or_default(), "argocd-cm");
    let tracking = Tracking::of(cluster.get(&settings).await?.as_ref());
    Ok(ours(world).iter().map(|leaf| leaf.marked(&tracking)).collect())
}
