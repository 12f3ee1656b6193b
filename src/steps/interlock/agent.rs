//! The agent that may be on the cluster already.

use super::super::World;
use crate::agent::argocd;
use crate::cluster::Cluster;
use crate::engine::Context;
use crate::event::Failure;

/// Returns whether the agent is there already; a different version of it is refused.
pub(super) async fn present(world: &World, cluster: &Cluster, context: &Context) -> Result<bool, Failure> {
    let (runbook, prepared) = (world.runbook()?, world.prepared()?);
    let workloads: Vec<_> = prepared.needed.iter().chain(&prepared.others).cloned().collect();
    let Some(present) = argocd::present(cluster, &workloads).await? else {
        return Ok(false);
    };
    if present.version != prepared.version && world.earlier.get().is_some() {
        context.notice(format!(
            "Argo CD {} is on the cluster from the earlier run; Git has {} now, which is installed over it.",
            present.version, prepared.version
        ));
    } else if present.version != prepared.version {
        return Err(Failure::new(format!(
            "Argo CD {} is on the cluster, and the runbook installs {}",
            present.version, prepared.version
        ))
        .hint(format!(
            "let {}:{} install the version that is there, or remove it from namespace {}",
            runbook.agent.from.source, runbook.agent.from.path, runbook.agent.namespace
        )));
    }
    if present.workloads < workloads.len() {
        return Ok(false);
    }
    if world.earlier.get().is_none() {
        context.notice(format!(
            "Argo CD {} is on the cluster already and stays as it is.",
            present.version
        ));
    }
    Ok(true)
}
