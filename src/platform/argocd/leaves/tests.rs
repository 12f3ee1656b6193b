//! Which leaves are created ahead, in which order, and which are left to their parents.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::graph::fixture::Scene;
use crate::graph::{After, Contents, Place, Platform};
use crate::object::ObjectRef;
use crate::platform::argocd::graph::{ROWS, given};
use crate::platform::argocd::preload::{Preloaded, preloaded};

/// An Application that is synced by itself; `more` goes into its metadata, `spec` into its specification.
fn app_with(name: &str, more: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: {name}, namespace: argocd{more}}}\n\
         spec: {{source: {{repoURL: 'https://git.example.com/p.git'}}, syncPolicy: {{automated: {{}}, \
         syncOptions: [CreateNamespace=true]}}, destination: {{server: 'https://kubernetes.default.svc', namespace: {name}}}{spec}}}\n"
    )
}

fn app(name: &str) -> String {
    app_with(name, "", "")
}

fn in_wave(name: &str, wave: i32) -> String {
    app_with(
        name,
        &format!(", annotations: {{argocd.argoproj.io/sync-wave: '{wave}'}}"),
        "",
    )
}

/// A CRD whose objects a webhook converts, so that nobody applies it ahead of its app.
fn definition(kind: &str) -> String {
    let lower = kind.to_lowercase();
    format!(
        "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: {lower}s.example.com}}\n\
         spec: {{group: example.com, names: {{kind: {kind}, plural: {lower}s}}, conversion: {{strategy: Webhook}}}}\n"
    )
}

fn custom(kind: &str) -> String {
    format!("---\napiVersion: example.com/v1\nkind: {kind}\nmetadata: {{name: one}}\n")
}

fn plain(kind: &str, name: &str) -> String {
    format!("---\napiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}}}\n")
}

/// An app of apps, as a root is one.
fn parent(name: &str) -> String {
    app(name).replace(&format!("namespace: {name}}}"), "namespace: argocd}")
}

/// The runbook's root holds the app `root`, which holds these.
fn below_the_root(children: &[String]) -> Scene {
    let mut scene = Scene::default().root("all", &parent("root"));
    scene.known.agent_namespace = "argocd".into();
    scene.known.given = given("argocd");
    scene.rules(ROWS).app("root", &children.concat())
}

fn found(scene: &mut Scene) -> (Leaves, Vec<Preloaded>) {
    scene.platform.children_are_awaited = true;
    for app in &mut scene.platform.apps {
        if app.id.name == "root" {
            app.namespace = "argocd".into();
        }
    }
    let platform = &scene.platform;
    let there: BTreeSet<ObjectRef> = scene.known.given.iter().map(|given| given.id.clone()).collect();
    let mut before = preloaded(platform, &[], "argocd");
    before.extend(projects(platform, &[], "argocd"));
    let graph = scene.graph();
    (leaves(platform, &graph, &[], &there, &before, "argocd"), before)
}

fn lines(mut scene: Scene) -> Vec<String> {
    found(&mut scene).0.lines()
}

#[test]
fn each_comes_after_all_that_bring_what_it_needs() {
    let scene = below_the_root(&[app("shop"), app("crds"), app("edge"), app("alone")])
        .app("shop", &(custom("Widget") + &definition("Shelf")))
        .app("crds", &definition("Widget"))
        .app("edge", &(custom("Shelf") + &custom("Widget")))
        .app("alone", &plain("ConfigMap", "one"));
    assert_eq!(lines(scene), ["1. alone, crds", "2. shop", "3. edge"]);
}

#[test]
fn waves_of_their_parents_and_of_those_above_order_them_too() {
    let wave = |name: &str, wave: i32| {
        parent(name).replace(
            "namespace: argocd}\nspec",
            &format!("namespace: argocd, annotations: {{argocd.argoproj.io/sync-wave: '{wave}'}}}}\nspec"),
        )
    };
    let scene = below_the_root(&[wave("infra", 0), wave("apps", 1), in_wave("last", 2)])
        .app("infra", &(in_wave("crds", 0) + &in_wave("operator", 1)))
        .app("apps", &app("shop"))
        .app("crds", &plain("ConfigMap", "one"))
        .app("operator", &plain("ConfigMap", "one"))
        .app("shop", &plain("ConfigMap", "one"))
        .app("last", &plain("ConfigMap", "one"));
    assert_eq!(lines(scene), ["1. crds", "2. operator", "3. shop", "4. last"]);
}

#[test]
fn what_needs_something_that_comes_only_with_the_roots_is_left_to_its_parent_and_so_is_what_waits_for_it() {
    let secret = plain("Secret", "login").replace("name: login", "name: login, namespace: shop");
    let reads = "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\n\
        spec: {template: {spec: {volumes: [{secret: {secretName: login}}]}}}\n";
    let lost = reads.replace("login", "lost");
    let scene = below_the_root(&[app("shop"), app("edge"), app("lost"), app("free"), secret])
        .app("shop", &(reads.to_owned() + &definition("Widget")))
        .app("edge", &custom("Widget"))
        .app("lost", &lost)
        .app("free", &plain("ConfigMap", "one"));
    assert_eq!(
        lines(scene),
        [
            "1. free",
            "edge is left to its parent: it waits for shop, which is left to its parent",
            "lost is left to its parent: it needs Secret lost/lost, which nothing that is known brings",
            "shop is left to its parent: it needs Secret shop/login, which comes only with Application root",
        ]
    );
}

#[test]
fn leaves_that_wait_for_each_other_are_left_to_their_parents() {
    let scene = below_the_root(&[app("one"), app("other"), app("third"), app("free")])
        .app("one", &(definition("Widget") + &custom("Shelf")))
        .app("other", &(definition("Shelf") + &custom("Widget")))
        .app("third", &custom("Shelf"))
        .app("free", &plain("ConfigMap", "one"));
    assert_eq!(
        lines(scene),
        [
            "1. free",
            "one is left to its parent: it waits in a circle with other",
            "other is left to its parent: it waits in a circle with one",
            "third is left to its parent: it waits for other, which is left to its parent",
        ]
    );
}

#[test]
fn what_may_not_come_ahead_of_its_parent_is_left_to_it() {
    let manual = app("manual").replace("automated: {}, ", "");
    let far = app("far").replace("server: 'https://kubernetes.default.svc'", "name: far");
    let team = app("team").replace("name: team, namespace: argocd", "name: team, namespace: teams");
    let hook = app_with("hook", ", annotations: {argocd.argoproj.io/hook: PostSync}", "");
    let by_hand = parent("by-hand").replace("automated: {}, ", "");
    let all = [manual, far, team, hook, by_hand, app("twice"), app("twice")];
    let mut scene = below_the_root(&all);
    for name in ["manual", "far", "team", "hook", "twice"] {
        scene = scene.app(name, &plain("ConfigMap", "one"));
    }
    let scene = scene
        .app("by-hand", &app("below"))
        .app("below", &plain("ConfigMap", "one"));
    assert_eq!(
        lines(scene),
        [
            "below is left to its parent: by-hand, which it is below, is not synced by itself",
            "far is left to its parent: it goes to another cluster",
            "hook is left to its parent: it is a hook",
            "manual is left to its parent: it is not synced by itself",
            "twice is left to its parent: more than one app brings it",
            "team is left to its parent: team is in the namespace teams, which is not the agent's",
        ]
    );
}

#[test]
fn what_the_runbook_puts_before_a_root_is_put_before_all_that_follows_from_it() {
    let mut scene = below_the_root(&[app("shop")]).app("shop", &plain("ConfigMap", "one"));
    scene.known.after = vec![After {
        later: ObjectRef::new("", "Root", "", "all"),
        earlier: ObjectRef::new("", "Step", "", "data"),
        place: Place::default(),
    }];
    assert_eq!(
        lines(scene),
        ["shop is left to its parent: it comes after the step data of the runbook"]
    );
}

const PROJECT: &str = "---\napiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: team}\n\
    spec: {sourceRepos: ['*'], destinations: [{server: '*', namespace: '*'}]}\n";

#[test]
fn the_project_of_a_leaf_comes_before_it_where_its_app_may_bring_it() {
    let of_team = || app_with("shop", "", ", project: team");
    let mut scene = below_the_root(&[of_team(), PROJECT.into()]).app("shop", &plain("ConfigMap", "one"));
    let (leaves, before) = found(&mut scene);
    assert_eq!(leaves.lines(), ["1. shop"]);
    let named = named(before, &leaves.ours);
    assert_eq!(
        named.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["AppProject.argoproj.io argocd/team of root, which shop needs"]
    );

    // Not where the app that brings it may not do so, or only somebody syncs it.
    let confined = parent("root").replace("spec: {", "spec: {project: none, ");
    let mut scene = Scene::default().root("all", &confined);
    scene.known.agent_namespace = "argocd".into();
    scene.known.given = given("argocd");
    let scene = scene.rules(ROWS).app("root", &(of_team() + PROJECT)).app("shop", "");
    assert_eq!(
        lines(scene),
        ["shop is left to its parent: the project of root is not known to let it bring Applications"]
    );
}

#[test]
fn a_leaf_bears_no_mark_so_that_its_parent_syncs_it_and_prunes_none_that_it_does_not_know() {
    let (leaves, _) = found(&mut below_the_root(&[app("shop")]).app("shop", &plain("ConfigMap", "one")));
    assert_eq!(leaves.ours[0].object["metadata"]["annotations"], Value::Null);
}

#[test]
fn a_platform_that_is_not_known_as_a_whole_is_refused_and_each_reason_is_told() {
    let scene = below_the_root(&[app("one"), app("two"), app("shop")])
        .unknown("one", "`plugin`, which only the agent can render")
        .unknown("two", "an SCM generator")
        .app("shop", &plain("ConfigMap", "one"));
    let findings = refused(&scene.platform, &scene.graph());
    let messages: Vec<_> = findings.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "what Application.argoproj.io argocd/one brings is not known beforehand: `plugin`, which only the agent can render",
            "what Application.argoproj.io argocd/two brings is not known beforehand: an SCM generator",
        ]
    );
    assert!(
        findings
            .iter()
            .all(|finding| finding.help.as_deref().unwrap().contains("order: agent"))
    );

    let deadlock = "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, namespace: x, annotations: {argocd.argoproj.io/sync-wave: '0'}}\n\
        spec: {template: {spec: {volumes: [{secret: {secretName: b}}]}}}\n\
        ---\napiVersion: v1\nkind: Secret\nmetadata: {name: b, namespace: x, annotations: {argocd.argoproj.io/sync-wave: '1'}}\n";
    let scene = below_the_root(&[app("shop")]).app("shop", deadlock);
    let findings = refused(&scene.platform, &scene.graph());
    assert!(
        findings.len() == 1
            && findings[0].message.starts_with("a circle: ")
            && findings[0].message.contains("Secret x/b"),
        "{findings:?}"
    );
}

/// Apps of which each brings some kinds and needs some, in waves.
fn any_platform() -> impl Strategy<Value = Vec<(String, i32, BTreeSet<usize>, BTreeSet<usize>)>> {
    let few = || prop::collection::btree_set(0..6_usize, 0..3);
    prop::collection::vec((0..2_i32, few(), few()), 1..9).prop_map(|apps| {
        let named = apps.into_iter().enumerate();
        named
            .map(|(number, (wave, brings, needs))| (format!("app-{number}"), wave, brings, needs))
            .collect()
    })
}

fn built(apps: &[(String, i32, BTreeSet<usize>, BTreeSet<usize>)]) -> Scene {
    let children: Vec<_> = apps.iter().map(|(name, wave, ..)| in_wave(name, *wave)).collect();
    let mut scene = below_the_root(&children);
    for (name, _, brings, needs) in apps {
        let kind = |number: &usize| format!("Kind{number}");
        let brought: String = brings.iter().map(|number| definition(&kind(number))).collect();
        let needed: String = needs.iter().map(|number| custom(&kind(number))).collect();
        scene = scene.app(name, &(brought + &needed));
    }
    scene
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever apps need of each other, each that is ours comes after all that brings what it needs, nothing that it needs comes only
    /// later, none is forgotten, and in whatever order they are written it is the same.
    #[test]
    fn every_need_is_met_before_and_none_is_forgotten(apps in any_platform(), seed in any::<u64>()) {
        let mut scene = built(&apps);
        let (leaves, _) = found(&mut scene);
        prop_assert_eq!(leaves.ours.len() + leaves.left.len(), apps.len());
        // One with a circle, such as an object of two apps in different waves, is refused.
        prop_assume!(refused(&scene.platform, &scene.graph()).is_empty());
        let place = |name: &str| leaves.ours.iter().position(|leaf| leaf.id.name == name);
        for (name, wave, brings, needs) in &apps {
            let Some(own) = place(name) else { continue };
            for wait in &leaves.ours[own].waits {
                prop_assert!(wait.on < own && leaves.ours[wait.on].rank < leaves.ours[own].rank);
            }
            for (other, earlier, brought, _) in apps.iter().filter(|(other, ..)| other != name) {
                let is_needed = needs.iter().any(|kind| brought.contains(kind) && !brings.contains(kind));
                if is_needed || earlier < wave {
                    let waits = &leaves.ours[own].waits;
                    let by = |kind: &&usize| brought.contains(kind);
                    // Of two that bring the same kind one is enough.
                    let is_doubled = needs.iter().filter(by).all(|kind| apps.iter().filter(|app| app.2.contains(kind)).count() > 1);
                    let waits_for = place(other).is_some_and(|at| waits.iter().any(|wait| wait.on == at));
                    prop_assert!(waits_for || (is_doubled && earlier >= wave), "{} does not wait for {}", name, other);
                }
            }
        }
        let mut shuffled = apps.clone();
        let turn = usize::try_from(seed % apps.len() as u64).unwrap();
        shuffled.rotate_left(turn);
        shuffled.reverse();
        let (again, _) = found(&mut built(&shuffled));
        prop_assert_eq!(again, leaves);
    }
}

#[test]
fn an_app_of_which_nobody_knows_what_it_brings_is_no_leaf_of_ours() {
    let mut scene = below_the_root(&[app("one")]).unknown("one", "`plugin`");
    let (leaves, _) = found(&mut scene);
    let is_unknown = |platform: &Platform| matches!(platform.apps[2].contents, Contents::Unknown(_));
    assert!(is_unknown(&scene.platform) && leaves.ours.is_empty(), "{leaves:?}");
}
