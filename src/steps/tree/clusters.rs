//! What generators are told of clusters: those whose Secrets the runbook restores, and the agent's own.

use std::collections::BTreeMap;

use crate::platform::argocd::secret::{Data, field};
use crate::platform::argocd::{IN_CLUSTER, remote, sets};
use crate::runbook::{self, ClusterState, Runbook, SecretShape};
use crate::steps::Restored;

/// Returns the clusters that the agent will know when all are connected. One that is absent has a Secret no more.
pub(super) fn known(runbook: &Runbook, secrets: &BTreeMap<String, Restored>) -> Vec<sets::Cluster> {
    let of = |secret: &str| secrets.get(secret).map(|restored| &restored.data);
    let mut known = Vec::new();
    for (name, cluster) in &runbook.clusters {
        let stored = cluster.secret.as_deref().and_then(of);
        if cluster.state != ClusterState::Absent {
            known.push(of_runbook(name, cluster, stored));
        }
    }
    let is_named = |secret: &str| {
        runbook
            .clusters
            .values()
            .any(|cluster| cluster.secret.as_deref() == Some(secret))
    };
    for (name, spec) in &runbook.secrets {
        let is_cluster = matches!(&spec.shape, SecretShape::Argocd(shape) if shape == "cluster");
        if is_cluster
            && !is_named(name)
            && let Some(data) = of(name)
        {
            known.push(of_secret(data));
        }
    }
    if !known.iter().any(|cluster| cluster.server == IN_CLUSTER) {
        known.push(sets::Cluster {
            name: "in-cluster".to_owned(),
            server: IN_CLUSTER.to_owned(),
            ..sets::Cluster::default()
        });
    }
    known
}

fn of_runbook(name: &str, cluster: &runbook::Cluster, stored: Option<&Data>) -> sets::Cluster {
    let server = cluster
        .server
        .as_ref()
        .map(|server| server.as_str().trim_end_matches('/').to_owned());
    let text = |key| stored.and_then(|data| field(data, key)).unwrap_or_default().to_owned();
    sets::Cluster {
        name: remote::name_of(name, stored).to_owned(),
        server: server.unwrap_or_else(|| text("server")),
        project: text("project"),
        labels: Some(cluster.labels.clone()),
        annotations: cluster.annotations.clone(),
    }
}

fn of_secret(data: &Data) -> sets::Cluster {
    let text = |key| field(data, key).unwrap_or_default().to_owned();
    sets::Cluster {
        name: text("name"),
        server: text("server"),
        project: text("project"),
        labels: Some(BTreeMap::new()),
        annotations: BTreeMap::new(),
    }
}
