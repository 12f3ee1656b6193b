//! Proves that this is the right cluster and that nothing stands in the way. Only reads; whatever fails here has left
//! everything as it was.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::json;
use url::Url;

use super::World;
use super::connect::counted;
use super::ground::built;
use super::lease;
use crate::agent::argocd;
use crate::cluster::{Cluster, Inventory, Mode};
use crate::engine::{Context, Step};
use crate::event::{Effect, Failure, Outcome, Phase, PlannedStep};
use crate::object::Manifest;
use crate::platform::argocd::install;
use crate::runbook::{Expect, Runbook, SecretShape};

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
        let outcome = context.unless_stopped(self.prove(context)).await??;
        // Not to be left half-way: whether the Lease was taken must be known.
        lease::take(&self.0, self.0.cluster()?, context).await?;
        Ok(outcome)
    }
}

impl Interlock {
    async fn prove(&self, context: &Context) -> Result<Outcome, Failure> {
        let runbook = self.0.runbook()?;
        let cluster = self.0.cluster()?;
        never(runbook, cluster)?;
        self.same_cluster(cluster)?;
        lease::keep_out(&self.0, cluster, context).await?;
        let present = self.agent(runbook, cluster, context).await?;
        let mut expected = runbook.target.namespaces.clone();
        if present {
            // An agent without apps is no platform: it stays, and its namespace does not make the cluster a foreign one.
            expected.push(runbook.agent.namespace.clone());
        }
        let inventory = cluster.inventory(&expected).await?;
        let ours = self.0.earlier.get().is_some();
        let state = match runbook.target.expect {
            Expect::Adopt => "taken over as it is",
            Expect::Empty if inventory.is_empty() => "empty",
            Expect::Empty if ours => "as an earlier run left it",
            Expect::Empty => return Err(not_empty(&inventory, cluster, self.0.unfinished())),
        };
        self.rights(runbook, cluster).await?;
        let fresh = inventory.is_empty() && !present;
        let _ = self.0.mode.set(if fresh { Mode::Fresh } else { Mode::Careful });
        let _ = self.0.agent_present.set(present);
        Ok(Outcome::Done {
            detail: state.to_owned(),
        })
    }

    /// A run goes on where it was begun. An earlier run opens the way onto its own cluster and no other.
    fn same_cluster(&self, cluster: &Cluster) -> Result<(), Failure> {
        let identity = cluster.identity();
        let earlier = self.0.earlier.get().and_then(|earlier| earlier.cluster.as_ref());
        match earlier {
            Some(earlier) if earlier.uid != identity.uid => Err(Failure::new(format!(
                "the run to go on with was on the cluster {}, and context {} leads to {}",
                earlier.uid, identity.context, identity.uid
            ))
            .hint("name the context of that run, or begin a new run without --resume")),
            _ => Ok(()),
        }
    }

    /// Whether the agent is there already; a different version of it is refused.
    async fn agent(&self, runbook: &Runbook, cluster: &Cluster, context: &Context) -> Result<bool, Failure> {
        let prepared = self.0.prepared()?;
        let workloads: Vec<_> = prepared.needed.iter().chain(&prepared.others).cloned().collect();
        let Some(present) = argocd::present(cluster, &workloads).await? else {
            return Ok(false);
        };
        if present.version != prepared.version && self.0.earlier.get().is_some() {
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
        if self.0.earlier.get().is_none() {
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
        let mut all = objects.clone();
        all.extend(prepared.roots.iter().chain(prepared.extras.values()).flatten().cloned());
        all.extend(self.secrets(runbook)?);
        all.push(built(install::default_project(namespace))?);
        for (api_version, kind) in [("coordination.k8s.io/v1", "Lease"), ("v1", "ConfigMap")] {
            let metadata = json!({"name": "gitops-dr", "namespace": "kube-system"});
            all.push(built(
                json!({"apiVersion": api_version, "kind": kind, "metadata": metadata}),
            )?);
        }
        let watched = [
            ("argoproj.io", "applications", ""),
            ("argoproj.io", "applicationsets", ""),
            ("apiextensions.k8s.io", "customresourcedefinitions", ""),
            ("apps", "deployments", namespace),
            ("apps", "statefulsets", namespace),
            ("coordination.k8s.io", "leases", "kube-system"),
        ];
        let missing = cluster.missing_rights(&all, namespace, &watched).await?;
        if !missing.is_empty() {
            let mut failure = Failure::new("the user of this context may not do what a restore does")
                .hint("grant it (a ClusterRoleBinding to cluster-admin is the usual way), or name another context");
            failure.causes = missing.iter().map(|right| format!("may not {right}")).collect();
            return Err(failure);
        }
        // An access review knows nothing of privilege escalation and admission; a dry run does.
        for manifest in &objects {
            // What is not served yet comes with its CRD.
            let Ok(id) = cluster.located(manifest, namespace) else {
                continue;
            };
            if id.namespace.is_empty() {
                cluster.dry_run(manifest, namespace).await.map_err(|error| {
                    Failure::from(error).within("the server would refuse a part of the agent's install")
                })?;
            }
        }
        Ok(())
    }

    /// The Secrets that the run will apply, without their data, and the namespaces that they need.
    fn secrets(&self, runbook: &Runbook) -> Result<Vec<Manifest>, Failure> {
        let mut objects = Vec::new();
        for name in World::need(&self.0.secrets, "what the stores hold")?.keys() {
            let namespace = match runbook.secrets.get(name).map(|spec| &spec.shape) {
                Some(SecretShape::Kubernetes { namespace, .. }) => namespace,
                _ => &runbook.agent.namespace,
            };
            objects.push(built(
                json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}}),
            )?);
            objects.push(built(
                json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}),
            )?);
        }
        Ok(objects)
    }
}

fn never(runbook: &Runbook, cluster: &Cluster) -> Result<(), Failure> {
    let identity = cluster.identity();
    let same = |never: &&String| **never == identity.uid || same_server(never, &identity.server);
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

/// Whether two addresses are of one server: neither the case of its name, nor a port that goes without saying, nor a slash
/// at the end makes another one.
fn same_server(one: &str, other: &str) -> bool {
    match (Url::parse(one), Url::parse(other)) {
        (Ok(one), Ok(other)) => one.as_str().trim_end_matches('/') == other.as_str().trim_end_matches('/'),
        _ => false,
    }
}

fn not_empty(inventory: &Inventory, cluster: &Cluster, unfinished: Option<(&str, &str)>) -> Failure {
    let identity = cluster.identity();
    let mut failure = Failure::new(format!(
        "the cluster is not empty: {} (context {})",
        identity.server, identity.context
    ));
    for (what, names) in [
        ("agent resource", &inventory.agent_resources),
        ("bound volume", &inventory.bound_volumes),
        ("workload", &inventory.workloads),
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
                .push(format!("{}: {}{more}", counted(names.len(), what), shown.join(", ")));
        }
    }
    failure = failure
        .hint("is this the right cluster?")
        .hint(match unfinished {
            Some((run, by)) => format!("{by} ran {run} here and did not finish: go on with --resume={run}"),
            None => "if an earlier run was interrupted, go on with --resume".to_owned(),
        })
        .hint("if it is a platform to be taken over as it is, say so: `target: {expect: adopt}`");
    let foreign = namespaces_of(&inventory.workloads);
    if foreign.is_empty() {
        return failure;
    }
    let foreign = foreign.into_iter().collect::<Vec<_>>().join(", ");
    failure.hint(format!(
        "if these workloads belong there, say so: `target: {{namespaces: [{foreign}]}}`"
    ))
}

/// Returns the namespaces of objects named as `Kind namespace/name`.
fn namespaces_of(names: &[String]) -> BTreeSet<&str> {
    names
        .iter()
        .filter_map(|name| Some(name.split_once(' ')?.1.split_once('/')?.0))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_known_however_its_address_is_written() {
        for (one, other, same) in [
            ("https://10.0.0.7:6443", "https://10.0.0.7:6443/", true),
            ("https://K8s.example.com", "https://k8s.example.com:443", true),
            ("https://10.0.0.7:6443", "https://10.0.0.7:6444", false),
            ("https://10.0.0.7:6443", "http://10.0.0.7:6443", false),
            ("https://10.0.0.7/a", "https://10.0.0.7/b", false),
            ("4f1c23ab-77aa-4c1e-9b43-0242ac120002", "https://10.0.0.7", false),
        ] {
            assert_eq!(same_server(one, other), same, "{one} and {other}");
        }
    }

    #[test]
    fn namespaces_are_named_once() {
        let names = [
            "Deployment a/x",
            "StatefulSet a/y",
            "Deployment b/x",
            "PersistentVolume p",
        ]
        .map(str::to_owned);
        assert_eq!(namespaces_of(&names), BTreeSet::from(["a", "b"]));
    }
}
