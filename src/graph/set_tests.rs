use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::graph::brings;
use crate::graph::kinds::{is_cluster_scoped, is_workload};
use crate::object::Origin;

fn manifest(value: Value) -> Manifest {
    Manifest::new(value, Origin::default()).unwrap()
}

fn object(api_version: &str, kind: &str, namespace: &str, name: &str) -> Manifest {
    let mut metadata = json!({"name": name});
    if !namespace.is_empty() {
        metadata["namespace"] = namespace.into();
    }
    manifest(json!({"apiVersion": api_version, "kind": kind, "metadata": metadata}))
}

fn crd(group: &str, kind: &str) -> Manifest {
    manifest(json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{}s.{group}", kind.to_lowercase())},
        "spec": {"group": group, "names": {"kind": kind}},
    }))
}

fn binding(kind: &str, namespace: &str, role: (&str, &str)) -> Manifest {
    let name = format!("{}-{}", role.0.to_lowercase(), role.1);
    let mut binding = object("rbac.authorization.k8s.io/v1", kind, namespace, &name);
    binding.value_mut()["roleRef"] = json!({"kind": role.0, "name": role.1});
    binding
}

/// Returns the ranks as lists of `Kind name`.
fn told(manifests: &[Manifest]) -> Vec<Vec<String>> {
    let told = |index: &usize| {
        format!(
            "{} {}",
            manifests[*index].kind(),
            manifests[*index].text("/metadata/name")
        )
    };
    let ranks = ranks(manifests, "argocd");
    ranks.iter().map(|rank| rank.iter().map(told).collect()).collect()
}

#[test]
fn a_platform_is_applied_from_the_ground_up_and_its_webhooks_last() {
    let manifests = [
        object(
            "admissionregistration.k8s.io/v1",
            "ValidatingWebhookConfiguration",
            "",
            "policy",
        ),
        object("apps/v1", "Deployment", "shop", "cart"),
        binding("RoleBinding", "shop", ("Role", "reader")),
        object("rbac.authorization.k8s.io/v1", "Role", "shop", "reader"),
        object("v1", "Secret", "shop", "key"),
        object("example.com/v1beta1", "Widget", "shop", "blue"),
        crd("example.com", "Widget"),
        object("v1", "Namespace", "", "shop"),
        object("v1", "Service", "shop", "cart"),
    ];
    assert_eq!(
        told(&manifests),
        [
            vec!["CustomResourceDefinition widgets.example.com", "Namespace shop"],
            vec!["Role reader", "Secret key", "Widget blue", "Service cart"],
            vec!["Deployment cart", "RoleBinding role-reader"],
            vec!["ValidatingWebhookConfiguration policy"],
        ]
    );
}

#[test]
fn nothing_waits_for_what_it_does_not_need() {
    let one_rank = [
        vec![
            object("v1", "ConfigMap", "a", "x"),
            object("apps/v1", "Deployment", "b", "y"),
        ],
        vec![object("v1", "Namespace", "", "a"), object("v1", "ConfigMap", "b", "x")],
        vec![
            crd("example.com", "Widget"),
            object("other.example.com/v1", "Widget", "", "x"),
        ],
        // A role of another namespace, and one of another name.
        vec![
            object("rbac.authorization.k8s.io/v1", "Role", "a", "r"),
            binding("RoleBinding", "b", ("Role", "r")),
            binding("RoleBinding", "a", ("Role", "s")),
        ],
        // What is in no namespace does not wait for the default one.
        vec![
            object("v1", "Namespace", "", "argocd"),
            object("storage.k8s.io/v1", "StorageClass", "", "fast"),
        ],
        // That CRDs lie about what they bring makes no circle.
        vec![
            crd("apiextensions.k8s.io", "CustomResourceDefinition"),
            crd("", "Namespace"),
        ],
    ];
    for manifests in one_rank {
        assert_eq!(told(&manifests).len(), 1, "{:?}", told(&manifests));
    }
    let two_ranks = [
        vec![
            object("v1", "ConfigMap", "", "x"),
            object("v1", "Namespace", "", "argocd"),
        ],
        vec![
            object("v1", "PersistentVolumeClaim", "a", "x"),
            object("storage.k8s.io/v1", "StorageClass", "", "fast"),
        ],
        vec![
            object("batch/v1", "Job", "a", "x"),
            object("scheduling.k8s.io/v1", "PriorityClass", "", "high"),
        ],
        vec![
            object("networking.k8s.io/v1", "Ingress", "a", "x"),
            object("networking.k8s.io/v1", "IngressClass", "", "web"),
        ],
        vec![
            object("v1", "ConfigMap", "a", "x"),
            object("apps/v1", "Deployment", "a", "y"),
        ],
        vec![
            object("rbac.authorization.k8s.io/v1", "ClusterRole", "", "r"),
            binding("RoleBinding", "a", ("ClusterRole", "r")),
            binding("ClusterRoleBinding", "", ("ClusterRole", "r")),
        ],
    ];
    for manifests in two_ranks {
        assert_eq!(told(&manifests).len(), 2, "{:?}", told(&manifests));
    }
    assert!(ranks(&[], "argocd").is_empty());
}

/// Whether one object must be there before another: the rule in its plainest words, which looks at each pair.
fn comes_first(first: &Manifest, then: &Manifest) -> bool {
    let home = |one: &Manifest| match one.text("/metadata/namespace") {
        _ if is_cluster_scoped(one.group(), one.kind()) => String::new(),
        "" => "argocd".to_owned(),
        named => named.to_owned(),
    };
    let name = first.text("/metadata/name");
    let is_ground = |one: &Manifest| {
        one.is("", "Namespace")
            || one.is("apiextensions.k8s.io", "CustomResourceDefinition")
            || one.is("apiregistration.k8s.io", "APIService")
    };
    let is_hook = |one: &Manifest| one.kind().ends_with("WebhookConfiguration");
    let is_pod_maker = |one: &Manifest| is_workload(one.group(), one.kind());
    if is_ground(then) {
        return false;
    }
    if is_hook(then) {
        return !is_hook(first);
    }
    match first.kind() {
        "Namespace" => home(then) == name,
        "CustomResourceDefinition" => brings(first) == Some((then.group(), then.kind())),
        "ServiceAccount" | "Secret" | "ConfigMap" | "ResourceQuota" | "LimitRange" => {
            is_pod_maker(then) && home(first) == home(then)
        }
        "Role" if is_pod_maker(then) => home(first) == home(then),
        "Role" | "ClusterRole" => {
            then.kind().ends_with("Binding")
                && then.text("/roleRef/kind") == first.kind()
                && then.text("/roleRef/name") == name
                && (first.kind() == "ClusterRole" || home(first) == home(then))
        }
        "PriorityClass" => is_pod_maker(then),
        "StorageClass" => matches!(then.kind(), "PersistentVolumeClaim" | "StatefulSet"),
        _ => false,
    }
}

fn any_object() -> impl Strategy<Value = Manifest> {
    let namespace = prop::sample::select(vec!["", "argocd", "shop"]);
    let name = prop::sample::select(vec!["a", "b", "shop", "argocd"]);
    let kind = prop::sample::select(vec![
        ("v1", "Namespace"),
        ("v1", "ConfigMap"),
        ("v1", "ServiceAccount"),
        ("v1", "PersistentVolumeClaim"),
        ("apps/v1", "Deployment"),
        ("apps/v1", "StatefulSet"),
        ("storage.k8s.io/v1", "StorageClass"),
        ("scheduling.k8s.io/v1", "PriorityClass"),
        ("rbac.authorization.k8s.io/v1", "Role"),
        ("rbac.authorization.k8s.io/v1", "ClusterRole"),
        ("rbac.authorization.k8s.io/v1", "RoleBinding"),
        ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        ("example.com/v1", "Widget"),
        ("example.com/v1beta1", "Gadget"),
        ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
    ]);
    let role = (
        prop::sample::select(vec!["Role", "ClusterRole"]),
        prop::sample::select(vec!["a", "b"]),
    );
    let brought = prop::sample::select(vec!["Widget", "Gadget"]);
    (kind, namespace, name, role, brought).prop_map(|((version, kind), namespace, name, role, brought)| match kind {
        "CustomResourceDefinition" => crd("example.com", brought),
        "RoleBinding" | "ClusterRoleBinding" => binding(kind, namespace, role),
        _ => object(version, kind, namespace, name),
    })
}

proptest! {
    #[test]
    fn each_object_is_in_one_rank_behind_all_that_it_needs_and_no_later_than_that(
        manifests in prop::collection::vec(any_object(), 0..25),
    ) {
        let ranks = ranks(&manifests, "argocd");
        let mut all: Vec<usize> = ranks.concat();
        all.sort_unstable();
        prop_assert_eq!(all, (0..manifests.len()).collect::<Vec<_>>());
        let rank_of = |index: usize| ranks.iter().position(|rank| rank.contains(&index)).unwrap();
        for then in 0..manifests.len() {
            let below = (0..manifests.len()).filter(|first| comes_first(&manifests[*first], &manifests[then]));
            let least = below.map(|first| rank_of(first) + 1).max().unwrap_or_default();
            prop_assert_eq!(rank_of(then), least, "{:?}", manifests[then]);
        }
    }

    #[test]
    fn the_order_in_which_the_objects_are_given_changes_no_rank(
        (manifests, shuffled) in prop::collection::vec(any_object(), 0..25)
            .prop_flat_map(|manifests| (Just(manifests.clone()), Just(manifests).prop_shuffle())),
    ) {
        let sets = |manifests: &[Manifest]| -> Vec<BTreeSet<String>> {
            let ranks = ranks(manifests, "argocd");
            ranks.iter().map(|rank| rank.iter().map(|index| manifests[*index].value().to_string()).collect()).collect()
        };
        prop_assert_eq!(sets(&manifests), sets(&shuffled));
    }
}

#[tokio::test]
async fn ten_thousand_objects_are_ranked_in_a_moment() {
    let mut manifests = Vec::new();
    for number in 0..100 {
        let namespace = format!("shop-{number}");
        manifests.push(object("v1", "Namespace", "", &namespace));
        for one in 0..50 {
            manifests.push(object("v1", "ConfigMap", &namespace, &format!("c{one}")));
            manifests.push(object("apps/v1", "Deployment", &namespace, &format!("d{one}")));
        }
    }
    // An unoptimised build on a machine that does ten other things; each pair looked at would take many minutes.
    let began = tokio::time::Instant::now();
    let ranks = ranks(&manifests, "argocd");
    assert!(
        began.elapsed() < std::time::Duration::from_mins(1),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(ranks.iter().map(Vec::len).collect::<Vec<_>>(), [100, 5000, 5000]);
}
