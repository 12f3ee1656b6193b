//! What a graph says of a platform.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::fixture::{Scene, application, node, told};
use super::fixture_shop::{crd, large, shop};
use super::*;
use crate::object::{Manifest, ObjectRef, Origin};

fn names(graph: &Graph, nodes: &[NodeId]) -> Vec<String> {
    nodes.iter().map(|node| graph.node(*node).id.name.clone()).collect()
}

#[test]
fn an_app_waits_for_the_apps_whose_objects_its_own_need() {
    let graph = shop().graph();
    let apps = graph.app_lines();
    let name = |spot: usize| match apps.spots[spot] {
        AppSpot::App(node) => graph.node(node).id.name.clone(),
        AppSpot::Joint => "joint".into(),
    };
    let lines: Vec<String> = apps
        .lines
        .iter()
        .map(|line| {
            let until = if line.until_well { "is well" } else { "is there" };
            format!("{} {:?} until {} {until}", name(line.later), line.holds_back, name(line.earlier))
        })
        .collect();
    assert_eq!(
        lines,
        [
            "payments Healthy until cert-manager is well",
            "cert-manager Exists until crds is there",
            "payments Exists until crds is there",
            "payments Exists until eso is there",
            "payments Healthy until eso is well",
            "eso Healthy until vault is there",
        ]
    );
    let mut columns: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (spot, column) in apps.ranks.iter().enumerate() {
        columns.entry(*column).or_default().push(name(spot));
    }
    let columns: Vec<Vec<String>> = columns.into_values().collect();
    assert_eq!(
        columns,
        [
            vec!["apps", "infra"],
            vec!["crds", "mystery", "vault"],
            vec!["cert-manager", "eso"],
            vec!["payments"]
        ]
    );
    assert!(apps.together.is_empty() && graph.cycles().is_empty() && graph.dropped().is_empty());
}

#[test]
fn why_something_comes_late_is_told_link_by_link_with_file_and_line() {
    let graph = shop().graph();
    let why = graph.why(node(&graph, "Deployment", "payments"));
    let told: Vec<Vec<String>> = why.iter().map(|chain| chain.iter().map(|edge| told(&graph, edge)).collect()).collect();
    assert_eq!(
        told[0],
        [
            "Deployment payments healthy reads (spec.template.spec.containers[0].envFrom[0].secretRef) Secret db",
            "Secret db is made by ExternalSecret db healthy",
            "ExternalSecret db healthy is taken from (spec.secretStoreRef) ClusterSecretStore vault healthy",
            "ClusterSecretStore vault is of the kind of CustomResourceDefinition clustersecretstores.external-secrets.io healthy",
            "CustomResourceDefinition clustersecretstores.external-secrets.io comes with Application eso",
            "Application eso comes with Root infra",
        ]
    );
    assert_eq!(why[0][1].place.to_string(), "platform:payments.yaml:5");
    // An app waits for what its objects wait for.
    let why = graph.why(node(&graph, "Application", "payments"));
    let first: HashSet<String> = why.iter().map(|chain| graph.node(chain[0].earlier.0).id.name.clone()).collect();
    assert_eq!(
        first,
        ["ca", "vault", "certificates.cert-manager.io", "externalsecrets.external-secrets.io"].map(str::to_owned).into()
    );
    assert_eq!(graph.search("payments").len(), 1, "an app goes before its objects");
    assert_eq!(names(&graph, &graph.search("deployment/payments")), ["payments"]);
}

#[test]
fn the_loss_of_something_holds_back_what_stands_on_it() {
    let graph = shop().graph();
    let held = graph.held_back_by(node(&graph, "Secret", "token"));
    assert_eq!(names(&graph, &held.apps), ["eso", "payments"]);
    assert_eq!(names(&graph, &held.objects), ["db", "payments", "vault", "db"]);
    assert_eq!(names(&graph, &graph.held_back_by(node(&graph, "Application", "mystery")).apps), [""; 0]);
    let held = graph.held_back_by(node(&graph, "Application", "crds"));
    assert_eq!(names(&graph, &held.apps), ["cert-manager", "payments"]);
}

#[test]
fn what_nobody_can_tell_is_named_with_who_needs_it() {
    let graph = shop().graph();
    let unknowns = graph.unknowns();
    let told: Vec<String> = unknowns
        .iter()
        .map(|unknown| match unknown {
            Unknown::App { node, reasons } => format!("{}: {}", graph.node(*node), reasons.join("; ")),
            Unknown::Missing { node, needed_by } => {
                let by: Vec<String> = needed_by.iter().map(|edge| graph.node(edge.later.0).id.name.clone()).collect();
                format!("{} for {}", graph.node(*node), by.join(", "))
            }
        })
        .collect();
    assert!(told.contains(&"Application.argoproj.io argocd/mystery: its plugin runs only in the agent".into()), "{told:?}");
    assert!(told.contains(&"Namespace cert-manager for cert-manager".into()), "{told:?}");
    assert!(told.iter().all(|one| !one.contains("payments ")), "{told:?}");
}

#[test]
fn the_critical_path_is_what_takes_longest_by_what_earlier_runs_took() {
    let graph = shop().graph();
    let took: BTreeMap<&str, u64> = [("vault", 100), ("eso", 20), ("cert-manager", 40), ("payments", 10), ("crds", 5)].into();
    let took = |id: NodeId| took.get(graph.node(id).id.name.as_str()).copied().map(Duration::from_secs);
    let timeline = graph.timeline(took, |_| Progress::Waiting);
    // vault's Secret is soon there, so that vault itself ends last, and payments waits for cert-manager alone.
    assert_eq!(timeline.total, Duration::from_secs(103));
    let critical: Vec<String> = timeline.critical.iter().map(|leg| graph.node(leg.app.node).id.name.clone()).collect();
    assert_eq!(critical, ["infra", "vault"]);
    let slow = |id: NodeId| (graph.node(id).id.name == "cert-manager").then_some(Duration::from_secs(200)).or_else(|| took(id));
    let timeline = graph.timeline(slow, |_| Progress::Waiting);
    let critical: Vec<String> = timeline.critical.iter().map(|leg| graph.node(leg.app.node).id.name.clone()).collect();
    assert_eq!(critical, ["infra", "crds", "cert-manager", "payments"]);
    // infra and crds are synced, CRDs of crds are there: 3 + 3; cert-manager 200; payments 10 after it.
    assert_eq!(timeline.total, Duration::from_secs(216));
    assert!(timeline.critical[3].because.is_some());
    // While it runs, what is done takes no time any more.
    let progress = |id: NodeId| match graph.node(id).id.name.as_str() {
        "infra" | "apps" => Progress::Running(Duration::from_secs(60)),
        "crds" | "vault" | "eso" => Progress::Done,
        "cert-manager" => Progress::Running(Duration::from_secs(150)),
        _ => Progress::Waiting,
    };
    assert_eq!(graph.timeline(slow, progress).total, Duration::from_secs(60));
}

#[test]
fn the_shortest_circle_is_told_with_its_reasons_and_what_gives_way_first() {
    // A makes the Secret that B's store logs in with, and B makes the one that A's does.
    let store = |name: &str, secret: &str, makes: &str| {
        format!(
            "apiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata: {{name: {name}, namespace: x}}\nspec: {{provider: {{vault: {{auth: {{tokenSecretRef: {{name: {secret}}}}}}}}}}}\n---\napiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {{name: {makes}, namespace: x}}\nspec: {{secretStoreRef: {{name: {name}}}}}\n"
        )
    };
    let given = shop().known;
    let mut scene = Scene::default().root("a", &store("one", "second", "first")).root("b", &store("two", "first", "second"));
    scene.known = given;
    let graph = scene.graph();
    assert_eq!(graph.cycles().len(), 1);
    let cycle = &graph.cycles()[0];
    let links: Vec<String> = cycle.links.iter().map(|edge| told(&graph, edge)).collect();
    assert_eq!(links.len(), 6, "{links:?}");
    for pair in cycle.links.windows(2) {
        assert_eq!(pair[0].earlier.0, pair[1].later.0, "{links:?}");
    }
    assert_eq!(cycle.links[5].earlier.0, cycle.links[0].later.0);
    assert!(links.contains(&"Secret first is made by ExternalSecret first healthy".to_owned()), "{links:?}");
    // The graph goes on: everything has a rank.
    assert_eq!(graph.order().len(), 2 + 4 + 2);
}

#[test]
fn a_good_order_gives_way_before_anything_else_and_that_is_told() {
    // The operator's own pods read what the operator makes of a custom resource.
    let text = format!(
        "{}---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: manager, namespace: x}}\nspec: {{template: {{spec: {{volumes: [{{secret: {{secretName: tls}}}}]}}}}}}\n---\napiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {{name: tls, namespace: x}}\nspec: {{secretName: tls}}\n",
        crd("cert-manager.io", "Certificate")
    );
    let graph = Scene::default().root("a", &text).graph();
    assert!(graph.cycles().is_empty());
    let dropped: Vec<String> = graph.dropped().iter().map(|edge| told(&graph, edge)).collect();
    assert_eq!(dropped, ["Certificate tls healthy is acted on by Deployment manager healthy"]);
}

#[test]
fn an_object_of_two_apps_is_one_node_with_both() {
    let one = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: both, namespace: default}\n";
    let graph = Scene::default().root("a", one).root("b", one).graph();
    let doubled: Vec<Vec<String>> = graph.doubled().map(|(_, node)| names(&graph, &node.apps)).collect();
    assert_eq!(doubled, [["a", "b"]]);
}

#[test]
fn the_drawings_name_every_app_mark_the_critical_path_and_hatch_what_is_not_known() {
    let graph = shop().graph();
    let timeline = graph.timeline(|_| None, |_| Progress::Waiting);
    let (dot, svg) = (graph.dot(&timeline), graph.svg(&timeline));
    for app in ["infra", "apps", "crds", "vault", "cert-manager", "eso", "payments", "mystery"] {
        assert!(dot.contains(&format!("label=\"{app}\\n")), "{app}: {dot}");
        assert!(svg.contains(&format!(">{app}</text>")), "{app}: {svg}");
    }
    assert_eq!(svg.matches("class=\"box unknown").count(), 2, "one app and the key");
    assert!(svg.contains("class=\"box critical\"") || svg.contains("class=\"box unknown critical\""));
    assert!(svg.contains("reads (") || svg.contains("is taken from (spec.secretStoreRef)"), "{svg}");
    assert!(svg.contains("payments.yaml:"), "arrows say where they are written");
    if let Ok(folder) = std::env::var("DRAW") {
        std::fs::write(format!("{folder}/shop.svg"), &svg).unwrap();
        std::fs::write(format!("{folder}/shop.dot"), &dot).unwrap();
        let graph = large(50, 6).rules(crate::platform_rules()).graph();
        let timeline = graph.timeline(|_| None, |_| Progress::Waiting);
        std::fs::write(format!("{folder}/large.svg"), graph.svg(&timeline)).unwrap();
    }
}

#[test]
fn no_name_breaks_out_of_a_drawing() {
    let mut scene = Scene::default().root("a", &application("x", ""));
    scene = scene.unknown("x", "<script>\u{1}\"&");
    scene.platform.apps[1].id.name = "\"]; <b>&\u{7}\\".into();
    let graph = scene.graph();
    let timeline = graph.timeline(|_| None, |_| Progress::Waiting);
    let (dot, svg) = (graph.dot(&timeline), graph.svg(&timeline));
    assert!(!svg.contains("<b>") && !svg.contains("<script>") && !svg.contains('\u{1}') && !svg.contains('\u{7}'));
    assert!(dot.contains("\\\"]; <b>&\u{fffd}\\\\"), "{dot}");
}

/// Objects of which many need each other, in a few apps.
fn any_platform() -> impl Strategy<Value = Platform> {
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
    prop::collection::vec(object, 0..40).prop_map(|objects| {
        let mut contents: Vec<Vec<Sourced>> = vec![Vec::new(); 4];
        for (line, (app, value)) in objects.into_iter().enumerate() {
            let origin = Origin { file: "x.yaml".into(), line };
            contents[app].push(Sourced { source: String::new(), manifest: Manifest::new(value, origin).unwrap() });
        }
        let apps = contents.into_iter().enumerate().map(|(number, objects)| App {
            id: ObjectRef::new("argoproj.io/v1alpha1", "Application", "argocd", &format!("app-{number}")),
            parent: None,
            object: None,
            cluster: String::new(),
            namespace: "a".into(),
            sources: Vec::new(),
            contents: Contents::Known(objects),
        });
        Platform { apps: apps.collect() }
    })
}

fn ranked(graph: &Graph) -> Vec<Vec<String>> {
    graph.ranks().iter().map(|rank| rank.iter().map(|node| graph.node(*node).to_string()).collect()).collect()
}

fn build(platform: &Platform) -> Graph {
    Graph::build(platform, &Known::default(), crate::platform_rules(), |_| true)
}

proptest! {
    #[test]
    fn every_edge_is_respected_and_no_rank_is_later_than_it_must_be(platform in any_platform()) {
        let graph = build(&platform);
        let mut least: BTreeMap<NodeId, usize> = BTreeMap::new();
        // What an event comes after, worked out from the edges by brute force.
        let lines = graph.lines.edge_indices().filter_map(|line| graph.lines.edge_endpoints(line));
        let lines: Vec<_> = lines.map(|(from, to)| (from.index(), to.index())).collect();
        let brought = |node: usize| matches!(graph.nodes[node].standing, Standing::App | Standing::Brought | Standing::Made);
        let counts = |point: usize| usize::from(point < graph.nodes.len() * 2 && point % 2 == 0 && brought(point / 2));
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
            let strict = edge.later.1 == When::Exists && edge.later.0 != edge.earlier.0 && brought(edge.earlier.0.0) && brought(edge.later.0.0);
            prop_assert!(!strict || graph.rank(edge.earlier.0) < graph.rank(edge.later.0), "{}", told(&graph, &edge));
        }
    }

    #[test]
    fn the_order_in_which_things_are_given_changes_nothing(
        platform in any_platform(), seed in any::<u64>(),
    ) {
        let mut shuffled = platform.clone();
        shuffled.apps.rotate_left(usize::try_from(seed % 4).unwrap());
        for app in &mut shuffled.apps {
            if let Contents::Known(objects) = &mut app.contents {
                objects.reverse();
            }
        }
        let (one, other) = (build(&platform), build(&shuffled));
        prop_assert_eq!(ranked(&one), ranked(&other));
        let cycles = |graph: &Graph| -> Vec<Vec<String>> {
            graph.cycles().iter().map(|cycle| cycle.links.iter().map(|edge| told(graph, edge)).collect()).collect()
        };
        prop_assert_eq!(cycles(&one), cycles(&other));
        let timeline = |graph: &Graph| graph.timeline(|_| None, |_| Progress::Waiting);
        prop_assert_eq!(one.svg(&timeline(&one)), other.svg(&timeline(&other)));
    }

    #[test]
    fn without_an_edge_nothing_comes_later(platform in any_platform(), which in any::<prop::sample::Index>()) {
        let graph = build(&platform);
        prop_assume!(graph.lines.edge_count() > 0);
        let dropped = which.index(graph.lines.edge_count());
        let mut lines = graph.lines.clone();
        lines.retain_edges(|_, line| line.index() != dropped);
        let before = rank::count(&graph.lines, &graph.nodes);
        let after = rank::count(&lines, &graph.nodes);
        prop_assert!(before.iter().zip(&after).all(|(before, after)| after <= before));
    }

    #[test]
    fn whatever_an_object_holds_nothing_breaks(values in prop::collection::vec(any_object(), 0..12)) {
        let objects = values.into_iter().filter_map(|value| Manifest::new(value, Origin::default()).ok());
        let objects: Vec<Sourced> = objects.map(|manifest| Sourced { source: String::new(), manifest }).collect();
        let id = ObjectRef::new("argoproj.io/v1alpha1", "Application", "argocd", "a");
        let app = |parent| App {
            id: id.clone(), parent, object: objects.first().cloned(), cluster: "far".into(), namespace: String::new(),
            sources: Vec::new(), contents: Contents::Known(objects.clone()),
        };
        // Parents that are not there, and apps that are their own.
        let platform = Platform { apps: vec![app(None), app(Some(0)), app(Some(7)), app(Some(3))] };
        let graph = build(&platform);
        let timeline = graph.timeline(|_| None, |_| Progress::Waiting);
        let _ = (graph.svg(&timeline), graph.dot(&timeline), graph.unknowns(), graph.app_lines());
        for (node, _) in graph.nodes() {
            prop_assert!(graph.why(node).iter().all(|chain| chain.len() <= 64));
            let _ = graph.held_back_by(node);
        }
        prop_assert!(graph.edges().count() <= 400 * (objects.len() + 4));
    }
}

/// An object whose fields hold anything where rules look for something.
fn any_object() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(vec!["", "a", "Secret", "*", "Fail", "example.com/v1", "Namespace", "-1"]).prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    let key = prop::sample::select(vec![
        "spec", "template", "metadata", "labels", "annotations", "name", "namespace", "volumes", "secret", "secretName",
        "containers", "env", "valueFrom", "secretKeyRef", "webhooks", "rules", "clientConfig", "service", "roleRef",
        "subjects", "kind", "group", "names", "scope", "ownerReferences", "provider", "dependsOn", "sourceRef", "selector",
        "matchExpressions", "secretStoreRef", "argocd.argoproj.io/hook", "argocd.argoproj.io/sync-wave", "helm.sh/hook",
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
    (kinds, value.clone(), value.clone(), value, prop::sample::select(vec!["a", "b"])).prop_map(
        |((version, kind), spec, more, metadata, name)| {
            let mut object = json!({"apiVersion": version, "kind": kind, "spec": spec, "webhooks": more.clone(), "roleRef": more});
            object["metadata"] = if metadata.is_object() { metadata } else { json!({}) };
            object["metadata"]["name"] = name.into();
            object
        },
    )
}

#[test]
fn ten_thousand_objects_are_built_and_ranked_in_a_moment() {
    let scene = large(200, 50).rules(crate::platform_rules());
    let began = std::time::Duration::ZERO;
    let _ = began;
    let clock = time();
    let graph = scene.graph();
    let built = clock.elapsed();
    let count = graph.nodes().count();
    let apps = graph.app_lines();
    let lined = clock.elapsed();
    let timeline = graph.timeline(|_| None, |_| Progress::Waiting);
    eprintln!("{count} nodes, {} lines: built {built:?}, apps {lined:?} ({} lines), timeline {:?}, total {:?}", graph.lines.edge_count(), apps.lines.len(), clock.elapsed(), timeline.total);
    assert!(count >= 10_000);
}
fn time() -> tokio::time::Instant { tokio::time::Instant::now() }
