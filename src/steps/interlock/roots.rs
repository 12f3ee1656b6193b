//! The roots as they may live on the cluster already.

use super::super::World;
use crate::cluster::Cluster;
use crate::event::Failure;
use crate::platform::argocd::{GROUP, damage};

/// Refuses where a root is being deleted there: that cannot be taken back, and what follows from it goes with it.
pub(super) async fn live(world: &World, cluster: &Cluster) -> Result<(), Failure> {
    let namespace = &world.runbook()?.agent.namespace;
    let mut failure = Failure::new("a root is being deleted on the cluster");
    for root in world.prepared()?.roots.iter().flatten() {
        // Where the kind is not served yet nothing of it can live.
        let (GROUP, Ok(id)) = (root.group(), cluster.located(root, namespace)) else {
            continue;
        };
        if let Some(live) = cluster.get(&id).await? {
            failure.causes.extend(damage::dying(&id, &live));
        }
    }
    if failure.causes.is_empty() {
        return Ok(());
    }
    Err(failure
        .hint("let the deletion end and restore then, or find out who deletes it")
        .hint("to keep what it deployed, take its finalizers away by hand: then it goes and its resources stay"))
}
