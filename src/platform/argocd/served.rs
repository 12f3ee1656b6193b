//! Which kinds a chart is told that the cluster serves (`APIResourcesToStrings` in `util/argo`).

use std::collections::BTreeSet;

use serde_json::Value;

use crate::graph::brings;
use crate::object::Manifest;

/// What every cluster serves that is not known better: the stable kinds of Kubernetes that can be listed and watched.
const USUAL: [(&str, &[&str]); 19] = [
    (
        "v1",
        &[
            "ConfigMap",
            "Endpoints",
            "Event",
            "LimitRange",
            "Namespace",
            "Node",
            "PersistentVolume",
            "PersistentVolumeClaim",
            "Pod",
            "PodTemplate",
            "ReplicationController",
            "ResourceQuota",
            "Secret",
            "Service",
            "ServiceAccount",
        ],
    ),
    (
        "admissionregistration.k8s.io/v1",
        &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"],
    ),
    ("apiextensions.k8s.io/v1", &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io/v1", &["APIService"]),
    (
        "apps/v1",
        &[
            "ControllerRevision",
            "DaemonSet",
            "Deployment",
            "ReplicaSet",
            "StatefulSet",
        ],
    ),
    ("autoscaling/v1", &["HorizontalPodAutoscaler"]),
    ("autoscaling/v2", &["HorizontalPodAutoscaler"]),
    ("batch/v1", &["CronJob", "Job"]),
    ("certificates.k8s.io/v1", &["CertificateSigningRequest"]),
    ("coordination.k8s.io/v1", &["Lease"]),
    ("discovery.k8s.io/v1", &["EndpointSlice"]),
    ("events.k8s.io/v1", &["Event"]),
    (
        "flowcontrol.apiserver.k8s.io/v1",
        &["FlowSchema", "PriorityLevelConfiguration"],
    ),
    ("networking.k8s.io/v1", &["Ingress", "IngressClass", "NetworkPolicy"]),
    ("node.k8s.io/v1", &["RuntimeClass"]),
    ("policy/v1", &["PodDisruptionBudget"]),
    (
        "rbac.authorization.k8s.io/v1",
        &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
    ),
    ("scheduling.k8s.io/v1", &["PriorityClass"]),
    (
        "storage.k8s.io/v1",
        &[
            "CSIDriver",
            "CSINode",
            "CSIStorageCapacity",
            "StorageClass",
            "VolumeAttachment",
        ],
    ),
];

/// Returns what a cluster is taken to serve at which nobody has looked, as `group/version` and `group/version/Kind`.
pub fn usual() -> BTreeSet<String> {
    USUAL.iter().flat_map(|(version, kinds)| told(version, kinds)).collect()
}

/// Returns what is served once these CRDs are there.
pub fn of_crds<'crd>(crds: impl Iterator<Item = &'crd Manifest>) -> BTreeSet<String> {
    crds.flat_map(|crd| {
        let (group, kind) = brings(crd).unwrap_or_default();
        let versions = crd.value().pointer("/spec/versions").and_then(Value::as_array);
        let served = versions.into_iter().flatten().filter(|one| one["served"] == true);
        let versions: Vec<String> = served
            .filter_map(|one| Some(format!("{group}/{}", one["name"].as_str()?)))
            .collect();
        versions.into_iter().flat_map(move |version| told(&version, &[kind]))
    })
    .collect()
}

fn told(version: &str, kinds: &[&str]) -> Vec<String> {
    let kinds = kinds.iter().map(|kind| format!("{version}/{kind}"));
    std::iter::once(version.to_owned()).chain(kinds).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::Origin;

    #[test]
    fn a_crd_is_told_in_the_versions_that_it_serves() {
        let crd = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "gadgets.shop.example.com"},
            "spec": {"group": "shop.example.com", "names": {"kind": "Gadget"}, "versions": [
                {"name": "v1", "served": true}, {"name": "v1alpha1", "served": false},
            ]},
        });
        let other = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}});
        let all = [crd, other].map(|value| Manifest::new(value, Origin::default()).unwrap());
        let told: Vec<_> = of_crds(all.iter()).into_iter().collect();
        assert_eq!(told, ["shop.example.com/v1", "shop.example.com/v1/Gadget"]);
    }
}
