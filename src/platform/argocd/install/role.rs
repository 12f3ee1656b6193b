//! Which workload does what.

use serde_json::Value;

use crate::object::{Manifest, ObjectRef};

/// What a workload of Argo CD does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Compares and syncs.
    ApplicationController,
    /// Reads repositories and renders.
    RepoServer,
    /// Keeps what was rendered; also a proxy before it.
    Redis,
    /// Makes Applications.
    ApplicationSetController,
    /// The API and the pages.
    Server,
    /// Signs people in.
    Dex,
    /// Tells people.
    Notifications,
    /// Pushes hydrated manifests.
    CommitServer,
}

impl Role {
    /// Returns the role that a value of the label `app.kubernetes.io/component`, or the end of a name, stands for.
    fn of_word(word: &str) -> Option<Self> {
        // The longer names come first: they end in the shorter ones.
        [
            ("applicationset-controller", Self::ApplicationSetController),
            ("application-controller", Self::ApplicationController),
            ("repo-server", Self::RepoServer),
            ("commit-server", Self::CommitServer),
            ("dex-server", Self::Dex),
            ("notifications-controller", Self::Notifications),
            ("redis-ha-server", Self::Redis),
            ("redis-ha-haproxy", Self::Redis),
            ("redis", Self::Redis),
            ("server", Self::Server),
        ]
        .into_iter()
        .find(|(end, _)| word == *end || word.ends_with(&format!("-{end}")))
        .map(|(_, role)| role)
    }

    /// Returns the role of a workload, from its labels or else its name.
    pub fn of(object: &Value) -> Option<Self> {
        if !is_workload(object) {
            return None;
        }
        let label = |name: &str| object["metadata"]["labels"][name].as_str();
        label("app.kubernetes.io/component")
            .and_then(Self::of_word)
            .or_else(|| label("app.kubernetes.io/name").and_then(Self::of_word))
            .or_else(|| object["metadata"]["name"].as_str().and_then(Self::of_word))
    }

    /// Whether a recovery cannot go on without it. `sets` says whether ApplicationSets are used.
    pub fn is_needed(self, sets: bool) -> bool {
        match self {
            Self::ApplicationController | Self::RepoServer | Self::Redis => true,
            Self::ApplicationSetController => sets,
            Self::Server | Self::Dex | Self::Notifications | Self::CommitServer => false,
        }
    }

    /// Returns the word that people read.
    pub fn word(self) -> &'static str {
        match self {
            Self::ApplicationController => "application-controller",
            Self::RepoServer => "repo-server",
            Self::Redis => "redis",
            Self::ApplicationSetController => "applicationset-controller",
            Self::Server => "server",
            Self::Dex => "dex",
            Self::Notifications => "notifications-controller",
            Self::CommitServer => "commit-server",
        }
    }
}

/// Whether an object runs pods for good.
pub(super) fn is_workload(object: &Value) -> bool {
    matches!(
        object["kind"].as_str(),
        Some("Deployment" | "StatefulSet" | "DaemonSet")
    )
}

/// A workload that the agent is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// Which object.
    pub id: ObjectRef,
    /// What it does; `None` for one that is not of Argo CD itself.
    pub role: Option<Role>,
    /// Whether a recovery waits for it; the others are only reported.
    pub is_needed: bool,
}

/// Returns the workloads among manifests. One that is scaled to nothing is not waited for.
pub fn workloads<'manifest>(manifests: impl IntoIterator<Item = &'manifest Manifest>, sets: bool) -> Vec<Workload> {
    manifests
        .into_iter()
        .filter(|manifest| is_workload(manifest.value()))
        .map(|manifest| {
            let role = Role::of(manifest.value());
            let is_off = manifest.value()["spec"]["replicas"] == 0;
            Workload {
                id: manifest.id(),
                role,
                is_needed: !is_off && role.is_some_and(|role| role.is_needed(sets)),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_workload_is_known_by_its_labels_or_its_name() {
        for (component, name, expected) in [
            ("application-controller", "x", Some(Role::ApplicationController)),
            ("applicationset-controller", "x", Some(Role::ApplicationSetController)),
            (
                "",
                "argocd-applicationset-controller",
                Some(Role::ApplicationSetController),
            ),
            ("", "prod-argocd-repo-server", Some(Role::RepoServer)),
            ("", "argocd-server", Some(Role::Server)),
            ("", "argocd-dex-server", Some(Role::Dex)),
            ("", "argocd-redis-ha-haproxy", Some(Role::Redis)),
            ("redis", "argocd-redis-ha-server", Some(Role::Redis)),
            ("", "image-updater", None),
        ] {
            let object = json!({"kind": "Deployment", "metadata": {"name": name, "labels": {"app.kubernetes.io/component": component}}});
            assert_eq!(Role::of(&object), expected, "{component} {name}");
        }
        assert_eq!(
            Role::of(&json!({"kind": "Service", "metadata": {"name": "argocd-redis"}})),
            None
        );
    }
}
