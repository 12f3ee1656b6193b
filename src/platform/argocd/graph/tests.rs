//! What Argo CD's rules draw, with real objects, and that the properties of graphs hold with them.

use proptest::prelude::*;

use super::*;
use crate::graph::fixture::{Scene, application, edges, node, sourced, told};
use crate::graph::fixture_shop::large;
use crate::graph::{AppSpot, Given, Graph, Opens, Standing, properties};
use crate::object::ObjectRef;

fn scene(text: &str) -> Scene {
    let mut scene = Scene::default().root("root", &application("app", ""));
    scene.known.agent_namespace = "argocd".into();
    scene.known.given = given("argocd");
    scene.rules(ROWS).app("app", text)
}

/// Returns the order of a sync among the edges.
fn order(graph: &Graph) -> Vec<String> {
    edges(graph).into_iter().filter(|edge| edge.contains("after")).collect()
}

fn object(kind: &str, name: &str, annotations: &str) -> String {
    let version = match kind {
        "Deployment" => "apps/v1",
        "Job" => "batch/v1",
        _ => "v1",
    };
    format!("---\napiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}, annotations: {{{annotations}}}}}\n")
}

#[test]
fn a_wave_waits_until_what_somebody_judges_is_well_and_the_rest_is_there() {
    let text = [
        object("Deployment", "first", "argocd.argoproj.io/sync-wave: '-1'"),
        object("Deployment", "second", ""),
        object("ConfigMap", "third", "argocd.argoproj.io/sync-wave: '2'"),
        object("Secret", "fourth", "helm.sh/hook-weight: '5'"),
    ];
    assert_eq!(
        order(&scene(&text.concat()).graph()),
        [
            "ConfigMap third is in wave 2, after Deployment second healthy",
            "Deployment second is in wave 0, after Deployment first healthy",
            "Secret fourth is in wave 5, after ConfigMap third",
        ]
    );
}

#[test]
fn a_hook_runs_in_its_phase_and_those_of_failures_deletions_and_tests_are_not_brought() {
    let text = [
        object("Job", "before", "argocd.argoproj.io/hook: PreSync"),
        object("Deployment", "app", ""),
        object("Job", "helm", "helm.sh/hook: 'post-install,post-upgrade'"),
        object("Job", "failed", "argocd.argoproj.io/hook: SyncFail"),
        object("Job", "test", "helm.sh/hook: test"),
        object("Job", "skip", "argocd.argoproj.io/hook: Skip"),
        object("Job", "both", "argocd.argoproj.io/hook: 'PostSync,SyncFail'"),
    ];
    let scene = scene(&text.concat());
    let graph = Graph::build(&scene.platform, &scene.known, ROWS, is_brought);
    assert_eq!(
        order(&graph),
        [
            "Deployment app is in the phase Sync, after Job before healthy",
            "Job both is in the phase PostSync, after Deployment app healthy",
            "Job helm is in the phase PostSync, after Deployment app healthy",
        ]
    );
    assert!(
        !graph
            .nodes()
            .any(|(_, node)| ["failed", "test", "skip"].contains(&node.id.name.as_str()))
    );
}

#[test]
fn within_a_wave_kinds_have_an_order_and_a_crd_comes_with_the_first_object_that_it_defines() {
    let crd = "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.com, annotations: {argocd.argoproj.io/sync-wave: '5'}}\nspec: {group: example.com, names: {kind: Widget}}\n";
    let widget = "---\napiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w, annotations: {argocd.argoproj.io/sync-wave: '-1'}}\n";
    let text = [
        crd.into(),
        widget.into(),
        object("Secret", "s", ""),
        object("Service", "v", ""),
    ];
    let graph = scene(&text.concat()).graph();
    assert_eq!(
        order(&graph),
        [
            "Secret s is in wave 0, after Widget w",
            "Service v is in wave 0, after Widget w",
            "Service v is of a kind that is applied after Secret s (better)",
        ]
    );
    assert!(graph.cycles().is_empty() && graph.dropped().is_empty());
    assert_eq!(kind_order::place("Namespace"), 0);
    assert_eq!(kind_order::place("APIService"), 34);
    assert_eq!(kind_order::place("Widget"), 35);
}

#[test]
fn a_wave_of_child_apps_waits_for_them_only_where_the_platform_has_a_check_for_them() {
    let children = [
        application("a", "argocd.argoproj.io/sync-wave: '1'"),
        application("b", "argocd.argoproj.io/sync-wave: '2'"),
    ];
    let mut scene = scene(&children.concat()).app("a", "").app("b", "");
    let of_b = |scene: &Scene| {
        let graph = scene.graph();
        let waves: Vec<String> = order(&graph)
            .into_iter()
            .filter(|edge| edge.contains("Application b"))
            .collect();
        waves
    };
    assert_eq!(of_b(&scene), ["Application b is in wave 2, after Application a"]);
    scene.platform.children_are_awaited = true;
    assert_eq!(
        of_b(&scene),
        ["Application b is in wave 2, after Application a healthy"]
    );
}

#[test]
fn two_waves_of_many_apps_are_joined_in_one_point_and_not_each_with_each() {
    let mut scene = large(20, 4).rules(ROWS);
    scene.platform.children_are_awaited = true;
    let graph = scene.graph();
    let apps = graph.app_lines();
    let joints = apps.spots.iter().filter(|spot| **spot == AppSpot::Joint).count();
    // Ten to the joint and ten from it; ten for CRDs and ten for who acts on what these define.
    assert_eq!((joints, apps.lines.len()), (1, 40));
}

#[test]
fn what_needs_something_of_a_later_wave_is_a_circle_and_the_wave_gives_way() {
    let pod = "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {template: {spec: {volumes: [{secret: {secretName: s}}]}}}\n";
    let text = [pod.into(), object("Secret", "s", "argocd.argoproj.io/sync-wave: '1'")];
    let graph = scene(&text.concat()).graph();
    let cycle = &graph.cycles()[0];
    let links: Vec<String> = cycle.links.iter().map(|edge| told(&graph, edge)).collect();
    assert_eq!(links.len(), 2, "{links:?}");
    assert!(
        links.contains(&"Deployment d healthy reads (spec.template.spec.volumes[0].secret) Secret s".into()),
        "{links:?}"
    );
    assert_eq!(
        links[cycle.weakest],
        "Secret s is in wave 1, after Deployment d healthy"
    );
}

#[test]
fn an_app_waits_for_its_project_its_cluster_and_its_credentials() {
    let repository = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: exact, namespace: argocd, labels: {argocd.argoproj.io/secret-type: repository}}\nstringData: {url: 'https://git.example.com/shop/cart.git'}\n";
    let cluster = "---\napiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: edge, namespace: argocd}\nspec: {target: {name: edge-cluster, template: {metadata: {labels: {argocd.argoproj.io/secret-type: cluster}}, data: {name: edge, server: 'https://edge.example.com'}}}}\n";
    let child = |name: &str, repository: &str, destination: &str| {
        format!(
            "---\napiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: {name}, namespace: argocd}}\nspec: {{project: shop, source: {{repoURL: '{repository}'}}, destination: {{{destination}}}}}\n"
        )
    };
    let text = [
        repository.to_owned(),
        cluster.to_owned(),
        child(
            "a",
            "https://git.example.com/shop/cart",
            "server: 'https://edge.example.com/'",
        ),
        child("b", "https://git.example.com/shop/other", "name: edge"),
        child(
            "c",
            "https://elsewhere.example.com/x",
            "server: 'https://kubernetes.default.svc'",
        ),
    ];
    let mut scene = scene(&text.concat()).app("a", "").app("b", "").app("c", "");
    for (name, address) in [
        ("short", "https://git.example.com"),
        ("long", "https://git.example.com/shop"),
    ] {
        scene.known.given.push(Given {
            cluster: String::new(),
            id: ObjectRef::new("v1", "Secret", "argocd", name),
            by: Standing::Runbook,
            opens: Some(Opens::Repositories(address.into())),
        });
    }
    let graph = scene.graph();
    let words = ["belongs to", "deploys to", "is read with"];
    let told: Vec<String> = edges(&graph)
        .into_iter()
        .filter(|edge| words.iter().any(|word| edge.contains(word)))
        .collect();
    assert_eq!(
        told,
        [
            "Application a belongs to AppProject shop (perhaps)",
            "Application a deploys to the cluster of Secret edge-cluster (perhaps)",
            "Application a is read with Secret exact (perhaps)",
            "Application app belongs to AppProject default (perhaps)",
            "Application b belongs to AppProject shop (perhaps)",
            "Application b deploys to the cluster of Secret edge-cluster (perhaps)",
            "Application b is read with Secret long (perhaps)",
            "Application c belongs to AppProject shop (perhaps)",
        ]
    );
}

#[test]
fn a_sync_makes_the_namespace_that_no_app_brings() {
    let child = "---\napiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop, namespace: argocd}\nspec: {syncPolicy: {syncOptions: [CreateNamespace=true]}}\n";
    let graph = scene(child).app("shop", &object("ConfigMap", "c", "")).graph();
    assert_eq!(graph.node(node(&graph, "Namespace", "shop")).standing, Standing::Made);
    let with = |text: &str| scene(&format!("{child}{text}")).app("shop", "").graph();
    let graph = with(&object("Namespace", "shop", ""));
    assert_eq!(
        graph.node(node(&graph, "Namespace", "shop")).standing,
        Standing::Brought
    );
}

#[test]
fn a_namespace_that_is_there_is_made_by_no_sync() {
    let child = "---\napiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: apps, namespace: argocd}\nspec: {syncPolicy: {syncOptions: [CreateNamespace=true]}}\n";
    let mut scene = scene(child).app("apps", &application("shop", ""));
    // An app of apps deploys into the namespace that it is in itself.
    scene.platform.apps.last_mut().unwrap().namespace = "argocd".into();
    let graph = scene.graph();
    assert_eq!(graph.cycles(), []);
    assert_eq!(
        graph.node(node(&graph, "Namespace", "argocd")).standing,
        Standing::Agent
    );
}

#[test]
fn what_flux_depends_on_comes_first_with_all_that_it_brings() {
    let text = "
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: platform, namespace: flux-system}
spec: {secretRef: {name: git}}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: infra, namespace: flux-system}
spec: {sourceRef: {kind: GitRepository, name: platform}, decryption: {secretRef: {name: age}}}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec: {dependsOn: [{name: infra}], postBuild: {substituteFrom: [{kind: ConfigMap, name: vars}, {kind: Secret, name: never, optional: true}]}}
";
    let graph = Scene::default()
        .rules(crate::platform::flux::graph::ROWS)
        .root("flux", text)
        .graph();
    let told: Vec<String> = edges(&graph)
        .into_iter()
        .filter(|edge| !edge.contains("CustomResourceDefinition"))
        .collect();
    assert_eq!(
        told,
        [
            "GitRepository platform healthy reads (spec.secretRef) Secret git",
            "Kustomization apps healthy depends on Kustomization infra healthy",
            "Kustomization apps healthy reads (spec.postBuild.substituteFrom[0]) ConfigMap vars",
            "Kustomization infra healthy is read from GitRepository platform healthy",
            "Kustomization infra healthy reads (spec.decryption.secretRef) Secret age",
        ]
    );
    assert_eq!(sourced("flux", text).len(), 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_edge_is_respected_and_no_rank_is_later_than_it_must_be(platform in properties::any_platform()) {
        properties::ranks_are_least(&platform, ROWS)?;
    }

    #[test]
    fn the_order_in_which_things_are_given_changes_nothing(platform in properties::any_platform(), seed in any::<u64>()) {
        properties::is_stable(&platform, ROWS, seed)?;
    }

    #[test]
    fn without_an_edge_nothing_comes_later(platform in properties::any_platform(), which in any::<prop::sample::Index>()) {
        properties::comes_no_later_without(&platform, ROWS, which)?;
    }

    #[test]
    fn whatever_an_object_holds_nothing_breaks(values in prop::collection::vec(properties::any_object(), 0..12)) {
        let rules: Vec<_> = ROWS.iter().chain(crate::platform::flux::graph::ROWS).copied().collect();
        properties::nothing_breaks(values, &rules)?;
    }
}
