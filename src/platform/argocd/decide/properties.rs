//! What holds of every platform, whatever state its apps are in.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::fixture::{OTHER, Platform, app_id, at, before_the_run, complete, owned_by, ready};
use super::{Action, BOUND};
use crate::event::NodePhase;

/// What may be the matter with an app.
const TROUBLES: usize = 9;

/// One app: what is the matter with it, and which others it names.
type Drawn = (usize, Vec<usize>);

fn trouble(mut app: Value, which: usize) -> Value {
    match which {
        1 => app["status"]["health"]["status"] = json!("Degraded"),
        2 => app["status"]["sync"]["status"] = json!("OutOfSync"),
        3 => app["operation"] = json!({"sync": {}}),
        4 => app["status"]["sync"]["revision"] = json!(OTHER),
        5 => app = before_the_run(app, 3600),
        6 => app["status"]["conditions"] = json!([{"type": "ComparisonError", "message": "m"}]),
        7 => app["status"]["health"]["status"] = json!("Suspended"),
        8 => app = before_the_run(app, 60),
        _ => {}
    }
    app
}

/// Builds a platform: apps `a0`, `a1`, … with `root` naming some, and a set that owns every fourth.
fn platform(drawn: &[Drawn]) -> Platform {
    let name = |index: &usize| format!("a{}", index % (drawn.len() + 1));
    let mut objects = Vec::new();
    for (index, (which, names)) in drawn.iter().enumerate() {
        let names: Vec<_> = names.iter().map(name).collect();
        let app = ready(
            &format!("a{index}"),
            &names.iter().map(String::as_str).collect::<Vec<_>>(),
        );
        let app = if index % 4 == 3 { owned_by(app, "teams") } else { app };
        objects.push(trouble(app, *which));
    }
    objects.push(ready("root", &["a0", "a1", "set:teams"]));
    objects.push(complete("teams", &[]));
    let mut platform = Platform::new(objects);
    platform.ignore("a2");
    platform.allow("a0", &["Suspended"]);
    platform
}

fn drawn() -> impl Strategy<Value = Vec<Drawn>> {
    prop::collection::vec((0..TROUBLES, prop::collection::vec(0..12_usize, 0..3)), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn deciding_is_deterministic_whatever_the_order_of_insertion(drawn in drawn()) {
        let mut forward = platform(&drawn);
        let mut backward = platform(&drawn);
        backward.tree.applications = forward.tree.applications.iter().rev().map(|(id, app)| (id.clone(), reversed(app))).collect();
        for seconds in [6, 20, 60, 300] {
            prop_assert_eq!(forward.decide(seconds), backward.decide(seconds));
        }
    }

    #[test]
    fn each_node_is_there_once_and_follows_from_one_before_it(drawn in drawn()) {
        let decision = platform(&drawn).decide(6);
        let mut before = BTreeSet::new();
        for node in &decision.nodes {
            prop_assert!(node.parent.as_ref().is_none_or(|parent| before.contains(parent)), "{node:?}");
            prop_assert!(before.insert(node.id.clone()), "{} is there twice", node.id);
        }
    }

    #[test]
    fn an_unready_app_more_never_settles_a_platform(drawn in drawn(), which in 1..7_usize) {
        let mut platform = platform(&drawn);
        let unready = trouble(ready("late", &[]), which);
        platform.put(unready);
        let names: Vec<_> = ["a0", "a1", "set:teams", "late"].into();
        platform.put(ready("root", &names));
        for seconds in [6, 20, 60, 300] {
            prop_assert!(!platform.decide(seconds).settled);
        }
    }

    #[test]
    fn no_node_is_refreshed_for_one_thing_more_often_than_its_bound(drawn in drawn(), answers in prop::collection::vec(any::<bool>(), 25)) {
        let mut platform = platform(&drawn);
        let mut count = BTreeMap::new();
        for (round, answer) in answers.into_iter().enumerate() {
            let seconds = 20 * i64::try_from(round).unwrap();
            for action in platform.decide(seconds).actions {
                let (Action::Refresh(refresh) | Action::RefreshSet(refresh)) = action else { continue };
                let asked = count.entry((refresh.object.clone(), refresh.trigger.clone())).or_insert(0);
                *asked += 1;
                prop_assert_eq!(refresh.attempt, *asked);
                prop_assert!(*asked <= BOUND, "{}", refresh.object);
                if answer && platform.tree.applications.contains_key(&refresh.object) {
                    platform.app(&refresh.object.name)["status"]["reconciledAt"] = json!(at(seconds + 1));
                }
            }
        }
    }

    #[test]
    fn only_what_is_not_settled_is_acted_upon(drawn in drawn()) {
        let mut platform = platform(&drawn);
        for seconds in [6, 20, 60, 300] {
            let decision = platform.decide(seconds);
            prop_assert!(!decision.settled || decision.actions.is_empty());
            for (name, _) in decision.refreshes() {
                let node = decision.nodes.iter().find(|node| node.name == name);
                prop_assert!(node.is_some_and(|node| !node.phase.is_settled()), "{:?}", node);
            }
        }
    }

    #[test]
    fn whatever_is_not_settled_says_why(drawn in drawn()) {
        for node in platform(&drawn).decide(6).nodes {
            prop_assert_eq!(node.phase.is_settled(), node.blocked_by.is_empty(), "{:?}", node);
            prop_assert!(node.phase == NodePhase::Missing || node.words != "not there" || node.phase == NodePhase::Ignored);
        }
    }
}

/// Returns an object with the keys of its mappings written the other way round.
fn reversed(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .rev()
            .map(|(name, field)| (name.clone(), reversed(field)))
            .collect(),
        Value::Array(items) => items.iter().map(reversed).collect(),
        other => other.clone(),
    }
}

#[test]
fn a_thousand_apps_are_decided_about_in_no_time() {
    let names: Vec<_> = (0..1000).map(|index| format!("a{index}")).collect();
    let mut platform = Platform::new(names.iter().map(|name| owned_by(ready(name, &[]), "teams")));
    platform.put(ready("root", &["set:teams"]));
    platform.put(complete("teams", &names.iter().map(String::as_str).collect::<Vec<_>>()));
    assert!(platform.tree.applications.contains_key(&app_id("a999")));
    assert_eq!(platform.decide(6).nodes.len(), 1002);
    assert!(platform.decide(16).settled);
}
