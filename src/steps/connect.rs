//! Finds the cluster and says which it is. Only reads.

use std::sync::Arc;

use async_trait::async_trait;

use super::interlock::target;
use super::{World, lease};
use crate::cluster::{Cluster, Inventory, Target};
use crate::engine::{Context, Step};
use crate::event::{Effect, Failure, Outcome, Phase, PlannedStep, Run, RunState};

/// Connects to the target.
pub struct Connect(pub Arc<World>);

#[async_trait]
impl Step for Connect {
    fn planned(&self) -> PlannedStep {
        PlannedStep {
            id: "connect".into(),
            phase: Phase::Prepare,
            title: "find the cluster".into(),
            effect: Effect::Reads,
        }
    }

    async fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        let runbook = self.0.runbook()?;
        let named = self
            .0
            .options
            .context
            .clone()
            .or_else(|| runbook.target.context.clone());
        let target = Target {
            kubeconfig: self.0.options.kubeconfig.clone(),
            context: named.ok_or_else(|| {
                Failure::new("no context is named: a recovery never guesses its cluster")
                    .hint("name it in the runbook as `target: {context: …}` or with --context")
            })?,
        };
        let cluster = context.unless_stopped(Cluster::connect(&target)).await??;
        let identity = cluster.identity().clone();
        let inventory = cluster.inventory(&runbook.target.namespaces).await?;
        let detail = format!("{} {}", identity.server, identity.version);
        context.emit(Run::Cluster {
            context: identity.context,
            server: identity.server,
            uid: identity.uid,
            version: identity.version,
            state: words(&inventory),
        });
        // The interlock proves both once more. Here they keep a login that opens only once from being spent for nothing.
        target::never(runbook, cluster.identity())?;
        let looked = async {
            lease::look(&self.0, &cluster).await?;
            lease::first_look(&self.0, &cluster, context).await?;
            // After that, for it may be written while the holder of the Lease lives.
            lease::read_record(&self.0, &cluster).await
        };
        context.unless_stopped(looked).await??;
        let _ = self.0.cluster.set(cluster);
        Ok(Outcome::Done { detail })
    }
}

impl World {
    /// Takes up an earlier run; refuses where that was on another cluster than the one that was found.
    pub fn take_up(&self, earlier: RunState) -> Result<(), Failure> {
        let here = self
            .unfinished()
            .map(|(run, by)| format!("what {by} left unfinished on this cluster is gone on with by --resume={run}"));
        let _ = self.earlier.set(earlier);
        target::same_cluster(self, self.cluster()?.identity()).map_err(|failure| match here {
            Some(here) => failure.hint(here),
            None => failure,
        })
    }
}

/// Returns a number of things, such as `1 workload` or `2 workloads`.
pub(super) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Says in a few words what is on the cluster.
fn words(inventory: &Inventory) -> String {
    if inventory.is_empty() {
        return "empty".into();
    }
    let parts = [
        (inventory.agent_resources.len(), "agent resource"),
        (inventory.bound_volumes.len(), "bound volume"),
        (inventory.workloads.len(), "workload"),
    ];
    let parts: Vec<_> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| counted(*count, what))
        .collect();
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_run_is_taken_up_on_its_own_cluster_and_on_no_other() {
        let earlier = || RunState {
            cluster: Some(crate::event::Cluster {
                context: String::new(),
                server: String::new(),
                uid: "ours".into(),
                version: String::new(),
                state: String::new(),
            }),
            ..RunState::default()
        };
        for (uid, is_taken_up) in [("ours", true), ("another", false)] {
            let world = World::default();
            let _ = world.cluster.set(Cluster::deaf(uid));
            let taken = world.take_up(earlier());
            assert_eq!(taken.is_ok(), is_taken_up, "{uid}: {taken:?}");
            assert_eq!(world.earlier.get(), Some(&earlier()));
        }
    }
}
