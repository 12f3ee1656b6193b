//! Proves that this is the right cluster and that nothing stands in the way. Only reads; whatever fails here has left
//! everything as it was.

use std::sync::Arc;

use async_trait::async_trait;

use super::World;
use crate::agent::argocd;
use crate::cluster::{Cluster, Inventory, Mode};
use crate::engine::{Context, Step};
use crate::event::{Effect, Failure, Outcome, Phase, PlannedStep};
use crate::runbook::{Expect, Runbook};

/// The interlock.
pub struct Interlock(pub Arc<World>);

#[async_trait]
impl Step for Interlock {
    fn planned(&self) -> PlannedStep {
        PlannedStep {
            id: "interlock".into(),
            phase: Phase::Interlock,
            title: "prove that this is the right cluster".into(),
            effect: Effect::Reads,
        }
    }

    async fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        context.unless_stopped(self.prove(context)).await?
    }
}

impl Interlock {
    async fn prove(&self, context: &Context) -> Result<Outcome, Failure> {
        let runbook = self.0.runbook()?;
        let cluster = self.0.cluster()?;
        never(runbook, cluster)?;
        let present = self.agent(runbook, cluster, context).await?;
        let mut expected = runbook.target.namespaces.clone();
        if present {
            // An agent without apps is no platform: it stays, and its namespace does not make the cluster a foreign one.
            expected.push(runbook.agent.namespace.clone());
        }
        let inventory = cluster.inventory(&expected).await?;
        let ours = self
            .0
            .options
            .resumes
            .as_ref()
            .is_some_and(|uid| *uid == cluster.identity().uid);
        let state = match runbook.target.expect {
            Expect::Adopt => "taken over as it is",
            Expect::Empty if inventory.is_empty() => "empty",
            Expect::Empty if ours => "as an earlier run left it",
            Expect::Empty => return Err(not_empty(&inventory, cluster)),
        };
        self.rights(runbook, cluster).await?;
        let fresh = inventory.is_empty() && !present;
        let _ = self.0.mode.set(if fresh { Mode::Fresh } else { Mode::Careful });
        let _ = self.0.agent_present.set(present);
        Ok(Outcome::Done {
            detail: state.to_owned(),
        })
    }

    /// Whether the agent is there already; a different version of it is refused.
    async fn agent(&self, runbook: &Runbook, cluster: &Cluster, context: &Context) -> Result<bool, Failure> {
        let prepared = self.0.prepared()?;
        let workloads: Vec<_> = prepared.needed.iter().chain(&prepared.others).cloned().collect();
        let Some(present) = argocd::present(cluster, &workloads).await? else {
            return Ok(false);
        };
        if present.version != prepared.version {
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
        if self.0.options.resumes.is_none() {
            context.notice(format!(
                "Argo CD {} is on the cluster already and stays as it is.",
                present.version
            ));
        }
        Ok(true)
    }

    /// What the server says of the user's rights, and of the objects that it can judge before their namespace exists.
    async fn rights(&self, runbook: &Runbook, cluster: &Cluster) -> Result<(), Failure> {
        let prepared = self.0.prepared()?;
        let namespace = &runbook.agent.namespace;
        let objects: Vec<_> = prepared
            .ground
            .iter()
            .chain(&prepared.agent)
            .flat_map(|stage| stage.manifests.iter().cloned())
            .collect();
        let missing = cluster.missing_rights(&objects, namespace).await?;
        if !missing.is_empty() {
            let mut failure = Failure::new("the user of this context may not do what a restore does")
                .hint("grant it (a ClusterRoleBinding to cluster-admin is the usual way), or name another context");
            failure.causes = missing.iter().map(|right| format!("may not {right}")).collect();
            return Err(failure);
        }
        // An access review knows nothing of privilege escalation and admission; a dry run does.
        for manifest in &objects {
            let id = match cluster.located(manifest, namespace) {
                Ok(id) => id,
                // Its CRD comes with the install.
                Err(_) => continue,
            };
            if id.namespace.is_empty() {
                cluster.dry_run(manifest, namespace).await.map_err(|error| {
                    Failure::from(error).within("the server would refuse a part of the agent's install")
                })?;
            }
        }
        Ok(())
    }
}

fn never(runbook: &Runbook, cluster: &Cluster) -> Result<(), Failure> {
    let identity = cluster.identity();
    let same = |never: &&String| **never == identity.uid || never.trim_end_matches('/') == identity.server;
    match runbook.target.never.iter().find(same) {
        None => Ok(()),
        Some(never) => Err(
            Failure::new(format!("this is {never}, which the runbook never restores onto")).hint(format!(
                "context {} leads there; name another with --context",
                identity.context
            )),
        ),
    }
}

fn not_empty(inventory: &Inventory, cluster: &Cluster) -> Failure {
    let identity = cluster.identity();
    let mut failure = Failure::new(format!(
        "the cluster is not empty: {} (context {})",
        identity.server, identity.context
    ));
    for (what, names) in [
        ("agent resources", &inventory.agent_resources),
        ("bound volumes", &inventory.bound_volumes),
        ("workloads", &inventory.workloads),
    ] {
        if !names.is_empty() {
            let shown: Vec<_> = names.iter().take(5).map(String::as_str).collect();
            let more = if names.len() > shown.len() {
                format!(" and {} more", names.len() - shown.len())
            } else {
                String::new()
            };
            failure
                .causes
                .push(format!("{} {what}: {}{more}", names.len(), shown.join(", ")));
        }
    }
    failure
        .hint("is this the right cluster? If it is a platform to be taken over, say so: `target: {expect: adopt}`")
        .hint("if an earlier run was interrupted, go on with --resume")
        .hint("if other people's workloads are expected, name their namespaces: `target: {namespaces: […]}`")
}
