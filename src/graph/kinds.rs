//! What is known of the kinds of Kubernetes: which are in no namespace, which make pods, which are its own.

use serde_json::Value;

/// The group of CRDs.
pub(super) const EXTENSIONS: &str = "apiextensions.k8s.io";
/// The group of roles and bindings.
pub(super) const RBAC: &str = "rbac.authorization.k8s.io";
/// The group of the classes of storage.
pub(super) const STORAGE: &str = "storage.k8s.io";
/// The group of Ingresses and their classes.
pub(super) const NETWORKING: &str = "networking.k8s.io";
/// The group of Gateways and their classes.
pub(super) const GATEWAY: &str = "gateway.networking.k8s.io";
/// The group of webhook configurations.
pub(super) const ADMISSION: &str = "admissionregistration.k8s.io";
/// The group of API services.
pub(super) const REGISTRATION: &str = "apiregistration.k8s.io";
/// The group of classes of pods by importance.
pub(super) const SCHEDULING: &str = "scheduling.k8s.io";
/// The group of classes of pods by what they run on.
pub(super) const NODE: &str = "node.k8s.io";

/// Kinds that are in no namespace, so that they wait for none: the others that name no namespace go to the default one. What a
/// CRD of the platform says of its scope goes before.
const CLUSTER_SCOPED: &[(&str, &str)] = &[
    ("", "Namespace"),
    ("", "Node"),
    ("", "PersistentVolume"),
    (ADMISSION, "MutatingAdmissionPolicy"),
    (ADMISSION, "MutatingAdmissionPolicyBinding"),
    (ADMISSION, "MutatingWebhookConfiguration"),
    (ADMISSION, "ValidatingAdmissionPolicy"),
    (ADMISSION, "ValidatingAdmissionPolicyBinding"),
    (ADMISSION, "ValidatingWebhookConfiguration"),
    (EXTENSIONS, "CustomResourceDefinition"),
    (REGISTRATION, "APIService"),
    ("cert-manager.io", "ClusterIssuer"),
    ("certificates.k8s.io", "CertificateSigningRequest"),
    ("external-secrets.io", "ClusterExternalSecret"),
    ("external-secrets.io", "ClusterPushSecret"),
    ("external-secrets.io", "ClusterSecretStore"),
    ("flowcontrol.apiserver.k8s.io", "FlowSchema"),
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
    (GATEWAY, "GatewayClass"),
    ("generators.external-secrets.io", "ClusterGenerator"),
    ("kyverno.io", "ClusterPolicy"),
    (NETWORKING, "IngressClass"),
    (NODE, "RuntimeClass"),
    (RBAC, "ClusterRole"),
    (RBAC, "ClusterRoleBinding"),
    (SCHEDULING, "PriorityClass"),
    ("snapshot.storage.k8s.io", "VolumeSnapshotClass"),
    (STORAGE, "CSIDriver"),
    (STORAGE, "StorageClass"),
    (STORAGE, "VolumeAttributesClass"),
];

/// What makes pods, and where the description of the pods is.
const WORKLOADS: &[(&str, &str, &str)] = &[
    ("", "Pod", ""),
    ("", "ReplicationController", "/spec/template"),
    ("apps", "DaemonSet", "/spec/template"),
    ("apps", "Deployment", "/spec/template"),
    ("apps", "ReplicaSet", "/spec/template"),
    ("apps", "StatefulSet", "/spec/template"),
    ("argoproj.io", "Rollout", "/spec/template"),
    ("batch", "CronJob", "/spec/jobTemplate/spec/template"),
    ("batch", "Job", "/spec/template"),
];

/// The groups that every API server serves by itself.
const BUILT_IN: &[&str] = &[
    "",
    ADMISSION,
    EXTENSIONS,
    REGISTRATION,
    "apps",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "extensions",
    "flowcontrol.apiserver.k8s.io",
    "internal.apiserver.k8s.io",
    NETWORKING,
    NODE,
    "policy",
    RBAC,
    "resource.k8s.io",
    SCHEDULING,
    STORAGE,
    "storagemigration.k8s.io",
];

/// Whether objects of a kind are known to be in no namespace.
pub(super) fn is_cluster_scoped(group: &str, kind: &str) -> bool {
    CLUSTER_SCOPED.contains(&(group, kind))
}

/// Whether a kind makes pods.
pub(super) fn is_workload(group: &str, kind: &str) -> bool {
    template(group, kind).is_some()
}

/// Whether every API server serves a group by itself.
pub(super) fn is_built_in(group: &str) -> bool {
    BUILT_IN.contains(&group)
}

/// Whether a kind stands on nothing that a set could bring: what is below all else, which also keeps a set that contradicts itself
/// from going round in circles.
pub(super) fn is_ground(group: &str, kind: &str) -> bool {
    matches!(
        (group, kind),
        ("", "Namespace") | (EXTENSIONS, "CustomResourceDefinition") | (REGISTRATION, "APIService")
    )
}

/// Whether a kind is a configuration of webhooks.
pub(super) fn is_webhook(group: &str, kind: &str) -> bool {
    group == ADMISSION && kind.ends_with("WebhookConfiguration")
}

/// Returns where the description of the pods that a kind makes is; `None` for what makes none.
pub(super) fn template(group: &str, kind: &str) -> Option<&'static str> {
    let row = WORKLOADS.iter().find(|row| (row.0, row.1) == (group, kind))?;
    Some(row.2)
}

/// Returns the name of the resource of a kind, as rules of webhooks write it, where no CRD says it.
pub(super) fn plural(kind: &str) -> String {
    let word = kind.to_lowercase();
    if let Some(stem) = word
        .strip_suffix('y')
        .filter(|stem| !stem.ends_with(['a', 'e', 'o', 'u']))
    {
        return format!("{stem}ies");
    }
    let hisses = ["s", "x", "z", "ch", "sh"].iter().any(|end| word.ends_with(end));
    if word == "endpoints" {
        word
    } else if hisses {
        format!("{word}es")
    } else {
        format!("{word}s")
    }
}

/// Returns the text at a JSON pointer; empty where there is none.
pub(super) fn text<'value>(value: &'value Value, pointer: &str) -> &'value str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Returns the items at a JSON pointer.
pub(super) fn items<'value>(value: &'value Value, pointer: &str) -> impl Iterator<Item = &'value Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resource_of_a_kind_is_spelt_as_the_api_server_does() {
        for (kind, resource) in [
            ("Pod", "pods"),
            ("Ingress", "ingresses"),
            ("NetworkPolicy", "networkpolicies"),
            ("Gateway", "gateways"),
            ("Endpoints", "endpoints"),
            ("StorageClass", "storageclasses"),
        ] {
            assert_eq!(plural(kind), resource);
        }
    }

    #[test]
    fn what_an_addon_serves_is_not_built_in() {
        for group in [
            "gateway.networking.k8s.io",
            "metrics.k8s.io",
            "snapshot.storage.k8s.io",
            "cert-manager.io",
        ] {
            assert!(!is_built_in(group), "{group}");
        }
        assert!(is_built_in("networking.k8s.io") && is_built_in(""));
    }
}
