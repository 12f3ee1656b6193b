//! The table of rules.

use super::{credential, destination, namespace, project, sync};
use crate::graph::{Given, Row, Standing};
use crate::object::ObjectRef;
use crate::platform::argocd::GROUP;

/// What holds for the apps of Argo CD.
pub const ROWS: &[Row] = &[
    Row {
        name: "phases, waves and kinds of a sync",
        source: "gitops-engine pkg/sync/{sync_tasks,sync_context}.go, pkg/sync/syncwaves/waves.go",
        draw: sync::draw,
    },
    Row {
        name: "namespaces that a sync makes",
        source: "argo-cd controller/sync_namespace.go: CreateNamespace=true",
        draw: namespace::draw,
    },
    Row {
        name: "projects",
        source: "argo-cd util/argo/argo.go: an app without its project is InvalidSpecError",
        draw: project::draw,
    },
    Row {
        name: "clusters",
        source: "argo-cd util/db/cluster.go",
        draw: destination::draw,
    },
    Row {
        name: "repository credentials",
        source: "argo-cd util/db/repository_secrets.go: the repository's own, else the longest address that it begins with",
        draw: credential::draw,
    },
];

/// Returns what is there once Argo CD is installed, in its namespace.
pub fn given(namespace: &str) -> Vec<Given> {
    let crds = ["applications", "applicationsets", "appprojects"].map(|resource| {
        ObjectRef::new(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            "",
            &format!("{resource}.{GROUP}"),
        )
    });
    let others = [
        ObjectRef::new("v1", "Namespace", "", namespace),
        ObjectRef::new(&format!("{GROUP}/v1alpha1"), "AppProject", namespace, "default"),
    ];
    let all = crds.into_iter().chain(others);
    all.map(|id| Given {
        cluster: String::new(),
        id,
        by: Standing::Agent,
        opens: None,
    })
    .collect()
}
