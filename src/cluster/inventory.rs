//! What is already on a cluster that should be empty.

use k8s_openapi::api::core::v1::PersistentVolume;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, DynamicObject, ListParams};

use super::connect::Cluster;
use super::error::Error;
use super::request::attempt;

/// Namespaces that every cluster has.
const OF_KUBERNETES: [&str; 4] = ["kube-system", "kube-public", "kube-node-lease", "local-path-storage"];

/// Groups of the agents' own resources.
const OF_AGENTS: [(&str, &[&str]); 5] = [
    ("argoproj.io", &["Application", "ApplicationSet", "AppProject"]),
    (
        "source.toolkit.fluxcd.io",
        &["GitRepository", "OCIRepository", "HelmRepository", "Bucket"],
    ),
    ("kustomize.toolkit.fluxcd.io", &["Kustomization"]),
    ("helm.toolkit.fluxcd.io", &["HelmRelease"]),
    ("fluxcd.controlplane.io", &["FluxInstance", "ResourceSet"]),
];

/// What runs, or will. Of the kinds that others make, only those that nobody made: a bare Pod is somebody's work too.
const WORKLOADS: [(&str, &str); 7] = [
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "ReplicaSet"),
    ("batch/v1", "CronJob"),
    ("batch/v1", "Job"),
    ("v1", "Pod"),
];

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Agents' resources, as `Kind namespace/name`, without an `AppProject` `default`.
    pub agent_resources: Vec<String>,
    /// Bound volumes.
    pub bound_volumes: Vec<String>,
    /// Workloads outside the namespaces that were to be expected, as `Kind namespace/name`.
    pub workloads: Vec<String>,
}

impl Inventory {
    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.agent_resources.is_empty() && self.bound_volumes.is_empty() && self.workloads.is_empty()
    }
}

impl Cluster {
    /// Looks for what a new cluster does not have. Only reads. `expected` are namespaces whose workloads do not count.
    pub async fn inventory(&self, expected: &[String]) -> Result<Inventory, Error> {
        let mut found = Inventory::default();
        for (group, kinds) in OF_AGENTS {
            for kind in kinds {
                let Some(api_version) = self.served(Some(group), kind) else {
                    continue;
                };
                let names = self.names(&api_version, kind, |_| true).await?;
                found.agent_resources.extend(
                    names
                        .into_iter()
                        .filter(|name| *kind != "AppProject" || !name.ends_with("/default")),
                );
            }
        }
        let everything = ListParams::default();
        let volumes: Api<PersistentVolume> = Api::all(self.client.clone());
        let volumes = attempt("list PersistentVolumes", || volumes.list(&everything)).await?;
        found.bound_volumes = volumes
            .into_iter()
            .filter(|volume| volume.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Bound"))
            .filter_map(|volume| volume.metadata.name)
            .collect();
        let is_made = |metadata: &ObjectMeta| {
            metadata
                .owner_references
                .as_ref()
                .is_some_and(|owners| !owners.is_empty())
        };
        for (api_version, kind) in WORKLOADS {
            let names = self.names(api_version, kind, |metadata| !is_made(metadata)).await?;
            found.workloads.extend(names.into_iter().filter(|name| {
                let namespace = name
                    .split_once(' ')
                    .and_then(|(_, rest)| rest.split_once('/'))
                    .map_or("", |(namespace, _)| namespace);
                !OF_KUBERNETES.contains(&namespace) && !expected.iter().any(|expected| expected == namespace)
            }));
        }
        Ok(found)
    }

    async fn names(
        &self,
        api_version: &str,
        kind: &str,
        counts: impl Fn(&ObjectMeta) -> bool,
    ) -> Result<Vec<String>, Error> {
        let everything = ListParams::default();
        let api: Api<DynamicObject> = self.api(api_version, kind, "")?;
        let list = attempt(&format!("list {kind}s"), || api.list_metadata(&everything)).await?;
        Ok(list
            .into_iter()
            .filter(|item| counts(&item.metadata))
            .map(|item| {
                let name = item.metadata.name.unwrap_or_default();
                item.metadata.namespace.map_or_else(
                    || format!("{kind} {name}"),
                    |namespace| format!("{kind} {namespace}/{name}"),
                )
            })
            .collect())
    }
}
