//! What is wrong with an install.

use std::collections::BTreeSet;

use serde_json::Value;

use super::image::{images, is_pinned, unsupported, version_of};
use super::role::{Role, is_workload};
use crate::finding::Finding;
use crate::object::Manifest;
use crate::platform::argocd::GROUP;
use crate::platform::argocd::place::at_origin;

/// Returns everything that is wrong.
pub(super) fn check(manifests: &[Manifest], namespace: &str) -> Vec<Finding> {
    let mut findings = missing(manifests);
    findings.extend(elsewhere(manifests, namespace));
    findings.extend(bindings(manifests, namespace));
    findings.extend(pods(manifests));
    findings
}

fn has(manifests: &[Manifest], kind: &str, name: &str) -> bool {
    manifests
        .iter()
        .any(|manifest| manifest.kind() == kind && manifest.text("/metadata/name") == name)
}

/// What an install cannot be without.
fn missing(manifests: &[Manifest]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for plural in ["applications", "applicationsets", "appprojects"] {
        let name = format!("{plural}.{GROUP}");
        if !has(manifests, "CustomResourceDefinition", &name) {
            findings.push(
                Finding::error("install/crd", format!("the install lacks the CRD `{name}`"))
                    .help("add Argo CD's `manifests/crds` of the same version; `namespace-install.yaml` has none"),
            );
        }
    }
    for role in [Role::ApplicationController, Role::RepoServer] {
        if !manifests
            .iter()
            .any(|manifest| Role::of(manifest.value()) == Some(role))
        {
            findings.push(
                Finding::error("install/workload", format!("the install has no {}", role.word()))
                    .help("without it nothing is deployed; is this path Argo CD's own install?"),
            );
        }
    }
    let redis_elsewhere = manifests
        .iter()
        .any(|manifest| manifest.value()["data"].get("redis.server").is_some());
    if !redis_elsewhere
        && !manifests
            .iter()
            .any(|manifest| Role::of(manifest.value()) == Some(Role::Redis))
    {
        findings.push(
            Finding::warning("install/workload", "the install has no redis")
                .help("Argo CD needs one; name it with `redis.server` in `argocd-cmd-params-cm`"),
        );
    }
    for (name, why) in [
        ("argocd-cm", "Argo CD does not start without it"),
        ("argocd-ssh-known-hosts-cm", "pods mount it and wait for it for ever"),
        ("argocd-tls-certs-cm", "pods mount it and wait for it for ever"),
        ("argocd-gpg-keys-cm", "pods mount it and wait for it for ever"),
    ] {
        if !has(manifests, "ConfigMap", name) {
            findings.push(
                Finding::error(
                    "install/configmap",
                    format!("the install lacks the ConfigMap `{name}`: {why}"),
                )
                .help("add it, empty if need be, with the label `app.kubernetes.io/part-of: argocd`"),
            );
        }
    }
    findings
}

/// Objects in another namespace than the agent's.
fn elsewhere(manifests: &[Manifest], namespace: &str) -> Vec<Finding> {
    manifests
        .iter()
        .filter(|manifest| !matches!(manifest.text("/metadata/namespace"), "" | "kube-system"))
        .filter(|manifest| manifest.text("/metadata/namespace") != namespace)
        .map(|manifest| {
            let message = format!("{} is not in the agent's namespace `{namespace}`", manifest.id());
            let finding = if is_workload(manifest.value()) {
                // Its settings and credentials are restored into the agent's namespace.
                Finding::error("install/namespace", message)
            } else {
                Finding::warning("install/namespace", message)
            };
            at_origin(
                finding.help("render the install for that namespace, or set `namespace` of the agent in the runbook"),
                manifest,
            )
        })
        .collect()
}

/// Bindings that give their rights to nobody, and controllers that have none.
fn bindings(manifests: &[Manifest], namespace: &str) -> Vec<Finding> {
    let accounts: BTreeSet<_> = manifests
        .iter()
        .filter(|manifest| manifest.is("", "ServiceAccount"))
        .map(|manifest| manifest.text("/metadata/name"))
        .collect();
    let mut findings = Vec::new();
    let mut bound = BTreeSet::new();
    for binding in manifests
        .iter()
        .filter(|manifest| matches!(manifest.kind(), "ClusterRoleBinding" | "RoleBinding"))
    {
        for subject in binding.value()["subjects"].as_array().into_iter().flatten() {
            let name = subject["name"].as_str().unwrap_or_default();
            let there = subject["namespace"].as_str().unwrap_or(namespace);
            if subject["kind"] != "ServiceAccount" || !accounts.contains(name) {
                continue;
            }
            if binding.kind() == "ClusterRoleBinding" {
                bound.insert(name);
            }
            if there != namespace {
                findings.push(at_origin(
                    Finding::error(
                        "install/binding",
                        format!(
                            "{} `{}` gives its rights to `{name}` in `{there}`, but the agent runs in `{namespace}`",
                            binding.kind(),
                            binding.text("/metadata/name")
                        ),
                    )
                    .help("patch the subject's namespace: upstream's manifests write `argocd` into it"),
                    binding,
                ));
            }
        }
    }
    for controller in manifests
        .iter()
        .filter(|manifest| Role::of(manifest.value()) == Some(Role::ApplicationController))
    {
        let account = account(controller.value());
        if !bound.contains(account) {
            findings.push(at_origin(
                Finding::warning(
                    "install/rights",
                    format!("no ClusterRoleBinding gives rights to `{account}`: the application-controller can deploy only where Roles let it"),
                )
                .help("add Argo CD's `manifests/cluster-rbac`, unless it only deploys to other clusters"),
                controller,
            ));
        }
    }
    for workload in manifests.iter().filter(|manifest| is_workload(manifest.value())) {
        let account = account(workload.value());
        if account != "default" && !accounts.contains(account) {
            findings.push(at_origin(
                Finding::error(
                    "install/account",
                    format!(
                        "{} runs as ServiceAccount `{account}`, which the install lacks: it makes no pods",
                        workload.id()
                    ),
                )
                .help("add the ServiceAccount"),
                workload,
            ));
        }
    }
    findings
}

fn account(workload: &Value) -> &str {
    workload
        .pointer("/spec/template/spec/serviceAccountName")
        .and_then(Value::as_str)
        .unwrap_or("default")
}

/// Images that may be others tomorrow, and versions that are not known.
fn pods(manifests: &[Manifest]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut said = BTreeSet::new();
    for workload in manifests.iter().filter(|manifest| is_workload(manifest.value())) {
        for image in images(workload.value()).filter(|image| !is_pinned(image)) {
            if said.insert(image) {
                findings.push(at_origin(
                    Finding::warning(
                        "install/image",
                        format!("image `{image}` is not pinned: in the outage it may be another one"),
                    )
                    .help("name it by a version or, better, by `@sha256:…`"),
                    workload,
                ));
            }
        }
        if Role::of(workload.value()) == Some(Role::ApplicationController)
            && let Some(version) = version_of(workload.value())
            && let Some(fault) = unsupported(&version)
        {
            findings.push(at_origin(
                Finding::warning("install/version", format!("Argo CD {version} {fault}")).help("known are 2.14 to 3.6"),
                workload,
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{core, manifests, object};
    use super::super::stage::arrange;
    use super::*;
    use serde_json::json;

    /// Returns the rules of the findings of a core install, changed.
    fn rules(change: impl Fn(&mut Vec<Manifest>)) -> Vec<&'static str> {
        let mut core = core();
        change(&mut core);
        arrange(core, "argocd")
            .findings
            .iter()
            .map(|finding| finding.rule)
            .collect()
    }

    fn without(name: &str) -> Vec<&'static str> {
        rules(|core| core.retain(|manifest| manifest.text("/metadata/name") != name))
    }

    #[test]
    fn what_an_install_cannot_be_without_is_missed() {
        assert_eq!(without("applicationsets.argoproj.io"), ["install/crd"]);
        assert_eq!(without("argocd-cm"), ["install/configmap"]);
        assert_eq!(without("argocd-gpg-keys-cm"), ["install/configmap"]);
        assert_eq!(without("argocd-tls-certs-cm"), ["install/configmap"]);
        assert_eq!(without("argocd-ssh-known-hosts-cm"), ["install/configmap"]);
        assert_eq!(
            rules(|core| core.retain(|manifest| Role::of(manifest.value()) != Some(Role::RepoServer))),
            ["install/workload"]
        );
        assert_eq!(
            rules(|core| core.retain(|manifest| manifest.kind() != "ClusterRoleBinding")),
            ["install/rights"]
        );
        assert_eq!(
            rules(|core| core.retain(|manifest| manifest.id().to_string() != "ServiceAccount argocd-repo-server")),
            ["install/account"]
        );
    }

    #[test]
    fn a_redis_elsewhere_is_fine_if_it_is_named() {
        let no_redis =
            |core: &mut Vec<Manifest>| core.retain(|manifest| Role::of(manifest.value()) != Some(Role::Redis));
        assert_eq!(rules(no_redis), ["install/workload"]);
        let named = rules(|core| {
            no_redis(core);
            core.extend(manifests([object("v1", "ConfigMap", "argocd-cmd-params-cm", &json!({
                "metadata": {"labels": {"app.kubernetes.io/part-of": "argocd"}}, "data": {"redis.server": "redis:6379"},
            }))]));
        });
        assert_eq!(named, [""; 0]);
    }

    #[test]
    fn a_binding_to_another_namespace_gives_rights_to_nobody() {
        let findings = arrange(core(), "gitops").findings;
        assert_eq!(
            findings.iter().map(|finding| finding.rule).collect::<Vec<_>>(),
            ["install/binding"]
        );
        assert!(
            findings[0]
                .message
                .contains("in `argocd`, but the agent runs in `gitops`"),
            "{}",
            findings[0].message
        );
        assert_eq!(
            findings[0].place.as_ref().map(|place| place.file.as_str()),
            Some("install.yaml")
        );
    }

    #[test]
    fn a_workload_in_another_namespace_is_an_error_and_anything_else_a_warning() {
        let rules = |kind: &str, api: &str| {
            let mut core = core();
            core.extend(manifests([object(
                api,
                kind,
                "extra",
                &json!({"metadata": {"namespace": "other"}}),
            )]));
            arrange(core, "argocd")
                .findings
                .iter()
                .map(|finding| finding.severity)
                .collect::<Vec<_>>()
        };
        assert_eq!(rules("Service", "v1"), [crate::finding::Severity::Warning]);
        assert_eq!(rules("Deployment", "apps/v1"), [crate::finding::Severity::Error]);
    }

    #[test]
    fn an_image_that_moves_is_said_once() {
        let rules = rules(|core| {
            for manifest in core.iter_mut().filter(|manifest| is_workload(manifest.value())) {
                manifest.value_mut()["spec"]["template"]["spec"]["containers"][0]["image"] =
                    json!("quay.io/argoproj/argocd:latest");
            }
        });
        assert_eq!(rules, ["install/image"]);
    }

    #[test]
    fn an_unknown_version_is_said() {
        let rules = rules(|core| {
            for manifest in core
                .iter_mut()
                .filter(|manifest| Role::of(manifest.value()) == Some(Role::ApplicationController))
            {
                manifest.value_mut()["spec"]["template"]["spec"]["containers"][0]["image"] =
                    json!("quay.io/argoproj/argocd:v2.9.0");
            }
        });
        assert_eq!(rules, ["install/version"]);
    }
}
