//! What a graph says of a platform.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use super::fixture::{Scene, application, node, told};
use super::fixture_shop::{crd, shop};
use super::*;

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
            format!(
                "{} {:?} until {} {until}",
                name(line.later),
                line.holds_back,
                name(line.earlier)
            )
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
    let told: Vec<Vec<String>> = why
        .iter()
        .map(|chain| chain.iter().map(|edge| told(&graph, edge)).collect())
        .collect();
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
    let first: HashSet<String> = why
        .iter()
        .map(|chain| graph.node(chain[0].earlier.0).id.name.clone())
        .collect();
    assert_eq!(
        first,
        [
            "ca",
            "vault",
            "eso",
            "certificates.cert-manager.io",
            "externalsecrets.external-secrets.io"
        ]
        .map(str::to_owned)
        .into()
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
    assert_eq!(
        names(&graph, &graph.held_back_by(node(&graph, "Application", "mystery")).apps),
        [""; 0]
    );
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
                let by: Vec<String> = needed_by
                    .iter()
                    .map(|edge| graph.node(edge.later.0).id.name.clone())
                    .collect();
                format!("{} for {}", graph.node(*node), by.join(", "))
            }
        })
        .collect();
    assert!(
        told.contains(&"Application.argoproj.io argocd/mystery: its plugin runs only in the agent".into()),
        "{told:?}"
    );
    assert!(
        told.contains(&"Namespace cert-manager for cert-manager".into()),
        "{told:?}"
    );
    assert!(told.iter().all(|one| !one.contains("payments ")), "{told:?}");
}

#[test]
fn the_critical_path_is_what_takes_longest_by_what_earlier_runs_took() {
    let graph = shop().graph();
    let took: BTreeMap<&str, u64> = [
        ("vault", 100),
        ("eso", 20),
        ("cert-manager", 40),
        ("payments", 10),
        ("crds", 5),
        ("mystery", 5),
    ]
    .into();
    let took = |id: NodeId| {
        took.get(graph.node(id).id.name.as_str())
            .copied()
            .map(Duration::from_secs)
    };
    let timeline = graph.timeline(took, |_| Progress::Waiting);
    // vault's Secret is soon there, so that vault itself ends last, and payments waits for cert-manager alone.
    assert_eq!(timeline.total, Duration::from_secs(103));
    let critical: Vec<String> = timeline
        .critical
        .iter()
        .map(|leg| graph.node(leg.app.node).id.name.clone())
        .collect();
    assert_eq!(critical, ["infra", "vault"]);
    let slow = |id: NodeId| {
        (graph.node(id).id.name == "cert-manager")
            .then_some(Duration::from_secs(200))
            .or_else(|| took(id))
    };
    let timeline = graph.timeline(slow, |_| Progress::Waiting);
    let critical: Vec<String> = timeline
        .critical
        .iter()
        .map(|leg| graph.node(leg.app.node).id.name.clone())
        .collect();
    assert_eq!(critical, ["infra", "crds", "cert-manager", "payments"]);
    // infra and crds are synced, CRDs of crds are there: 3 + 3; cert-manager 200; payments 10 after it.
    assert_eq!(timeline.total, Duration::from_secs(216));
    assert!(timeline.critical[3].because.is_some());
    // While it runs, what is done takes no time any more.
    let progress = |id: NodeId| match graph.node(id).id.name.as_str() {
        "infra" | "apps" => Progress::Running(Duration::from_mins(1)),
        "crds" | "vault" | "eso" => Progress::Done,
        "cert-manager" => Progress::Running(Duration::from_secs(150)),
        _ => Progress::Waiting,
    };
    assert_eq!(graph.timeline(slow, progress).total, Duration::from_mins(1));
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
    let mut scene = Scene::default()
        .root("a", &store("one", "second", "first"))
        .root("b", &store("two", "first", "second"));
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
    assert!(
        links.contains(&"Secret first is made by ExternalSecret first healthy".to_owned()),
        "{links:?}"
    );
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
    assert_eq!(
        dropped,
        ["Certificate tls healthy is acted on by Deployment manager healthy"]
    );
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
    for app in [
        "infra",
        "apps",
        "crds",
        "vault",
        "cert-manager",
        "eso",
        "payments",
        "mystery",
    ] {
        assert!(dot.contains(&format!("label=\"{app}\\n")), "{app}: {dot}");
        assert!(svg.contains(&format!(">{app}</text>")), "{app}: {svg}");
    }
    assert_eq!(svg.matches("class=\"box unknown").count(), 2, "one app and the key");
    assert!(svg.contains("class=\"box critical\"") || svg.contains("class=\"box unknown critical\""));
    assert!(
        svg.contains("reads (") || svg.contains("is taken from (spec.secretStoreRef)"),
        "{svg}"
    );
    assert!(svg.contains("payments.yaml:"), "arrows say where they are written");
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

#[test]
fn the_shape_for_others_has_apps_edges_ranks_and_the_critical_path() {
    let graph = shop().graph();
    let timeline = graph.timeline(|_| None, |_| Progress::Waiting);
    let shape = serde_json::to_value(graph.shape(&timeline)).unwrap();
    assert_eq!(
        shape["ranks"][3],
        serde_json::json!(["Application.argoproj.io argocd/payments"])
    );
    assert_eq!(shape["critical_path"][1], "Application.argoproj.io argocd/mystery");
    assert_eq!(shape["apps"].as_array().map(Vec::len), Some(8));
    let first = &shape["edges"][0]["first"];
    assert_eq!(
        first["reason"],
        serde_json::json!({"rule": "from", "what": "spec.issuerRef"})
    );
    assert_eq!(
        first["place"],
        serde_json::json!({"source": "platform", "file": "payments.yaml", "line": 10})
    );
    assert_eq!(shape["missing"][0]["name"], "Namespace cert-manager");
}
