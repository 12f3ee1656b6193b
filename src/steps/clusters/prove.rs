//! Proves that the rebuilt clusters are the right ones, before anything is changed anywhere. Only reads, and asks for dry runs.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use async_trait::async_trait;
use serde_json::Value;

use super::away::stored;
use super::look::connected;
use crate::cluster::{Cluster, Identity, MANAGER, Target, same_server};
use crate::engine::{Context, Step};
use crate::event::{Effect, Failure, Outcome, Phase, PlannedStep, Run, RunState};
use crate::object::Manifest;
use crate::platform::argocd::{remote, secret};
use crate::runbook::{self, ClusterState, Expect, Runbook};
use crate::steps::World;
use crate::steps::ground::built;
use crate::steps::interlock::{self, not_empty};

/// The interlock of the rebuilt clusters.
pub struct ProveClusters(pub Arc<World>);

#[async_trait]
impl Step for ProveClusters {
    fn planned(&self) -> PlannedStep {
        PlannedStep {
            id: "interlock/clusters".into(),
            phase: Phase::Interlock,
            title: "prove that the rebuilt clusters are the right ones".into(),
            effect: Effect::Reads,
        }
    }

    async fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        context.unless_stopped(self.prove(context)).await?
    }
}

impl ProveClusters {
    async fn prove(&self, context: &Context) -> Result<Outcome, Failure> {
        let (runbook, target) = (self.0.runbook()?, self.0.cluster()?);
        // Whoever must not be driven gets no login of ours. The interlock of the target asks all of this again, with the rest, and
        // then tells what is odd.
        interlock::target::never(runbook, target.identity())?;
        interlock::target::same_cluster(&self.0, target.identity())?;
        interlock::clusters::lead_elsewhere(&self.0, target).await?;
        let mut others = self.living(runbook).await;
        let mut told = Vec::new();
        for (name, cluster) in &runbook.clusters {
            if cluster.state != ClusterState::Rebuilt {
                continue;
            }
            let within = |failure: Failure| failure.within(format!("cluster {name} cannot be registered as rebuilt"));
            let remote = self.reach(cluster).await.map_err(within)?;
            is_another(runbook, target, &remote, &others).map_err(within)?;
            same_remote(self.0.earlier.get(), name, remote.identity()).map_err(within)?;
            let state = self.state(cluster, &remote).await.map_err(within)?;
            rights(&remote).await.map_err(within)?;
            let identity = remote.identity().clone();
            context.emit(Run::Remote {
                cluster: name.clone(),
                server: identity.server.clone(),
                uid: identity.uid.clone(),
            });
            told.push(format!("{name}: {} ({state})", identity.server));
            others.insert(format!("the rebuilt cluster {name}"), (identity.uid, identity.server));
            let mut remotes = self.0.remotes.lock().unwrap_or_else(PoisonError::into_inner);
            remotes.insert(name.clone(), remote);
        }
        Ok(Outcome::Done {
            detail: told.join(", "),
        })
    }

    /// Returns the UID and the address of each cluster that is not rebuilt, as far as they are known: one that does not
    /// answer, or lets only the agent in, has no UID. An absent one is not asked: whoever answers there in its place would be
    /// given its credentials.
    async fn living(&self, runbook: &Runbook) -> BTreeMap<String, (String, String)> {
        let mut living = BTreeMap::new();
        for (name, cluster) in &runbook.clusters {
            let Some(stored) = stored(&self.0, cluster) else {
                continue;
            };
            let server = secret::field(&stored.data, "server").unwrap_or_default().to_owned();
            let (word, uid) = match cluster.state {
                ClusterState::Rebuilt => continue,
                ClusterState::Absent => ("which is absent", String::new()),
                ClusterState::Survives => (
                    "which lives on",
                    connected(&stored.data)
                        .await
                        .map(|remote| remote.identity().uid.clone())
                        .unwrap_or_default(),
                ),
            };
            living.insert(format!("cluster {name}, {word}"), (uid, server));
        }
        living
    }

    async fn reach(&self, cluster: &runbook::Cluster) -> Result<Cluster, Failure> {
        let context = cluster.context.clone().ok_or_else(|| {
            Failure::new("no context leads to it").hint("name it: `clusters: {…: {state: rebuilt, context: …}}`")
        })?;
        let kubeconfig = self.0.options.kubeconfig.clone();
        Ok(Cluster::connect(&Target { kubeconfig, context }).await?)
    }

    /// What is on it, in a word; refused unless it is empty, was to be taken over, or was left so by an earlier run.
    async fn state(&self, cluster: &runbook::Cluster, remote: &Cluster) -> Result<&'static str, Failure> {
        let inventory = remote.inventory(&[]).await?;
        if inventory.is_empty() {
            return Ok("empty");
        }
        if cluster.expect == Expect::Adopt {
            return Ok("taken over as it is");
        }
        // The account itself has no field that anybody could own; what gives it its rights has.
        let binding = remote.get(&remote::binding_id()).await?;
        let by_us = |binding: &Value| {
            let managers = binding.pointer("/metadata/managedFields").and_then(Value::as_array);
            managers.into_iter().flatten().any(|entry| entry["manager"] == MANAGER)
        };
        if self.0.earlier.get().is_some() && binding.as_ref().is_some_and(by_us) {
            return Ok("as an earlier run left it");
        }
        let mut failure = not_empty(&inventory, remote, None);
        // Those hints are about the target.
        failure.hints = vec![
            "is this the right cluster?".to_owned(),
            "if an earlier run was interrupted, go on with --resume".to_owned(),
            "if what is there belongs there, say so: `expect: adopt` at this cluster".to_owned(),
            "if it was never lost, say so: `state: survives`".to_owned(),
        ];
        Err(failure)
    }
}

/// Whether it is none of the clusters that it must not be.
fn is_another(
    runbook: &Runbook,
    target: &Cluster,
    remote: &Cluster,
    others: &BTreeMap<String, (String, String)>,
) -> Result<(), Failure> {
    let identity = remote.identity();
    let is = |uid: &str, server: &str| uid == identity.uid || same_server(server, &identity.server);
    let never = runbook.target.never.iter().find(|never| is(never, never));
    let replaced = runbook
        .target
        .replaces
        .as_ref()
        .map(|replaces| replaces.server.to_string());
    let mistaken = if let Some(never) = never {
        format!("{never}, which the runbook never restores onto")
    } else if is(&target.identity().uid, &target.identity().server) {
        "the target itself".to_owned()
    } else if let Some(replaced) = replaced.filter(|server| is("", server)) {
        format!("{replaced}, the cluster that the target replaces")
    } else if let Some((name, _)) = others.iter().find(|(_, (uid, server))| is(uid, server)) {
        name.clone()
    } else {
        return Ok(());
    };
    Err(
        Failure::new(format!("context {} leads to {mistaken}", identity.context))
            .hint("name the context of the rebuilt cluster"),
    )
}

/// A run goes on with the very clusters that it was begun with. What an earlier run has made opens the way onto no other.
fn same_remote(earlier: Option<&RunState>, name: &str, identity: &Identity) -> Result<(), Failure> {
    match earlier.and_then(|earlier| earlier.remotes.get(name)) {
        Some(uid) if *uid != identity.uid => Err(Failure::new(format!(
            "in the run to go on with it was the cluster {uid}, and context {} leads to {}",
            identity.context, identity.uid
        ))
        .hint("name the context of that cluster, or begin a new run without --resume")),
        _ => Ok(()),
    }
}

/// Whether we may do there what registering it takes. An access review knows nothing of privilege escalation; a dry run does.
async fn rights(remote: &Cluster) -> Result<(), Failure> {
    let account: Vec<Manifest> = remote::account().into_iter().map(built).collect::<Result<_, _>>()?;
    let watched = [("", "secrets", remote::NAMESPACE)];
    let placed: Vec<(Manifest, &str)> = account
        .iter()
        .cloned()
        .map(|object| (object, remote::NAMESPACE))
        .collect();
    let missing = remote.missing_rights(&placed, &watched).await?;
    if !missing.is_empty() {
        let mut failure = Failure::new("the user of its context may not do what registering it takes")
            .hint("grant it (a ClusterRoleBinding to cluster-admin is the usual way), or name another context");
        failure.causes = missing.iter().map(|right| format!("may not {right}")).collect();
        return Err(failure);
    }
    for manifest in &account {
        remote
            .dry_run(manifest, remote::NAMESPACE)
            .await
            .map_err(|error| Failure::from(error).within("the server would refuse the account that Argo CD needs"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;
    use std::time::Duration;

    use tokio::net::TcpListener;

    use super::*;
    use crate::redact::Secret;
    use crate::steps::Restored;

    const RUNBOOK: &str = "apiVersion: gitops-dr/v1\nkind: Runbook\nname: shop\ntarget: {context: new}\n\
        stores:\n  - vault: {address: \"https://vault.example.com\", auth: {token: {env: VAULT_TOKEN}}}\n\
        sources:\n  platform: {git: \"https://git.example.com/p.git\", revision: main}\n\
        agent: {argocd: {from: {source: platform, path: argocd}}}\n\
        roots:\n  - {id: apps, source: platform, path: apps}\n\
        secrets:\n  cluster-far: {as: argocd/cluster, from: [{vault: far}]}\n\
        clusters:\n  far: {state: absent, secret: cluster-far}\n";

    fn restored(server: &str) -> Restored {
        let data = [
            ("name", "far"),
            ("server", server),
            (
                "config",
                "{\"bearerToken\": \"t0ken\", \"tlsClientConfig\": {\"insecure\": true}}",
            ),
        ];
        Restored {
            data: data.map(|(key, value)| (key.to_owned(), Secret::from(value))).into(),
            store: "vault".to_owned(),
            path: "far".to_owned(),
        }
    }

    #[test]
    fn a_run_goes_on_with_the_rebuilt_clusters_that_it_knows() {
        let earlier = RunState {
            remotes: BTreeMap::from([("lab".to_owned(), "u1".to_owned())]),
            ..RunState::default()
        };
        let at = |uid: &str| Identity {
            context: "lab-new".to_owned(),
            server: "https://lab.example.com".to_owned(),
            uid: uid.to_owned(),
            version: "v1.33.0".to_owned(),
        };
        for (earlier, name, uid, is_right) in [
            (None, "lab", "u2", true),
            (Some(&earlier), "lab", "u1", true),
            (Some(&earlier), "lab", "u2", false),
            (Some(&earlier), "other", "u2", true),
        ] {
            assert_eq!(same_remote(earlier, name, &at(uid)).is_ok(), is_right, "{name} {uid}");
        }
    }

    #[tokio::test]
    async fn whoever_answers_in_place_of_an_absent_cluster_is_given_no_credentials() {
        let impostor = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = format!("https://{}", impostor.local_addr().unwrap());
        let (runbook, findings) = runbook::parse("shop.yaml", RUNBOOK);
        let runbook = runbook.unwrap_or_else(|| panic!("{findings:?}"));
        let world = World {
            secrets: OnceLock::from(BTreeMap::from([("cluster-far".to_owned(), restored(&server))])),
            ..World::default()
        };
        let prove = ProveClusters(Arc::new(world));
        let living = prove.living(&runbook);
        tokio::select! {
            living = living => assert_eq!(
                living,
                BTreeMap::from([("cluster far, which is absent".to_owned(), (String::new(), server))])
            ),
            _ = impostor.accept() => panic!("it was connected to"),
            () = tokio::time::sleep(Duration::from_mins(1)) => panic!("nothing came of it"),
        }
    }
}
