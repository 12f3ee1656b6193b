//! In which order objects that stand on each other are applied: in as few ranks as what they need of each other allows.
//!
//! Nothing here talks to a cluster. The edges run from what an object *provides* to what another *needs*, each a [`Thing`], so that
//! a namespace of a thousand ConfigMaps and a thousand Deployments has two thousand edges and not a million. A CRD is known by
//! the group and the kind that it brings, never by the version in which an object is written.

use std::collections::HashMap;

use crate::object::Manifest;

/// The group of CRDs.
const EXTENSIONS: &str = "apiextensions.k8s.io";
/// The group of roles and bindings.
const RBAC: &str = "rbac.authorization.k8s.io";
/// The group of the classes of storage.
const STORAGE: &str = "storage.k8s.io";
/// The group of Ingresses and their classes.
const NETWORKING: &str = "networking.k8s.io";
/// The group of Gateways and their classes.
const GATEWAY: &str = "gateway.networking.k8s.io";
/// The group of webhook configurations.
const ADMISSION: &str = "admissionregistration.k8s.io";
/// The group of API services.
const REGISTRATION: &str = "apiregistration.k8s.io";

/// The longest chain of needs there is, in objects: Namespace, Role, workload, webhook configuration; and one to spare.
const LONGEST: usize = 5;

/// Built-in kinds that are in no namespace, so that they wait for none: the others that name no namespace go to the default one.
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
    ("certificates.k8s.io", "CertificateSigningRequest"),
    ("flowcontrol.apiserver.k8s.io", "FlowSchema"),
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
    (GATEWAY, "GatewayClass"),
    (NETWORKING, "IngressClass"),
    ("node.k8s.io", "RuntimeClass"),
    (RBAC, "ClusterRole"),
    (RBAC, "ClusterRoleBinding"),
    ("scheduling.k8s.io", "PriorityClass"),
    (STORAGE, "CSIDriver"),
    (STORAGE, "StorageClass"),
    (STORAGE, "VolumeAttributesClass"),
];

/// What makes pods.
const WORKLOADS: &[(&str, &str)] = &[
    ("", "Pod"),
    ("", "ReplicationController"),
    ("apps", "DaemonSet"),
    ("apps", "Deployment"),
    ("apps", "ReplicaSet"),
    ("apps", "StatefulSet"),
    ("batch", "CronJob"),
    ("batch", "Job"),
];

/// What pods of a namespace stand on, or are bounded by.
const INPUTS: &[(&str, &str)] = &[
    ("", "ConfigMap"),
    ("", "LimitRange"),
    ("", "ResourceQuota"),
    ("", "Secret"),
    ("", "ServiceAccount"),
    (RBAC, "Role"),
];

/// Something that an object can provide and others can need.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Thing<'set> {
    Namespace(&'set str),
    /// A group and a kind that a CRD brings.
    Kind(&'set str, &'set str),
    /// A group that an API service brings.
    Group(&'set str),
    /// What the pods of a namespace stand on.
    Inputs(&'set str),
    /// A role, by its kind, its namespace and its name.
    Role(&'set str, &'set str, &'set str),
    /// How important pods are, and by what they run.
    PodClasses,
    StorageClasses,
    IngressClasses,
    GatewayClasses,
    /// All but the configurations of webhooks, which would stand in the way of the pods that answer them.
    Rest,
}

/// Returns the objects, by their index, in ranks: each object needs only what is in earlier ranks, and no rank could be left out.
/// Within a rank they keep their order.
///
/// Objects that need a namespace and name none are taken to be in `namespace`. What is not in the set is taken to be there.
pub fn ranks(manifests: &[Manifest], namespace: &str) -> Vec<Vec<usize>> {
    let mut numbers: HashMap<Thing<'_>, usize> = HashMap::new();
    let provided: Vec<Vec<usize>> = manifests
        .iter()
        .map(|manifest| {
            let number = |thing| {
                let next = numbers.len();
                *numbers.entry(thing).or_insert(next)
            };
            provides(manifest, namespace).into_iter().map(number).collect()
        })
        .collect();
    let needed: Vec<Vec<usize>> = manifests
        .iter()
        .map(|manifest| {
            let needs = needs(manifest, namespace).into_iter();
            needs.filter_map(|thing| numbers.get(&thing).copied()).collect()
        })
        .collect();
    // A rank is the length of the longest chain below. Chains are short, so a few rounds over all edges find it.
    let mut rank_of = vec![0; manifests.len()];
    for _ in 0..LONGEST {
        let mut there_after = vec![0; numbers.len()];
        for (things, rank) in provided.iter().zip(&rank_of) {
            for thing in things {
                there_after[*thing] = there_after[*thing].max(rank + 1);
            }
        }
        for (things, rank) in needed.iter().zip(&mut rank_of) {
            *rank = things.iter().map(|thing| there_after[*thing]).max().unwrap_or_default();
        }
    }
    let mut ranks = vec![Vec::new(); rank_of.iter().max().map_or(0, |last| last + 1)];
    for (index, rank) in rank_of.into_iter().enumerate() {
        ranks[rank].push(index);
    }
    ranks
}

/// Returns the groups and kinds that a CRD brings; `None` for other objects.
pub(super) fn brings(manifest: &Manifest) -> Option<(&str, &str)> {
    manifest
        .is(EXTENSIONS, "CustomResourceDefinition")
        .then(|| (manifest.text("/spec/group"), manifest.text("/spec/names/kind")))
}

/// Returns the group for which an API service answers; `None` for other objects.
pub(super) fn answers_for(manifest: &Manifest) -> Option<&str> {
    manifest
        .is(REGISTRATION, "APIService")
        .then(|| manifest.text("/spec/group"))
}

fn provides<'set>(manifest: &'set Manifest, default: &'set str) -> Vec<Thing<'set>> {
    let (name, kind) = (manifest.text("/metadata/name"), manifest.kind());
    let home = home(manifest, default);
    let mut things = Vec::with_capacity(2);
    if !is_webhook(manifest) {
        things.push(Thing::Rest);
    }
    if is_one_of(manifest, INPUTS) {
        things.push(Thing::Inputs(home));
    }
    things.extend(match (manifest.group(), kind) {
        ("", "Namespace") => Some(Thing::Namespace(name)),
        (EXTENSIONS, "CustomResourceDefinition") => brings(manifest).map(|(group, kind)| Thing::Kind(group, kind)),
        (REGISTRATION, "APIService") => answers_for(manifest).map(Thing::Group),
        (RBAC, "Role") => Some(Thing::Role("Role", home, name)),
        (RBAC, "ClusterRole") => Some(Thing::Role("ClusterRole", "", name)),
        ("scheduling.k8s.io", "PriorityClass") | ("node.k8s.io", "RuntimeClass") => Some(Thing::PodClasses),
        (STORAGE, "StorageClass") => Some(Thing::StorageClasses),
        (NETWORKING, "IngressClass") => Some(Thing::IngressClasses),
        (GATEWAY, "GatewayClass") => Some(Thing::GatewayClasses),
        _ => None,
    });
    things
}

fn needs<'set>(manifest: &'set Manifest, default: &'set str) -> Vec<Thing<'set>> {
    let (group, kind) = (manifest.group(), manifest.kind());
    // These stand on nothing, which also keeps a set that contradicts itself from going round in circles.
    let is_ground = matches!(
        (group, kind),
        ("", "Namespace") | (EXTENSIONS, "CustomResourceDefinition") | (REGISTRATION, "APIService")
    );
    if is_ground {
        return Vec::new();
    }
    if is_webhook(manifest) {
        return vec![Thing::Rest];
    }
    let mut things = vec![Thing::Kind(group, kind), Thing::Group(group)];
    let home = home(manifest, default);
    if !home.is_empty() {
        things.push(Thing::Namespace(home));
    }
    if is_one_of(manifest, WORKLOADS) {
        things.extend([Thing::Inputs(home), Thing::PodClasses]);
    }
    match (group, kind) {
        (RBAC, "RoleBinding" | "ClusterRoleBinding") => {
            let (of, name) = (manifest.text("/roleRef/kind"), manifest.text("/roleRef/name"));
            things.push(Thing::Role(of, if of == "Role" { home } else { "" }, name));
        }
        ("", "PersistentVolumeClaim" | "PersistentVolume") | ("apps", "StatefulSet") => {
            things.push(Thing::StorageClasses);
        }
        (NETWORKING, "Ingress") => things.push(Thing::IngressClasses),
        (GATEWAY, "Gateway") => things.push(Thing::GatewayClasses),
        _ => {}
    }
    things
}

/// Returns the namespace that an object is in; empty for what is in none.
fn home<'set>(manifest: &'set Manifest, default: &'set str) -> &'set str {
    if is_one_of(manifest, CLUSTER_SCOPED) {
        return "";
    }
    match manifest.text("/metadata/namespace") {
        "" => default,
        named => named,
    }
}

fn is_webhook(manifest: &Manifest) -> bool {
    manifest.group() == ADMISSION && manifest.kind().ends_with("WebhookConfiguration")
}

fn is_one_of(manifest: &Manifest, kinds: &[(&str, &str)]) -> bool {
    kinds.contains(&(manifest.group(), manifest.kind()))
}

#[cfg(test)]
mod tests;
