//! The stages.

use serde_json::{Value, json};

use super::check;
use super::image::version_of;
use super::role::{Role, is_workload};
use crate::finding::Finding;
use crate::object::{Manifest, Origin};
use crate::platform::argocd::place::at_origin;
use crate::platform::argocd::{GROUP, PART_OF, manifest};

/// What a stage holds. They are applied in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StageName {
    /// The agent's namespace, and others that the install brings.
    Namespace,
    /// Custom resource definitions; to be waited for until Established.
    Definitions,
    /// ConfigMaps. After these come `argocd-secret` and all credentials.
    Configuration,
    /// Service accounts, roles and bindings, Services, network policies, Secrets with values of their own.
    Support,
    /// Projects, and other custom resources that come with the install.
    Projects,
    /// What runs. A Job that makes a password comes before what needs it.
    Workloads,
    /// Applications that come with the install, such as one that manages the agent itself.
    Applications,
}

impl StageName {
    /// Returns the word that people read.
    pub fn word(self) -> &'static str {
        match self {
            Self::Namespace => "namespace",
            Self::Definitions => "crds",
            Self::Configuration => "configuration",
            Self::Support => "support",
            Self::Projects => "projects",
            Self::Workloads => "workloads",
            Self::Applications => "applications",
        }
    }
}

/// What can be applied at once.
#[derive(Debug, Clone)]
pub struct Stage {
    /// Which stage.
    pub name: StageName,
    /// Its objects, in the order in which they are to be applied.
    pub manifests: Vec<Manifest>,
}

/// An install, put in order.
#[derive(Debug, Clone)]
pub struct Install {
    /// The stages that hold anything, in order. Neither `argocd-secret` nor a placeholder is in any of them.
    pub stages: Vec<Stage>,
    /// Secrets without a value, such as `argocd-notifications-secret`: to be made where they are absent, and never applied
    /// over one that was restored, whose keys would be taken away.
    pub placeholders: Vec<Manifest>,
    /// `argocd-secret` as the install has it, for [`super::argocd_secret`]; it must never be applied as it is.
    pub argocd_secret: Option<Manifest>,
    /// The version of Argo CD, such as `3.2.11`, if it can be told.
    pub version: Option<String>,
    /// Whether it lacks argocd-server, which alone makes the AppProject `default`, the signing key and the admin.
    pub is_core: bool,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
}

impl Install {
    /// Returns the objects of a stage.
    pub fn stage(&self, name: StageName) -> &[Manifest] {
        self.stages
            .iter()
            .find(|stage| stage.name == name)
            .map(|stage| stage.manifests.as_slice())
            .unwrap_or_default()
    }

    /// Returns all objects, in order.
    pub fn manifests(&self) -> impl Iterator<Item = &Manifest> {
        self.stages.iter().flat_map(|stage| &stage.manifests)
    }
}

/// Puts rendered install manifests in order, for an agent in `namespace`.
///
/// Objects without a namespace are given it, as `kubectl apply --namespace` would. Hooks of Helm that only run on
/// deletion, on rollback or as a test are left out.
pub fn arrange(manifests: Vec<Manifest>, namespace: &str) -> Install {
    let mut findings = Vec::new();
    let mut manifests: Vec<_> = manifests.into_iter().filter(is_installed).collect();
    for manifest in &mut manifests {
        settle(manifest, namespace);
        findings.extend(label(manifest));
    }
    if !manifests
        .iter()
        .any(|manifest| manifest.is("", "Namespace") && manifest.text("/metadata/name") == namespace)
    {
        manifests.extend(own_namespace(namespace));
    }
    findings.extend(check::check(&manifests, namespace));
    let of_role = |role| {
        manifests
            .iter()
            .find(|manifest| Role::of(manifest.value()) == Some(role))
    };
    let version = of_role(Role::ApplicationController).and_then(|controller| version_of(controller.value()));
    let is_core = of_role(Role::Server).is_none();
    let (mut argocd_secrets, manifests): (Vec<_>, Vec<_>) = manifests
        .into_iter()
        .partition(|manifest| manifest.is("", "Secret") && manifest.text("/metadata/name") == "argocd-secret");
    let (placeholders, mut manifests): (Vec<_>, Vec<_>) = manifests.into_iter().partition(is_placeholder);
    // Jobs first; all else as it came, since whoever wrote it may have had a reason.
    manifests.sort_by_key(|manifest| (stage_of(manifest), manifest.kind() != "Job"));
    let mut stages: Vec<Stage> = Vec::new();
    for manifest in manifests {
        let name = stage_of(&manifest);
        let manifest = if name >= StageName::Projects {
            manifest::for_restore(manifest)
        } else {
            manifest
        };
        match stages.last_mut().filter(|stage| stage.name == name) {
            Some(stage) => stage.manifests.push(manifest),
            None => stages.push(Stage {
                name,
                manifests: vec![manifest],
            }),
        }
    }
    Install {
        stages,
        placeholders,
        argocd_secret: argocd_secrets.pop(),
        version,
        is_core,
        findings,
    }
}

fn stage_of(manifest: &Manifest) -> StageName {
    match (manifest.group(), manifest.kind()) {
        ("", "Namespace") => StageName::Namespace,
        ("apiextensions.k8s.io", "CustomResourceDefinition") => StageName::Definitions,
        ("", "ConfigMap") => StageName::Configuration,
        (GROUP, "Application" | "ApplicationSet") => StageName::Applications,
        ("batch", "Job" | "CronJob") | ("", "Pod") => StageName::Workloads,
        _ if is_workload(manifest.value()) => StageName::Workloads,
        (group, _) if is_builtin(group) => StageName::Support,
        _ => StageName::Projects,
    }
}

/// Whether an object is a Secret that holds nothing.
fn is_placeholder(manifest: &Manifest) -> bool {
    let is_empty = |field: &str| {
        manifest.value()[field]
            .as_object()
            .is_none_or(serde_json::Map::is_empty)
    };
    manifest.is("", "Secret") && is_empty("data") && is_empty("stringData")
}

/// Whether a group is Kubernetes' own, so that its kinds are there from the start.
fn is_builtin(group: &str) -> bool {
    !group.contains('.')
        || (group.ends_with(".k8s.io") && !group.ends_with(".x-k8s.io") && !group.starts_with("gateway."))
}

/// Whether an object belongs to an install: it is no hook of Helm, or one that runs then.
fn is_installed(manifest: &Manifest) -> bool {
    let hook = manifest.value()["metadata"]["annotations"]["helm.sh/hook"].as_str();
    hook.is_none_or(|hooks| {
        hooks
            .split(',')
            .any(|hook| hook.trim().ends_with("install") || hook.trim().ends_with("upgrade"))
    })
}

/// Kinds of built-in groups that have no namespace.
const CLUSTER_SCOPED: [&str; 13] = [
    "APIService",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "IngressClass",
    "MutatingWebhookConfiguration",
    "Namespace",
    "PersistentVolume",
    "PriorityClass",
    "StorageClass",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
];

/// Gives an object the agent's namespace where it has none and needs one. Of foreign kinds only the API server knows.
fn settle(manifest: &mut Manifest, namespace: &str) {
    let is_known = is_builtin(manifest.group()) || manifest.group() == GROUP;
    let is_namespaced = is_known && !CLUSTER_SCOPED.contains(&manifest.kind());
    if is_namespaced && manifest.text("/metadata/namespace").is_empty() {
        manifest.value_mut()["metadata"]["namespace"] = json!(namespace);
    }
}

/// ConfigMaps that Argo CD sees only with its label.
const LABELLED: [&str; 7] = [
    "argocd-cm",
    "argocd-cmd-params-cm",
    "argocd-gpg-keys-cm",
    "argocd-notifications-cm",
    "argocd-rbac-cm",
    "argocd-ssh-known-hosts-cm",
    "argocd-tls-certs-cm",
];

/// Adds the label to a ConfigMap that lacks it.
fn label(manifest: &mut Manifest) -> Option<Finding> {
    let name = manifest.text("/metadata/name").to_owned();
    if !manifest.is("", "ConfigMap")
        || !LABELLED.contains(&name.as_str())
        || manifest.value()["metadata"]["labels"][PART_OF] == "argocd"
    {
        return None;
    }
    let metadata = &mut manifest.value_mut()["metadata"];
    if !metadata["labels"].is_object() {
        metadata["labels"] = json!({});
    }
    metadata["labels"][PART_OF] = json!("argocd");
    let finding = Finding::warning(
        "install/part-of",
        format!(
            "ConfigMap `{name}` lacks the label `{PART_OF}: argocd`, without which Argo CD does not see it; it is added"
        ),
    );
    Some(at_origin(
        finding.help("add the label in Git, or the next sync takes it away"),
        manifest,
    ))
}

fn own_namespace(namespace: &str) -> Option<Manifest> {
    let value: Value = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
    Manifest::new(value, Origin::default()).ok()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{core, manifests, object};
    use super::*;

    fn names(install: &Install) -> Vec<(&str, Vec<String>)> {
        install
            .stages
            .iter()
            .map(|stage| {
                let ids = stage
                    .manifests
                    .iter()
                    .map(|manifest| format!("{} {}", manifest.kind(), manifest.text("/metadata/name")));
                (stage.name.word(), ids.collect())
            })
            .collect()
    }

    #[test]
    fn a_core_install_is_put_in_order() {
        let install = arrange(core(), "argocd");
        let stages = names(&install);
        assert_eq!(
            stages.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
            ["namespace", "crds", "configuration", "support", "workloads"]
        );
        assert_eq!(stages[0].1, ["Namespace argocd"]);
        assert_eq!(stages[1].1.len(), 3);
        assert_eq!(install.version.as_deref(), Some("3.2.11"));
        assert!(install.is_core);
        assert_eq!(install.findings, []);
    }

    #[test]
    fn argocd_secret_is_never_among_what_is_applied() {
        let install = arrange(core(), "argocd");
        assert!(install.argocd_secret.is_some());
        assert!(
            install
                .manifests()
                .all(|manifest| manifest.text("/metadata/name") != "argocd-secret")
        );
    }

    #[test]
    fn an_empty_secret_is_a_placeholder_and_one_with_a_value_is_applied() {
        let mut core = core();
        core.extend(manifests([
            object("v1", "Secret", "argocd-notifications-secret", &json!({})),
            object("v1", "Secret", "from-git", &json!({"stringData": {"a": "b"}})),
        ]));
        let install = arrange(core, "argocd");
        let names: Vec<_> = install
            .placeholders
            .iter()
            .map(|manifest| manifest.text("/metadata/name"))
            .collect();
        assert_eq!(names, ["argocd-notifications-secret"]);
        assert!(
            install
                .stage(StageName::Support)
                .iter()
                .any(|manifest| manifest.text("/metadata/name") == "from-git")
        );
    }

    #[test]
    fn objects_are_given_the_agents_namespace_and_cluster_scoped_ones_are_not() {
        let install = arrange(core(), "gitops");
        for manifest in install.manifests() {
            let namespace = manifest.text("/metadata/namespace");
            let expected = if CLUSTER_SCOPED.contains(&manifest.kind()) {
                ""
            } else {
                "gitops"
            };
            assert_eq!(namespace, expected, "{}", manifest.id());
        }
    }

    #[test]
    fn a_missing_label_is_added_and_said() {
        let mut core = core();
        for manifest in core
            .iter_mut()
            .filter(|manifest| manifest.text("/metadata/name") == "argocd-cm")
        {
            manifest.value_mut()["metadata"]
                .as_object_mut()
                .unwrap()
                .remove("labels");
        }
        let install = arrange(core, "argocd");
        assert_eq!(install.findings[0].rule, "install/part-of");
        let cm = install
            .stage(StageName::Configuration)
            .iter()
            .find(|manifest| manifest.text("/metadata/name") == "argocd-cm")
            .unwrap();
        assert_eq!(cm.value()["metadata"]["labels"][PART_OF], "argocd");
    }

    #[test]
    fn hooks_of_helm_that_do_not_belong_to_an_install_are_left_out_and_its_jobs_come_first() {
        let mut core = core();
        for (name, hook) in [
            ("secret-init", "pre-install,pre-upgrade"),
            ("cleanup", "post-delete"),
            ("try", "test"),
        ] {
            core.extend(manifests([object(
                "batch/v1",
                "Job",
                name,
                &json!({"metadata": {"annotations": {"helm.sh/hook": hook}}}),
            )]));
        }
        let install = arrange(core, "argocd");
        let workloads: Vec<_> = install
            .stage(StageName::Workloads)
            .iter()
            .map(|manifest| manifest.text("/metadata/name"))
            .collect();
        assert_eq!(workloads[0], "secret-init");
        assert!(!workloads.contains(&"cleanup") && !workloads.contains(&"try"));
    }

    #[test]
    fn apps_that_come_with_the_install_are_last_and_without_their_former_life() {
        let mut core = core();
        core.extend(manifests([
            object(
                "argoproj.io/v1alpha1",
                "Application",
                "argocd",
                &json!({"status": {"sync": {}}}),
            ),
            object("argoproj.io/v1alpha1", "AppProject", "platform", &json!({})),
        ]));
        let install = arrange(core, "argocd");
        let stages = names(&install);
        assert_eq!(stages[4], ("projects", vec!["AppProject platform".to_owned()]));
        assert_eq!(stages[6], ("applications", vec!["Application argocd".to_owned()]));
        assert!(
            install.stage(StageName::Applications)[0]
                .value()
                .get("status")
                .is_none()
        );
    }
}
