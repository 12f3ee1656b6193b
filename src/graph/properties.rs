//! What holds of the graph of any platform, with the rules of any agent.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::fixture::told;
use super::*;
use crate::object::{Manifest, ObjectRef, Origin};

/// Objects of which many need each other, in a few apps.
pub(crate) fn any_platform() -> impl Strategy<Value = Platform> {
    let kinds = prop::sample::select(vec![
        ("v1", "Namespace"),
        ("v1", "Secret"),
        ("v1", "ConfigMap"),
        ("apps/v1", "Deployment"),
        ("external-secrets.io/v1", "ExternalSecret"),
        ("external-secrets.io/v1", "SecretStore"),
        ("cert-manager.io/v1", "Certificate"),
        ("rbac.authorization.k8s.io/v1", "RoleBinding"),
        ("rbac.authorization.k8s.io/v1", "Role"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
        ("v1", "Service"),
        ("example.com/v1", "Widget"),
    ]);
    let name = || prop::sample::select(vec!["a", "b", "c"]);
    let object = (0..4_usize, kinds, name(), name(), name(), -1..2_i32).prop_map(|(app, (version, kind), own, other, third, wave)| {
        let spec = match kind {
            "Deployment" => json!({"template": {"metadata": {"labels": {"app": own}}, "spec": {"volumes": [{"secret": {"secretName": other}}]}}}),
            "ExternalSecret" => json!({"secretStoreRef": {"name": other}, "target": {"name": third}}),
            "SecretStore" => json!({"provider": {"x": {"tokenSecretRef": {"name": other}}}}),
            "Certificate" => json!({"secretName": other}),
            "CustomResourceDefinition" => json!({"group": "example.com", "names": {"kind": "Widget", "plural": "widgets"}}),
            "Service" => json!({"selector": {"app": other}}),
            _ => json!({}),
        };
        let mut value = json!({
            "apiVersion": version, "kind": kind, "spec": spec,
            "metadata": {"name": own, "namespace": third, "annotations": {"argocd.argoproj.io/sync-wave": wave.to_string()}},
            "roleRef": {"kind": "Role", "name": other},
        });
        if kind == "ValidatingWebhookConfiguration" {
            value["webhooks"] = json!([{"clientConfig": {"service": {"namespace": "a", "name": other}},
                "rules": [{"apiGroups": ["*"], "resources": ["*"], "operations": ["*"]}]}]);
        }
        (app, value)
    });
    prop::collection::vec(object, 0..25).prop_map(|objects| {
        let mut contents: Vec<Vec<Sourced>> = vec![Vec::new(); 4];
        for (line, (app, value)) in objects.into_iter().enumerate() {
            let origin = Origin {
                file: "x.yaml".into(),
                line,
            };
            contents[app].push(Sourced {
                source: String::new(),
                manifest: Manifest::new(value, origin).unwrap(),
            });
        }
        let apps = contents.into_iter().enumerate().map(|(number, objects)| App {
            id: ObjectRef::new(
                "argoproj.io/v1alpha1",
                "Application",
                "argocd",
                &format!("app-{number}"),
            ),
            parent: None,
            object: None,
            cluster: String::new(),
            namespace: "a".into(),
            sources: Vec::new(),
            contents: Contents::Known(objects),
        });
        Platform {
            apps: apps.collect(),
            children_are_awaited: false,
        }
    })
}

fn ranked(graph: &Graph) -> Vec<Vec<String>> {
    graph
        .ranks()
        .iter()
        .map(|rank| rank.iter().map(|node| graph.node(*node).to_string()).collect())
        .collect()
}

fn build(platform: &Platform, rules: &[Row]) -> Graph {
    Graph::build(platform, &Known::default(), rules, |_| true)
}

/// What comes of a property: nothing, or why it does not hold.
type Holds = Result<(), TestCaseError>;

/// Every edge is respected, and no rank is later than it must be.
pub(crate) fn ranks_are_least(platform: &Platform, rules: &[Row]) -> Holds {
    let graph = build(platform, rules);
    let mut least: BTreeMap<NodeId, usize> = BTreeMap::new();
    // What an event comes after, worked out from the edges by brute force.
    let lines = graph
        .lines
        .edge_indices()
        .filter_map(|line| graph.lines.edge_endpoints(line));
    let lines: Vec<_> = lines.map(|(from, to)| (from.index(), to.index())).collect();
    let brought = |node: usize| {
        matches!(
            graph.nodes[node].standing,
            Standing::App | Standing::Brought | Standing::Made
        )
    };
    let counts =
        |point: usize| usize::from(point < graph.nodes.len() * 2 && point.is_multiple_of(2) && brought(point / 2));
    let mut chain: Vec<usize> = (0..graph.lines.node_count()).map(counts).collect();
    for round in 0..=graph.lines.node_count() {
        let mut is_changed = false;
        for (from, to) in &lines {
            let then = chain[*from] + counts(*to);
            if then > chain[*to] {
                chain[*to] = then;
                is_changed = true;
            }
        }
        prop_assert!(round < graph.lines.node_count(), "there is a circle left");
        if !is_changed {
            break;
        }
    }
    for node in 0..graph.nodes.len() {
        least.insert(NodeId(node), chain[node * 2] - counts(node * 2));
    }
    for (rank, nodes) in graph.ranks().iter().enumerate() {
        for node in nodes {
            prop_assert_eq!(rank, least[node]);
        }
    }
    for edge in graph.edges() {
        let strict = edge.later.1 == When::Exists
            && edge.later.0 != edge.earlier.0
            && brought(edge.earlier.0.0)
            && brought(edge.later.0.0);
        prop_assert!(
            !strict || graph.rank(edge.earlier.0) < graph.rank(edge.later.0),
            "{}",
            told(&graph, &edge)
        );
    }
    Ok(())
}

/// The order in which things are given changes nothing.
pub(crate) fn is_stable(platform: &Platform, rules: &[Row], seed: u64) -> Holds {
    let mut shuffled = platform.clone();
    shuffled.apps.rotate_left(usize::try_from(seed % 4).unwrap());
    for app in &mut shuffled.apps {
        if let Contents::Known(objects) = &mut app.contents {
            objects.reverse();
        }
    }
    let (one, other) = (build(platform, rules), build(&shuffled, rules));
    prop_assert_eq!(ranked(&one), ranked(&other));
    let cycles = |graph: &Graph| -> Vec<Vec<String>> {
        graph
            .cycles()
            .iter()
            .map(|cycle| cycle.links.iter().map(|edge| told(graph, edge)).collect())
            .collect()
    };
    prop_assert_eq!(cycles(&one), cycles(&other));
    let timeline = |graph: &Graph| graph.timeline(|_| None, |_| Progress::Waiting);
    prop_assert_eq!(one.svg(&timeline(&one)), other.svg(&timeline(&other)));
    Ok(())
}

/// Without an edge nothing comes later.
pub(crate) fn comes_no_later_without(platform: &Platform, rules: &[Row], which: prop::sample::Index) -> Holds {
    let graph = build(platform, rules);
    if graph.lines.edge_count() == 0 {
        return Ok(());
    }
    let dropped = which.index(graph.lines.edge_count());
    let mut lines = graph.lines.clone();
    lines.retain_edges(|_, line| line.index() != dropped);
    let before = rank::count(&graph.lines, &graph.nodes);
    let after = rank::count(&lines, &graph.nodes);
    prop_assert!(before.iter().zip(&after).all(|(before, after)| after <= before));
    Ok(())
}

/// Whatever objects hold, nothing breaks.
pub(crate) fn nothing_breaks(values: Vec<Value>, rules: &[Row]) -> Holds {
    let objects = values
        .into_iter()
        .filter_map(|value| Manifest::new(value, Origin::default()).ok());
    let objects: Vec<Sourced> = objects
        .map(|manifest| Sourced {
            source: String::new(),
            manifest,
        })
        .collect();
    let id = ObjectRef::new("argoproj.io/v1alpha1", "Application", "argocd", "a");
    let app = |parent| App {
        id: id.clone(),
        parent,
        object: objects.first().cloned(),
        cluster: "far".into(),
        namespace: String::new(),
        sources: Vec::new(),
        contents: Contents::Known(objects.clone()),
    };
    // Parents that are not there, and apps that are their own.
    let platform = Platform {
        apps: vec![app(None), app(Some(0)), app(Some(7)), app(Some(3))],
        children_are_awaited: true,
    };
    let graph = build(&platform, rules);
    let timeline = graph.timeline(|_| None, |_| Progress::Waiting);
    let _ = (
        graph.svg(&timeline),
        graph.dot(&timeline),
        graph.unknowns(),
        graph.app_lines(),
    );
    for (node, _) in graph.nodes() {
        prop_assert!(graph.why(node).iter().all(|chain| chain.len() <= 64));
        let _ = graph.held_back_by(node);
    }
    prop_assert!(graph.edges().count() <= 400 * (objects.len() + 4));
    Ok(())
}

/// An object whose fields hold anything where rules look for something.
pub(crate) fn any_object() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(vec![
            "",
            "a",
            "Secret",
            "*",
            "Fail",
            "example.com/v1",
            "Namespace",
            "-1"
        ])
        .prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    let key = prop::sample::select(vec![
        "spec",
        "template",
        "metadata",
        "labels",
        "annotations",
        "name",
        "namespace",
        "volumes",
        "secret",
        "secretName",
        "containers",
        "env",
        "valueFrom",
        "secretKeyRef",
        "webhooks",
        "rules",
        "clientConfig",
        "service",
        "roleRef",
        "subjects",
        "kind",
        "group",
        "names",
        "scope",
        "ownerReferences",
        "provider",
        "dependsOn",
        "sourceRef",
        "selector",
        "matchExpressions",
        "secretStoreRef",
        "argocd.argoproj.io/hook",
        "argocd.argoproj.io/sync-wave",
        "helm.sh/hook",
    ]);
    let value = leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(key.clone(), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())),
        ]
    });
    let kinds = prop::sample::select(vec![
        ("v1", "Secret"),
        ("v1", "Service"),
        ("v1", "Namespace"),
        ("apps/v1", "Deployment"),
        ("batch/v1", "CronJob"),
        ("argoproj.io/v1alpha1", "Application"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        ("apiregistration.k8s.io/v1", "APIService"),
        ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
        ("external-secrets.io/v1", "SecretStore"),
        ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"),
        ("a/b/c", "Odd"),
    ]);
    (
        kinds,
        value.clone(),
        value.clone(),
        value,
        prop::sample::select(vec!["a", "b"]),
    )
        .prop_map(|((version, kind), spec, more, metadata, name)| {
            let mut object =
                json!({"apiVersion": version, "kind": kind, "spec": spec, "webhooks": more.clone(), "roleRef": more});
            object["metadata"] = if metadata.is_object() { metadata } else { json!({}) };
            object["metadata"]["name"] = name.into();
            object
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_edge_is_respected_and_no_rank_is_later_than_it_must_be(platform in any_platform()) {
        ranks_are_least(&platform, &[])?;
    }

    #[test]
    fn the_order_in_which_things_are_given_changes_nothing(platform in any_platform(), seed in any::<u64>()) {
        is_stable(&platform, &[], seed)?;
    }

    #[test]
    fn without_an_edge_nothing_comes_later(platform in any_platform(), which in any::<prop::sample::Index>()) {
        comes_no_later_without(&platform, &[], which)?;
    }

    #[test]
    fn whatever_an_object_holds_nothing_breaks(values in prop::collection::vec(any_object(), 0..12)) {
        nothing_breaks(values, &[])?;
    }
}
