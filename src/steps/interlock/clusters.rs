//! Where the clusters lead that Argo CD is to drive.

use std::collections::BTreeMap;

use futures::future::join_all;
use url::Url;

use super::super::World;
use crate::cluster::{Cluster, look, same_server};
use crate::event::Failure;
use crate::platform::argocd::IN_CLUSTER;
use crate::runbook::{ClusterState, Runbook, SecretShape, Target};

/// Refuses cluster secrets and cluster entries by which Argo CD would drive a cluster that it must not touch, or this one
/// a second time, by their addresses. Returns what is odd and no reason to refuse: a certificate that two addresses share may be
/// that of one front before many clusters. The servers are asked for it; no credential is sent.
pub(in crate::steps) async fn lead_elsewhere(world: &World, cluster: &Cluster) -> Result<Vec<String>, Failure> {
    let runbook = world.runbook()?;
    let servers = servers(world, runbook)?;
    let identity = cluster.identity();
    let mut failure = Failure::new("Argo CD would be led to a cluster that it must not drive");
    for (who, server) in &servers {
        if let Some(why) = wrong(&runbook.target, &identity.server, server) {
            failure.causes.push(format!("{who} leads to {server}: {why}"));
        }
    }
    if !failure.causes.is_empty() {
        return Err(failure.hint(format!(
            "take it out of the runbook; this cluster itself is `{IN_CLUSTER}` to Argo CD, whatever its address"
        )));
    }
    let own = match Url::parse(&identity.server) {
        Ok(own) if !servers.is_empty() => look(&own).await.certificate().map(<[u8]>::to_vec),
        _ => None,
    };
    let shown = join_all(servers.values().map(async |server| match Url::parse(server) {
        Ok(server) if own.is_some() => look(&server).await.certificate().map(<[u8]>::to_vec),
        _ => None,
    }))
    .await;
    let alike = servers
        .iter()
        .zip(shown)
        .filter(|(_, shown)| shown.is_some() && *shown == own);
    let odd = alike.map(|((who, server), _)| {
        format!(
            "{who} leads to {server}, which shows the same certificate as this cluster: behind one front that is nothing, but if it \
             is this cluster, Argo CD takes it for another and two fight over it."
        )
    });
    Ok(odd.collect())
}

/// Says why a server must not be driven.
fn wrong(target: &Target, own: &str, server: &str) -> Option<String> {
    if same_server(server, own) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::{Expect, Replaces};

    #[test]
    fn clusters_are_told_apart_by_their_addresses() {
        let target = Target {
            context: None,
            expect: Expect::Empty,
            namespaces: Vec::new(),
            never: vec!["https://front.example.com/never".into()],
            replaces: Some(Replaces {
                server: Url::parse("https://front.example.com/old").unwrap(),
            }),
            rto: None,
        };
        let own = "https://front.example.com/new";
        for (server, why) in [
            ("https://Front.example.com:443/new/", Some("this is the target itself")),
            ("https://front.example.com/old", Some("this cluster is replaced")),
            ("https://front.example.com/never/", Some("`never` list")),
            // Another cluster behind the same front, which shows the same certificate.
            ("https://front.example.com/edge", None),
            ("https://front.example.com:6443/new", None),
        ] {
            let told = wrong(&target, own, server);
            let fits = match (&told, why) {
                (Some(told), Some(why)) => told.contains(why),
                (told, why) => told.is_some() == why.is_some(),
            };
            assert!(fits, "{server}: {told:?}");
        }
    }
}
