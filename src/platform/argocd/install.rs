//! The order in which Argo CD's own install manifests must reach a bare cluster.

use serde_json::{Value, json};

use crate::finding::Finding;
use crate::object::{Manifest, ObjectRef, Origin};

/// Objects that may be applied at once.
#[derive(Debug, Clone)]
pub struct Stage {
    /// What they are, for people.
    pub name: &'static str,
    /// The objects.
    pub manifests: Vec<Manifest>,
}

/// An install in its order.
#[derive(Debug, Clone)]
pub struct Install {
    /// What must be there before the workloads.
    pub ground: Vec<Stage>,
    /// The workloads.
    pub agent: Vec<Stage>,
    /// The workloads that recovery needs.
    pub needed: Vec<ObjectRef>,
    /// The other workloads.
    pub others: Vec<ObjectRef>,
    /// The version.
    pub version: String,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
}

/// Arranges an install.
pub fn arrange(manifests: Vec<Manifest>, namespace: &str) -> Install {
    let mut stages = [Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new()];
    let own = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
    if !manifests
        .iter()
        .any(|manifest| manifest.kind() == "Namespace" && manifest.id().name == namespace)
    {
        stages[0].extend(Manifest::new(own, Origin::default()));
    }
    let mut workloads: Vec<ObjectRef> = Vec::new();
    for manifest in manifests {
        let id = manifest.id();
        let stage = match id.kind.as_str() {
            "Namespace" => 0,
            "CustomResourceDefinition" => 1,
            "ConfigMap" => 2,
            "Secret" if id.name == "argocd-secret" => continue,
            "Deployment" | "StatefulSet" | "DaemonSet" => {
                let mut id = id.clone();
                if id.namespace.is_empty() {
                    namespace.clone_into(&mut id.namespace);
                }
                workloads.push(id);
                4
            }
            _ => 3,
        };
        stages[stage].push(manifest);
    }
    let version = installed_version(
        &stages[4]
            .iter()
            .map(|manifest| manifest.value().clone())
            .collect::<Vec<_>>(),
    )
    .unwrap_or_default();
    let [namespaces, crds, config, rest, last] = stages;
    let (others, needed) = workloads.into_iter().partition(|id| {
        ["server", "dex", "notifications"]
            .iter()
            .any(|part| id.name.ends_with(part) && !id.name.ends_with("repo-server"))
            || id.name.contains("notifications")
            || id.name.contains("dex")
    });
    Install {
        ground: vec![
            Stage {
                name: "namespace",
                manifests: namespaces,
            },
            Stage {
                name: "CRDs",
                manifests: crds,
            },
            Stage {
                name: "configuration",
                manifests: config,
            },
            Stage {
                name: "accounts and rights",
                manifests: rest,
            },
        ],
        agent: vec![Stage {
            name: "workloads",
            manifests: last,
        }],
        needed,
        others,
        version,
        findings: Vec::new(),
    }
}

/// Returns the AppProject `default` as Argo CD's own server would make it; core install has none.
pub fn default_project(namespace: &str) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": "default", "namespace": namespace},
        "spec": {
            "sourceRepos": ["*"],
            "destinations": [{"namespace": "*", "server": "*"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        },
    })
}

/// Returns the version that these workloads run, from the image of the application controller.
pub fn installed_version(workloads: &[Value]) -> Option<String> {
    let controller = workloads.iter().find(|workload| {
        workload
            .pointer("/metadata/name")
            .and_then(Value::as_str)
            .is_some_and(|name| name.ends_with("application-controller"))
    })?;
    let image = controller.pointer("/spec/template/spec/containers/0/image")?.as_str()?;
    let tag = image.split('@').next()?.rsplit_once(':')?.1;
    Some(tag.trim_start_matches('v').to_owned())
}
