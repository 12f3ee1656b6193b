//! Where the clusters lead that Argo CD is to drive.

use std::collections::BTreeMap;

use futures::future::join_all;
use url::Url;

use super::super::World;
use crate::cluster::{Cluster, look, same_server};
use crate::event::Failure;
use crate::platform::argocd::IN_CLUSTER;
use crate::runbook::{ClusterState, Runbook, SecretShape};

/// Refuses cluster secrets and cluster entries by which Argo CD would drive a cluster that it must not touch, or this one
/// a second time. Their servers are asked for their certificate; no credential is sent.
pub(super) async fn lead_elsewhere(world: &World, cluster: &Cluster) -> Result<(), Failure> {
    let runbook = world.runbook()?;
    let servers = servers(world, runbook)?;
    let identity = cluster.identity();
    let asked: Vec<Url> = servers.values().filter_map(|server| Url::parse(server).ok()).collect();
    let target = match Url::parse(&identity.server) {
        Ok(target) if !asked.is_empty() => look(&target).await.certificate().map(<[u8]>::to_vec),
        _ => None,
    };
    let shown = join_all(servers.values().map(async |server| match Url::parse(server) {
        Ok(server) if target.is_some() => look(&server).await.certificate().map(<[u8]>::to_vec),
        _ => None,
    }))
    .await;
    let mut failure = Failure::new("Argo CD would be led to a cluster that it must not drive");
    for ((who, server), certificate) in servers.iter().zip(shown) {
        let is_target = same_server(server, &identity.server) || (certificate.is_some() && certificate == target);
        if let Some(why) = wrong(runbook, server, is_target) {
            failure.causes.push(format!("{who} leads to {server}: {why}"));
        }
    }
    if failure.causes.is_empty() {
        return Ok(());
    }
    Err(failure.hint(format!(
        "take it out of the runbook; this cluster itself is `{IN_CLUSTER}` to Argo CD, whatever its address"
    )))
}

/// Says why a server must not be driven.
fn wrong(runbook: &Runbook, server: &str, is_target: bool) -> Option<String> {
    let target = &runbook.target;
    if is_target {
        return Some(
            "this is the target itself, which Argo CD would take for another cluster: two would then fight over it"
                .into(),
        );
    }
    if target
        .replaces
        .as_ref()
        .is_some_and(|old| same_server(server, old.server.as_str()))
    {
        return Some("the runbook says that this cluster is replaced".into());
    }
    target
        .never
        .iter()
        .any(|never| same_server(server, never))
        .then(|| "it is on the runbook's `never` list".into())
}

/// Returns the servers that Argo CD is to drive, by who names them. A secret whose cluster is absent is not restored, and
/// one whose cluster was rebuilt elsewhere gets that address.
fn servers(world: &World, runbook: &Runbook) -> Result<BTreeMap<String, String>, Failure> {
    let mut servers = BTreeMap::new();
    for (name, entry) in &runbook.clusters {
        if let Some(server) = entry.server.as_ref().filter(|_| entry.state != ClusterState::Absent) {
            servers.insert(format!("cluster {name}"), server.to_string());
        }
    }
    for (name, restored) in World::need(&world.secrets, "what the stores hold")? {
        let is_cluster = runbook
            .secrets
            .get(name)
            .is_some_and(|spec| spec.shape == SecretShape::Argocd("cluster".into()));
        let elsewhere = runbook.clusters.values().any(|entry| {
            let rebuilt = entry.state == ClusterState::Rebuilt && entry.server.is_some();
            entry.secret.as_ref() == Some(name) && (entry.state == ClusterState::Absent || rebuilt)
        });
        let server = restored.data.get("server").and_then(|server| server.expose_str());
        if let Some(server) = server.map(str::trim).filter(|_| is_cluster && !elsewhere)
            && server.trim_end_matches('/') != IN_CLUSTER
        {
            servers.insert(format!("secret {name}"), server.to_owned());
        }
    }
    Ok(servers)
}
