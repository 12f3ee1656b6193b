//! What follows from seeing the live objects: when an app is asked about, and when a platform needs no quiet time.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::super::fixture::{Platform, at, complete, owned_by, ready, set_id};
use crate::health::Status::{self, Degraded, Healthy, Progressing};

/// What is done to an app, and how it is called.
type Change<'edit> = (&'static str, &'edit dyn Fn(&mut serde_json::Value));

/// What is done to a platform, and how it is called.
type Edit = (&'static str, Box<dyn Fn(&mut Platform)>);

/// Two apps with a Deployment each, and a root.
fn shop() -> Platform {
    let mut shop = Platform::new([
        ready("root", &["cart", "search"]),
        ready("cart", &[]),
        ready("search", &[]),
    ]);
    shop.deploys("cart", Healthy);
    shop.deploys("search", Healthy);
    shop
}

fn stale(shop: &mut Platform, name: &str) {
    shop.app(name)["status"]["health"]["status"] = json!("Progressing");
}

#[test]
fn an_app_that_is_behind_its_objects_is_asked_about_a_second_after_they_are_all_well() {
    let mut shop = shop();
    stale(&mut shop, "cart");
    shop.deploys("cart", Progressing);
    assert_eq!(shop.decide(6).refreshes(), [], "it is as the agent says");
    assert_eq!(shop.decide(60).refreshes(), [], "however long");
    shop.deploys("cart", Healthy);
    let seen = shop.decide(61);
    assert_eq!(
        (seen.refreshes(), seen.look_again),
        (vec![], Some(Duration::from_secs(1)))
    );
    let asked = shop.decide(62);
    assert_eq!(asked.refreshes(), [("cart", 1)]);
    let super::super::Action::Refresh(refresh) = &asked.actions[0] else {
        panic!()
    };
    assert_eq!(
        refresh.trigger,
        "Progressing to Argo CD, though all its objects are seen to be well"
    );
    assert!(!refresh.is_hard);
}

#[test]
fn an_app_that_is_out_of_sync_with_what_it_has_just_synced_is_asked_about_and_one_that_has_a_reason_is_not() {
    let late = |edit: &dyn Fn(&mut serde_json::Value)| {
        let mut shop = shop();
        let app = shop.app("cart");
        app["status"]["sync"]["status"] = json!("OutOfSync");
        edit(app);
        assert_eq!(shop.decide(6).refreshes(), []);
        let asked = shop.decide(7);
        asked.actions.first().map(|action| {
            let super::super::Action::Refresh(refresh) = action else {
                panic!("{action:?}")
            };
            refresh.trigger.clone()
        })
    };
    assert_eq!(
        late(&|_| {}).as_deref(),
        Some(
            "OutOfSync to Argo CD at the very revision that it has synced, though all its objects are seen to be well"
        )
    );
    let reasons: [Change; 6] = [
        ("its sync failed", &|app| {
            app["status"]["operationState"]["phase"] = json!("Failed");
        }),
        ("its sync is running", &|app| {
            app["status"]["operationState"]["phase"] = json!("Running");
        }),
        ("a sync is asked for", &|app| app["operation"] = json!({"sync": {}})),
        ("another revision was synced", &|app| {
            app["status"]["operationState"]["syncResult"]["revision"] =
                json!("0000000000000000000000000000000000000000");
        }),
        ("a comparison is still to come", &|app| {
            app["status"]["operationState"]["finishedAt"] = json!(at(6));
        }),
        ("something is left to prune", &|app| {
            app["status"]["resources"][0]["requiresPruning"] = json!(true);
        }),
    ];
    for (reason, edit) in reasons {
        assert_eq!(late(edit), None, "{reason}");
    }
    let mut missing = shop();
    missing.app("cart")["status"]["sync"]["status"] = json!("OutOfSync");
    missing.tree.live.clear();
    assert_eq!(missing.decide(6).refreshes(), []);
    assert_eq!(missing.decide(7).refreshes(), [], "its Deployment is not there");
}

#[test]
fn an_agent_that_answers_and_is_still_behind_is_asked_again_soon() {
    let mut shop = shop();
    stale(&mut shop, "cart");
    let mut asked = Vec::new();
    for second in 6..300 {
        if !shop.decide(second).refreshes().is_empty() {
            asked.push(second);
            shop.app("cart")["status"]["reconciledAt"] = json!(at(second));
        }
    }
    assert_eq!(asked, [7, 12, 22]);
}

#[test]
fn of_many_that_are_behind_a_few_are_asked_about_at_a_time() {
    let names: Vec<_> = (0..30).map(|index| format!("a{index:02}")).collect();
    let mut shop = Platform::new(names.iter().map(|name| ready(name, &[])));
    shop.put(ready("root", &names.iter().map(String::as_str).collect::<Vec<_>>()));
    for name in &names {
        shop.deploys(name, Healthy);
        stale(&mut shop, name);
    }
    assert_eq!(shop.decide(6).refreshes(), []);
    assert_eq!(
        shop.decide(13).refreshes(),
        [],
        "the agent has much to look at, and may get there by itself"
    );
    assert_eq!(shop.decide(14).refreshes().len(), 4);
    assert_eq!(shop.decide(15).refreshes(), []);
    for name in &names[..2] {
        shop.app(name)["status"]["reconciledAt"] = json!(at(15));
        shop.app(name)["status"]["health"]["status"] = json!("Healthy");
    }
    assert_eq!(shop.decide(16).refreshes(), [("a04", 1), ("a05", 1)]);
}

#[test]
fn one_for_which_a_sync_waits_is_asked_about_at_once() {
    let names: Vec<_> = (0..30).map(|index| format!("a{index:02}")).collect();
    let mut shop = Platform::new(names.iter().map(|name| ready(name, &[])));
    let mut root = ready("root", &names.iter().map(String::as_str).collect::<Vec<_>>());
    root["status"]["operationState"]["phase"] = json!("Running");
    root["status"]["operationState"]
        .as_object_mut()
        .unwrap()
        .remove("finishedAt");
    shop.put(root);
    for name in &names {
        stale(&mut shop, name);
    }
    shop.deploys("a07", Healthy);
    for name in names.iter().filter(|name| *name != "a07") {
        shop.deploys(name, Progressing);
    }
    shop.decide(6);
    assert_eq!(shop.decide(7).refreshes(), [("a07", 1)]);
}

#[test]
fn a_parent_that_is_behind_its_children_is_asked_about() {
    let mut shop = shop();
    stale(&mut shop, "root");
    shop.decide(6);
    assert_eq!(shop.decide(7).refreshes(), [("root", 1)]);
    let mut waiting = self::shop();
    stale(&mut waiting, "root");
    stale(&mut waiting, "cart");
    waiting.deploys("cart", Degraded);
    waiting.decide(6);
    assert_eq!(waiting.decide(60).refreshes(), [], "the child is not well");
}

#[test]
fn a_failure_that_the_agent_keeps_is_asked_about_anew() {
    let failed = |message: &str| {
        let mut shop = shop();
        shop.app("cart")["status"]["sync"]["status"] = json!("Unknown");
        shop.app("cart")["status"]["conditions"] = json!([{"type": "ComparisonError", "message": message}]);
        let mut hard = Vec::new();
        for second in 6..600 {
            for action in shop.decide(second).actions {
                if let super::super::Action::Refresh(refresh) = action {
                    hard.push(refresh.is_hard);
                }
            }
        }
        hard
    };
    assert_eq!(failed("repository not accessible"), [false, true, true]);
    assert_eq!(
        failed("Manifest generation error (cached): exit status 1"),
        [true, true, true]
    );
}

#[test]
fn a_platform_whose_objects_are_all_seen_to_be_well_is_settled_at_once() {
    let mut shop = shop();
    stale(&mut shop, "cart");
    shop.deploys("cart", Progressing);
    shop.decide(6);
    shop.deploys("cart", Healthy);
    shop.app("cart")["status"]["health"]["status"] = json!("Healthy");
    assert!(shop.decide(40).settled);
}

#[test]
fn what_is_not_seen_keeps_the_quiet_time() {
    let edits: Vec<Edit> = vec![
        (
            "a kind of which nothing is known",
            Box::new(|shop| shop.tree.kinds.clear()),
        ),
        (
            "another cluster",
            Box::new(|shop| {
                for place in ["/spec/destination/server", "/status/sync/comparedTo/destination/server"] {
                    *shop.app("cart").pointer_mut(place).unwrap() = json!("https://elsewhere");
                }
            }),
        ),
        ("an object that is not there", Box::new(|shop| shop.tree.live.clear())),
        (
            "an object that is not well",
            Box::new(|shop| shop.deploys("cart", Progressing)),
        ),
        (
            "an exception",
            Box::new(|shop| {
                shop.app("cart")["status"]["health"]["status"] = json!("Suspended");
                shop.allow("cart", &["Suspended"]);
            }),
        ),
        (
            "a set that may have been changed since it was judged",
            Box::new(|shop| {
                shop.put(complete("teams", &[]));
                shop.set("teams")["metadata"]["generation"] = json!(2);
                shop.put(ready("root", &["cart", "search", "set:teams"]));
            }),
        ),
    ];
    for (what, edit) in edits {
        let mut shop = shop();
        stale(&mut shop, "cart");
        shop.decide(6);
        shop.app("cart")["status"]["health"]["status"] = json!("Healthy");
        edit(&mut shop);
        assert!(!shop.decide(40).settled, "{what}");
        assert!(!shop.decide(49).settled, "{what}");
        assert!(shop.decide(50).settled, "{what}");
    }
}

#[test]
fn who_has_only_begun_to_look_or_lost_sight_waits() {
    let mut shop = shop();
    let first = shop.decide(6);
    assert!(!first.settled);
    assert_eq!(first.look_again, Some(Duration::from_secs(10)));
    shop.decide(7);
    assert!(shop.decide(16).settled);
    shop.memory.lost_sight();
    shop.put(owned_by(ready("more", &[]), "nobody"));
    shop.put(ready("root", &["cart", "search", "more"]));
    assert!(!shop.decide(17).settled);
    assert!(shop.decide(27).settled);
}

#[test]
fn what_was_well_and_then_not_starts_the_quiet_anew() {
    let mut shop = shop();
    stale(&mut shop, "search");
    shop.decide(6);
    shop.deploys("cart", Degraded);
    shop.decide(40);
    shop.deploys("cart", Healthy);
    shop.app("search")["status"]["health"]["status"] = json!("Healthy");
    assert!(!shop.decide(42).settled, "it fell ill two seconds ago");
    assert!(!shop.decide(49).settled);
    assert!(shop.decide(50).settled);
}

#[test]
fn a_new_pair_of_eyes_sees_nothing_fall() {
    let mut shop = shop();
    stale(&mut shop, "search");
    shop.decide(6);
    let (live, kinds) = (shop.tree.live.clone(), shop.tree.kinds.clone());
    // Another step begins to watch.
    shop.tree.live.clear();
    shop.tree.kinds.clear();
    shop.decide(20);
    (shop.tree.live, shop.tree.kinds) = (live, kinds);
    shop.app("search")["status"]["health"]["status"] = json!("Healthy");
    assert!(!shop.decide(21).settled, "what happened in between was not seen");
    assert!(shop.decide(30).settled);
    assert!(!shop.tree.sets.contains_key(&set_id("teams")));
}

#[test]
fn of_what_is_not_seen_only_itself_is_given_time() {
    let mut shop = shop();
    shop.tree
        .live
        .remove(&crate::object::ObjectRef::new("apps/v1", "Deployment", "cart", "cart"));
    stale(&mut shop, "search");
    shop.decide(6);
    shop.app("search")["status"]["health"]["status"] = json!("Healthy");
    assert!(
        shop.decide(40).settled,
        "cart has been ready for long, and search is seen to be well"
    );
}

/// What may happen to one app of a platform: the health of its live object, its own, or nothing.
fn happening() -> impl Strategy<Value = (i64, usize, usize)> {
    (1..6_i64, 0..2_usize, 0..7_usize)
}

/// One app as the property knows it.
struct Known {
    live: Status,
    word: &'static str,
    /// Since when its node has been ready or not.
    changed: i64,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_platform_settles_only_well_and_never_within_the_quiet_time_of_a_fall(
        happenings in prop::collection::vec(happening(), 1..30),
    ) {
        const WORDS: [&str; 3] = ["Healthy", "Progressing", "Degraded"];
        let mut shop = shop();
        let names = ["cart", "search"];
        let mut known = [(); 2].map(|()| Known { live: Healthy, word: "Healthy", changed: 6 });
        let (mut now, mut fall) = (6, 6);
        shop.decide(now);
        for (pause, which, what) in happenings {
            now += pause;
            let app = &mut known[which];
            if let Some(status) = [Healthy, Progressing, Degraded].get(what) {
                if app.live == Healthy && *status != Healthy {
                    fall = now;
                }
                app.live = *status;
                shop.deploys(names[which], *status);
            } else if let Some(word) = WORDS.get(what - 3) {
                if app.word == "Healthy" && *word != "Healthy" {
                    fall = now;
                }
                if app.word != *word {
                    app.changed = now;
                }
                app.word = word;
                shop.app(names[which])["status"]["health"]["status"] = json!(word);
            }
            let decision = shop.decide(now);
            let ready = known.iter().all(|app| app.word == "Healthy");
            let quiet = known.iter().all(|app| now - app.changed >= 10);
            let proved = now - fall >= 10 && known.iter().all(|app| app.live == Healthy || now - app.changed >= 10);
            prop_assert_eq!(decision.settled, ready && (quiet || proved), "at {}, fell at {}", now, fall);
            prop_assert!(!ready || decision.settled || decision.look_again.is_some(), "nobody would look again");
        }
    }
}
