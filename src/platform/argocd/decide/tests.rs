use serde_json::{Value, json};

use super::fixture::{OTHER, Platform, app_id, at, before_the_run, complete, owned_by, ready, set_id};
use super::{Away, AwayState};
use crate::event::NodePhase::{Excepted, Failing, Ignored, Missing, Progressing, Ready};
use std::time::Duration;

fn shop() -> Platform {
    Platform::new([
        ready("root", &["cart", "set:teams"]),
        ready("cart", &[]),
        complete("teams", &["blue", "red"]),
        owned_by(ready("blue", &[]), "teams"),
        owned_by(ready("red", &[]), "teams"),
    ])
}

#[test]
fn the_closure_is_everything_that_follows_from_the_roots() {
    let mut shop = shop();
    shop.put(ready("stranger", &[]));
    let decision = shop.decide(6);
    assert_eq!(
        decision.phases(),
        [
            ("root", Ready),
            ("cart", Ready),
            ("teams", Ready),
            ("blue", Ready),
            ("red", Ready)
        ]
    );
    assert_eq!(decision.nodes[3].parent.as_deref(), Some("ApplicationSet argocd/teams"));
    assert_eq!(decision.nodes[0].id, "Application argocd/root");
    assert_eq!(decision.nodes[0].words, "Synced, Healthy");
}

#[test]
fn a_platform_is_settled_once_nothing_has_changed_for_ten_seconds() {
    let mut shop = shop();
    let first = shop.decide(6);
    assert!(!first.settled);
    assert_eq!(first.look_again, Some(Duration::from_secs(10)));
    assert_eq!(shop.decide(15).look_again, Some(Duration::from_secs(1)));
    let last = shop.decide(16);
    assert!(last.settled && last.actions.is_empty() && last.look_again.is_none());
}

#[test]
fn a_node_that_comes_late_starts_the_quiet_anew() {
    let mut shop = shop();
    shop.decide(6);
    shop.put(ready("root", &["cart", "set:teams", "late"]));
    shop.put(ready("late", &[]));
    assert!(!shop.decide(16).settled);
    assert!(shop.decide(26).settled);
}

#[test]
fn a_flap_starts_the_quiet_anew() {
    let mut shop = shop();
    shop.decide(6);
    shop.app("cart")["status"]["health"]["status"] = json!("Degraded");
    assert_eq!(shop.decide(10).phases()[1], ("cart", Failing));
    shop.app("cart")["status"]["health"]["status"] = json!("Healthy");
    assert!(!shop.decide(12).settled);
    assert!(!shop.decide(21).settled);
    assert!(shop.decide(22).settled);
}

#[test]
fn a_clock_that_goes_back_starts_the_quiet_anew() {
    let mut shop = shop();
    shop.decide(600);
    assert!(!shop.decide(100).settled);
    assert!(shop.decide(110).settled);
}

#[test]
fn a_missing_root_and_a_missing_child_are_missing() {
    let mut shop = Platform::new([]);
    let decision = shop.decide(1);
    assert_eq!(decision.phases(), [("root", Missing)]);
    assert_eq!(decision.blockers("root"), ["a root, but not there"]);
    shop.put(ready("root", &["cart"]));
    let decision = shop.decide(600);
    assert_eq!(decision.phases(), [("root", Ready), ("cart", Missing)]);
    assert_eq!(
        decision.blockers("cart"),
        ["named by Application `root`, but not there"]
    );
    assert!(!shop.decide(1200).settled);
}

#[test]
fn apps_that_a_set_says_it_has_must_be_there() {
    let mut shop = shop();
    shop.tree.applications.remove(&app_id("red"));
    let decision = shop.decide(6);
    assert_eq!(decision.phases()[2], ("teams", Progressing));
    assert_eq!(decision.blockers("teams"), ["1 of its 2 Applications are there"]);
    assert_eq!(decision.phases()[4], ("red", Missing));
}

#[test]
fn apps_beyond_the_cut_list_of_a_set_count_too() {
    let mut shop = shop();
    shop.set("teams")["status"]["resources"]
        .as_array_mut()
        .unwrap()
        .truncate(1);
    shop.set("teams")["status"]["resourcesCount"] = json!(3);
    let decision = shop.decide(6);
    assert_eq!(decision.blockers("teams"), ["2 of its 3 Applications are there"]);
    assert!(decision.phases().contains(&("red", Ready)));
}

#[test]
fn cycles_end() {
    let mut shop = Platform::new([ready("root", &["root", "a"]), ready("a", &["root", "a"])]);
    assert_eq!(shop.decide(6).phases(), [("root", Ready), ("a", Ready)]);
}

#[test]
fn an_ignored_app_takes_along_what_follows_from_it_alone() {
    let mut shop = Platform::new([
        ready("root", &["old", "cart"]),
        ready("old", &["older", "shared"]),
        ready("cart", &["shared"]),
        ready("shared", &[]),
    ]);
    shop.ignore("old");
    let decision = shop.decide(6);
    assert_eq!(
        decision.phases(),
        [
            ("root", Ready),
            ("cart", Ready),
            ("old", Ignored),
            ("shared", Ready),
            ("older", Ignored)
        ]
    );
    assert_eq!(decision.exceptions.len(), 1);
    assert_eq!(decision.exceptions[0].what, "left out (Synced, Healthy)");
    assert!(shop.decide(16).settled);
}

#[test]
fn an_app_is_not_kept_waiting_by_one_below_it_that_is_left_out_or_accepted() {
    let unwell = |health: &str, word: &str| {
        let mut cart = ready("cart", &[]);
        cart["status"]["health"] = json!({"status": health});
        let mut root = ready("root", &["cart"]);
        root["status"]["health"] = json!({"status": word});
        for resource in root["status"]["resources"].as_array_mut().unwrap() {
            if resource["name"] == "cart" {
                resource["health"] = json!({"status": health});
            }
        }
        Platform::new([root, cart])
    };
    let mut shop = unwell("Degraded", "Degraded");
    assert_eq!(shop.decide(6).phases()[0], ("root", Failing), "nothing is accepted");
    shop.ignore("cart");
    let decision = shop.decide(16);
    assert_eq!(decision.phases(), [("root", Excepted), ("cart", Ignored)]);
    let told: Vec<_> = decision
        .exceptions
        .iter()
        .map(|one| (one.subject.as_str(), one.reason.as_str()))
        .collect();
    assert_eq!(told[0].0, "root");
    assert!(told[0].1.starts_with("only for cart: "), "{told:?}");

    // However many are between them.
    let above = |name: &str, child: &str| {
        let mut app = ready(name, &[child]);
        app["status"]["health"] = json!({"status": "Progressing"});
        for resource in app["status"]["resources"].as_array_mut().unwrap() {
            if resource["name"] == child {
                resource["health"] = json!({"status": "Progressing"});
            }
        }
        app
    };
    let mut cart = ready("cart", &[]);
    cart["status"]["health"] = json!({"status": "Degraded"});
    let mut shop = Platform::new([above("root", "team"), above("team", "cart"), cart]);
    shop.ignore("cart");
    assert_eq!(
        shop.decide(6).phases(),
        [("root", Excepted), ("team", Excepted), ("cart", Ignored)]
    );

    let mut shop = unwell("Suspended", "Suspended");
    shop.allow("cart", &["Suspended"]);
    assert_eq!(shop.decide(6).phases(), [("root", Excepted), ("cart", Excepted)]);
    // Another word than the one that is accepted is a trouble of both.
    let mut shop = unwell("Degraded", "Degraded");
    shop.allow("cart", &["Suspended"]);
    assert_eq!(shop.decide(6).phases(), [("root", Failing), ("cart", Failing)]);
}

#[test]
fn an_allowed_word_is_an_exception_with_its_reason() {
    let mut shop = shop();
    shop.app("cart")["status"]["health"]["status"] = json!("Suspended");
    assert_eq!(shop.decide(6).phases()[1], ("cart", Progressing));
    shop.allow("cart", &["Suspended"]);
    let decision = shop.decide(7);
    assert_eq!(decision.phases()[1], ("cart", Excepted));
    let exception = &decision.exceptions[0];
    assert_eq!(
        (
            exception.subject.as_str(),
            exception.what.as_str(),
            exception.reason.as_str()
        ),
        ("cart", "Suspended", "known")
    );
    assert!(shop.decide(17).settled);
}

#[test]
fn a_word_that_is_not_allowed_still_counts_beside_one_that_is() {
    let mut shop = shop();
    shop.allow("argocd/cart", &["Suspended"]);
    shop.app("cart")["status"]["health"]["status"] = json!("Suspended");
    shop.app("cart")["status"]["sync"]["status"] = json!("OutOfSync");
    assert_eq!(shop.decide(6).phases()[1], ("cart", Progressing));
    shop.allow("argocd/cart", &["Suspended", "OutOfSync"]);
    assert_eq!(shop.decide(7).exceptions[0].what, "OutOfSync, Suspended");
}

#[test]
fn a_second_restore_of_a_settled_platform_asks_for_nothing() {
    let objects = shop().tree;
    let mut shop = Platform::new(
        objects
            .applications
            .into_values()
            .chain(objects.sets.into_values())
            .map(|object| before_the_run(object, 90)),
    );
    for seconds in [1, 5, 11] {
        let decision = shop.decide(seconds);
        assert_eq!(decision.actions, [], "{seconds}");
        assert_eq!(decision.settled, seconds == 11, "{:?}", decision.phases());
    }
}

#[test]
fn an_old_verdict_does_not_count_even_at_the_right_commit() {
    let mut shop = Platform::new([before_the_run(ready("root", &[]), 3600)]);
    let decision = shop.decide(1);
    assert_eq!(decision.phases(), [("root", Progressing)]);
    assert_eq!(decision.refreshes(), [("root", 1)]);
    shop.app("root")["metadata"]["annotations"] = json!({"argocd.argoproj.io/refresh": "normal"});
    assert_eq!(shop.decide(2).actions, []);
    shop.put(ready("root", &[]));
    assert_eq!(shop.decide(6).phases(), [("root", Ready)]);
}

#[test]
fn a_recent_verdict_on_a_repository_we_do_not_know_is_waited_for_and_then_asked_for() {
    let mut shop = Platform::new([before_the_run(ready("root", &[]), 100)]);
    shop.rules.revisions.clear();
    let decision = shop.decide(1);
    assert_eq!(
        (decision.refreshes(), decision.look_again),
        (vec![], Some(Duration::from_secs(139)))
    );
    assert_eq!(shop.decide(140).refreshes(), [("root", 1)]);
}

#[test]
fn a_comparison_seen_to_happen_counts_whatever_the_clocks_say() {
    let mut shop = Platform::new([before_the_run(ready("root", &[]), 3600)]);
    shop.rules.revisions.clear();
    shop.decide(1);
    shop.put(before_the_run(ready("root", &[]), 3000));
    assert_eq!(shop.decide(2).phases(), [("root", Ready)]);
}

#[test]
fn another_commit_than_ours_is_refreshed_once_and_then_believed() {
    let mut shop = shop();
    shop.app("root")["status"]["sync"]["revision"] = json!(OTHER);
    let decision = shop.decide(6);
    assert_eq!(decision.refreshes(), [("root", 1)]);
    assert_eq!(
        decision.blockers("root"),
        ["at 2222222, but `main` was found at 1111111"]
    );
    assert_eq!(shop.decide(7).refreshes(), []);
    shop.app("root")["status"]["reconciledAt"] = json!(at(8));
    let decision = shop.decide(9);
    assert_eq!((decision.phases()[0], decision.actions.len()), (("root", Ready), 0));
    assert_eq!(decision.nodes[0].revision.as_deref(), Some(OTHER));
}

#[test]
fn an_app_that_stays_behind_a_branch_which_moved_in_mid_run_is_asked_again() {
    let mut shop = shop();
    shop.app("root")["status"]["sync"]["revision"] = json!(OTHER);
    let elsewhere = shop.decide(6).elsewhere;
    assert_eq!(
        elsewhere.iter().map(|seen| seen.commit.as_str()).collect::<Vec<_>>(),
        [OTHER]
    );
    shop.app("root")["status"]["reconciledAt"] = json!(at(8));
    assert_eq!(shop.decide(9).phases()[0], ("root", Ready));
    // Git says that the branch is there too by now; whoever is still at the old commit is behind.
    shop.rules.revisions[0].commit = "3333333333333333333333333333333333333333".to_owned();
    shop.memory.revisions_moved();
    assert_eq!(shop.decide(10).phases()[0], ("root", Progressing));
    assert_eq!(shop.decide(40).refreshes().first(), Some(&("root", 1)));
    shop.app("root")["status"]["reconciledAt"] = json!(at(41));
    assert_eq!(shop.decide(42).phases()[0], ("root", Ready));
}

#[test]
fn another_branch_of_the_same_repository_is_none_of_our_business() {
    let mut shop = shop();
    shop.app("cart")["spec"]["source"]["targetRevision"] = json!("v1");
    shop.app("cart")["status"]["sync"]["comparedTo"]["source"]["targetRevision"] = json!("v1");
    shop.app("cart")["status"]["sync"]["revision"] = json!(OTHER);
    assert_eq!(shop.decide(6).phases()[1], ("cart", Ready));
}

#[test]
fn an_unanswered_refresh_is_asked_for_three_times_with_longer_and_longer_pauses() {
    let mut shop = shop();
    shop.app("root")["status"]["sync"]["revision"] = json!(OTHER);
    let asked: Vec<_> = (0..1000)
        .filter(|second| !shop.decide(*second).actions.is_empty())
        .collect();
    assert_eq!(asked, [0, 30, 90]);
    let last = shop.decide(1000);
    assert!(
        last.blockers("root")
            .contains(&"a refresh was asked for 3 times".to_owned())
    );
}

#[test]
fn a_failed_comparison_is_refreshed_before_argo_cd_would() {
    let mut shop = shop();
    shop.app("cart")["status"]["sync"]["status"] = json!("Unknown");
    shop.app("cart")["status"]["conditions"] =
        json!([{"type": "ComparisonError", "message": "repository not accessible"}]);
    let decision = shop.decide(6);
    assert_eq!(
        (decision.phases()[1], decision.refreshes()),
        (("cart", Failing), vec![])
    );
    assert_eq!(decision.look_again, Some(Duration::from_secs(19)));
    assert_eq!(
        decision.blockers("cart"),
        ["ComparisonError: repository not accessible"]
    );
    assert_eq!(shop.decide(25).refreshes(), [("cart", 1)]);
}

#[test]
fn an_app_of_which_argo_cd_says_nothing_is_asked_about() {
    let mut shop = Platform::new([ready("root", &[])]);
    shop.app("root")["status"] = json!({});
    let decision = shop.decide(3);
    assert_eq!(
        (decision.refreshes(), decision.look_again),
        (vec![], Some(Duration::from_secs(30)))
    );
    assert_eq!(decision.blockers("root")[0], "Argo CD has not compared it yet");
    assert_eq!(shop.decide(33).refreshes(), [("root", 1)]);
    shop.app("root")["status"] = json!({"conditions": [{"type": "ComparisonError", "message": "authentication required", "lastTransitionTime": at(34)}]});
    assert_eq!(shop.decide(35).phases(), [("root", Failing)]);
}

#[test]
fn an_app_that_was_not_compared_after_its_sync_is_asked_about() {
    let mut shop = shop();
    shop.app("cart")["status"]["operationState"]["finishedAt"] = json!(at(40));
    assert_eq!(shop.decide(41).refreshes(), []);
    assert_eq!(shop.decide(71).refreshes(), [("cart", 1)]);
}

#[test]
fn a_long_queue_is_not_made_longer() {
    let names: Vec<_> = (0..20).map(|index| format!("a{index}")).collect();
    let mut shop = Platform::new(names.iter().map(|name| ready(name, &[])));
    shop.put(ready("root", &names.iter().map(String::as_str).collect::<Vec<_>>()));
    for name in &names {
        shop.app(name)["status"] = json!({});
    }
    shop.decide(6);
    assert_eq!(shop.decide(600).refreshes(), []);
}

#[test]
fn a_project_that_came_late_is_noticed_by_a_refresh() {
    let mut shop = shop();
    shop.app("cart")["status"] = json!({"sync": {"status": "Unknown"}, "health": {"status": "Unknown"}, "conditions": [
        {"type": "InvalidSpecError", "message": "project shop does not exist", "lastTransitionTime": at(5)},
    ]});
    assert_eq!(
        shop.decide(6).blockers("cart")[0],
        "InvalidSpecError: project shop does not exist"
    );
    assert_eq!(shop.decide(25).refreshes(), [("cart", 1)]);
}

#[test]
fn nobody_is_asked_who_would_not_answer() {
    for (field, value) in [
        ("annotations", json!({"argocd.argoproj.io/skip-reconcile": "true"})),
        ("annotations", json!({"argocd.argoproj.io/refresh": "hard"})),
        ("deletionTimestamp", json!(at(1))),
    ] {
        let mut shop = Platform::new([before_the_run(ready("root", &[]), 3600)]);
        shop.app("root")["metadata"][field] = value;
        let decision = shop.decide(600);
        assert_eq!(
            (decision.phases()[0], decision.refreshes()),
            (("root", Progressing), vec![]),
            "{field}"
        );
    }
}

#[test]
fn a_set_whose_specification_changed_is_asked_once() {
    let mut shop = shop();
    shop.put(before_the_run(complete("teams", &["blue", "red"]), 90));
    shop.set("teams")["metadata"]["generation"] = json!(2);
    let decision = shop.decide(6);
    assert_eq!(
        (decision.phases()[2], decision.refreshes()),
        (("teams", Progressing), vec![("teams", 1)])
    );
    shop.set("teams")["metadata"]["annotations"] = json!({"argocd.argoproj.io/application-set-refresh": "true"});
    shop.set("teams")["metadata"]["resourceVersion"] = json!("11");
    assert_eq!(shop.decide(7).phases()[2], ("teams", Progressing));
    shop.set("teams")["metadata"]["annotations"] = json!({});
    shop.set("teams")["metadata"]["resourceVersion"] = json!("12");
    assert_eq!(shop.decide(8).phases()[2], ("teams", Ready));
}

#[test]
fn a_set_that_answered_unseen_has_answered() {
    let mut shop = shop();
    shop.put(before_the_run(complete("teams", &["blue", "red"]), 90));
    shop.set("teams")["metadata"]["generation"] = json!(2);
    assert_eq!(shop.decide(6).look_again, Some(Duration::from_secs(3)));
    shop.set("teams")["metadata"]["resourceVersion"] = json!("12");
    assert_eq!(shop.decide(7).phases()[2], ("teams", Progressing));
    assert_eq!(shop.decide(9).phases()[2], ("teams", Ready));
}

#[test]
fn a_set_that_reads_a_branch_that_moved_is_asked() {
    let mut shop = shop();
    shop.put(before_the_run(complete("teams", &["blue", "red"]), 90));
    shop.app("cart")["status"]["sync"]["revision"] = json!(OTHER);
    assert_eq!(shop.decide(6).refreshes(), [("cart", 1), ("teams", 1)]);
}

#[test]
fn a_set_that_cannot_generate_fails_in_its_own_words() {
    let mut shop = shop();
    shop.set("teams")["status"]["conditions"] = json!([{
        "type": "ErrorOccurred", "status": "True", "reason": "ApplicationGenerationFromParamsError",
        "message": "authentication required", "lastTransitionTime": at(5),
    }]);
    let decision = shop.decide(6);
    assert_eq!(decision.phases()[2], ("teams", Failing));
    assert_eq!(
        decision.blockers("teams")[0],
        "ApplicationGenerationFromParamsError: authentication required"
    );
    assert_eq!(shop.decide(25).refreshes(), [("teams", 1)]);
}

#[test]
fn an_app_that_waits_for_its_step_says_so() {
    let mut shop = shop();
    shop.set("teams")["spec"]["strategy"] = json!({"type": "RollingSync"});
    shop.set("teams")["status"]["applicationStatus"] =
        json!([{"application": "red", "status": "Waiting", "step": "2", "message": "waiting for step 1"}]);
    shop.app("red")["status"]["sync"]["status"] = json!("OutOfSync");
    shop.app("red")["spec"]["syncPolicy"] = json!({});
    assert_eq!(
        shop.decide(6).blockers("red"),
        ["RollingSync of its set, step 2: Waiting waiting for step 1"]
    );
}

#[test]
fn apps_on_another_cluster_belong_to_the_argo_cd_there() {
    let mut shop = Platform::new([ready("root", &["cart"])]);
    shop.app("root")["spec"]["destination"]["server"] = json!("https://elsewhere");
    shop.app("root")["status"]["sync"]["comparedTo"]["destination"]["server"] = json!("https://elsewhere");
    assert_eq!(shop.decide(6).phases(), [("root", Ready)]);
}

#[test]
fn roots_of_other_kinds_are_not_waited_for() {
    let mut shop = Platform::new([]);
    shop.rules.roots = vec![
        crate::object::ObjectRef::new("argoproj.io/v1alpha1", "AppProject", "argocd", "shop"),
        set_id("teams"),
    ];
    shop.put(complete("teams", &[]));
    assert_eq!(shop.decide(6).phases(), [("teams", Ready)]);
}

#[test]
fn a_stale_health_is_asked_about_a_few_times_and_a_running_sync_is_left_alone() {
    let mut shop = shop();
    shop.app("cart")["status"]["health"]["status"] = json!("Degraded");
    assert_eq!(shop.decide(6).refreshes(), []);
    assert_eq!(shop.decide(20).refreshes(), [("cart", 1)]);
    assert_eq!(shop.decide(21).refreshes(), []);
    let later: Vec<_> = (2..60)
        .filter_map(|minutes| shop.decide(60 * minutes).refreshes().len().checked_sub(1))
        .collect();
    assert_eq!(later.len(), 2, "three times in all");

    let mut running = self::shop();
    running.app("cart")["status"]["health"]["status"] = json!("Progressing");
    running.app("cart")["status"]["operationState"]["phase"] = json!("Running");
    running.app("cart")["status"]["operationState"]
        .as_object_mut()
        .unwrap()
        .remove("finishedAt");
    assert_eq!(running.decide(60).refreshes(), []);
}

fn away(cluster: &str, state: AwayState) -> Away {
    Away {
        cluster: cluster.to_owned(),
        name: format!("{cluster}-name"),
        servers: vec![format!("https://{cluster}:6443")],
        state,
    }
}

/// An app that goes to another cluster, of which the agent knows nothing.
fn stranded(name: &str, destination: &Value) -> Value {
    let mut app = ready(name, &[]);
    app["spec"]["destination"] = destination.clone();
    app["status"] = json!({
        "sync": {"status": "Unknown"}, "health": {"status": "Unknown"},
        "conditions": [{"type": "InvalidSpecError", "message": "there are no clusters with this name", "lastTransitionTime": at(1)}],
    });
    app
}

#[test]
fn an_absent_cluster_holds_only_its_own_apps() {
    for destination in [
        json!({"name": "lab-name", "namespace": "x"}),
        json!({"server": "https://lab:6443/", "namespace": "x"}),
    ] {
        let objects = [
            ready("root", &["cart", "trial"]),
            ready("cart", &[]),
            stranded("trial", &destination),
        ];
        let mut platform = Platform::new(objects);
        assert!(
            !platform.decide(60).settled,
            "an app that is merely broken is waited for"
        );
        platform.rules.away = vec![away("lab", AwayState::Gone("cluster lab is absent".to_owned()))];
        let decision = platform.decide(61);
        assert_eq!(decision.phases()[2], ("trial", Excepted));
        assert_eq!(decision.exceptions[0].reason, "cluster lab is absent");
        assert_eq!(
            decision.refreshes(),
            [],
            "nobody asks the agent of what it cannot reach"
        );
        assert!(platform.decide(72).settled);

        platform.app("cart")["status"]["health"]["status"] = json!("Degraded");
        assert!(!platform.decide(90).settled, "all others are waited for");
    }
}

#[test]
fn what_waits_for_an_approval_is_not_ready_and_holds_up_nothing_else() {
    let destination = json!({"name": "edge-name", "namespace": "x"});
    let objects = [
        ready("root", &["cart", "till"]),
        ready("cart", &[]),
        stranded("till", &destination),
    ];
    let mut platform = Platform::new(objects);
    platform.rules.away = vec![away("edge", AwayState::Held)];
    platform.decide(60);
    let decision = platform.decide(71);
    assert!(decision.settled);
    assert_eq!(decision.phases()[2], ("till", Progressing));
    assert_eq!(
        decision.blockers("till"),
        ["waits for the approval to connect cluster edge"]
    );
    assert_eq!(decision.held, ["Application argocd/till"]);
    assert_eq!(decision.exceptions, []);

    platform.rules.away.clear();
    assert!(!platform.decide(72).settled, "once it is connected it is waited for");
}

#[test]
fn an_app_is_not_unhealthy_by_its_own_fault_when_one_below_it_cannot_be_reached() {
    let destination = json!({"name": "edge-name", "namespace": "x"});
    let mut root = ready("root", &["cart", "till"]);
    root["status"]["health"] = json!({"status": "Progressing"});
    root["status"]["resources"][1]["health"] = json!({"status": "Progressing"});
    let mut platform = Platform::new([root, ready("cart", &[]), stranded("till", &destination)]);
    assert_eq!(platform.decide(60).phases()[0], ("root", Progressing));

    platform.rules.away = vec![away("edge", AwayState::Held)];
    let held = platform.decide(61);
    assert_eq!(held.held, ["Application argocd/root", "Application argocd/till"]);
    assert_eq!(
        held.blockers("root"),
        ["Application.argoproj.io argocd/till: waits for the approval to connect cluster edge"]
    );
    platform.rules.away = vec![away("edge", AwayState::Gone("cluster edge is absent".to_owned()))];
    let gone = platform.decide(62);
    assert_eq!(gone.phases()[0], ("root", Excepted));
    assert_eq!(gone.exceptions[0].reason, "cluster edge is absent");

    // With an own trouble beside it there is no excuse.
    platform.app("root")["status"]["resources"][0]["health"] = json!({"status": "Degraded"});
    assert_eq!(platform.decide(63).phases()[0], ("root", Progressing));
}

#[test]
fn a_wave_that_waits_for_an_absent_cluster_is_no_success_and_one_that_waits_for_an_approval_does_not_keep_it_from_coming()
 {
    let destination = json!({"name": "edge-name", "namespace": "x"});
    let mut root = ready("root", &["till"]);
    root["status"]["health"] = json!({"status": "Progressing"});
    root["status"]["resources"][0]["health"] = json!({"status": "Progressing"});
    root["status"]["sync"]["status"] = json!("OutOfSync");
    root["status"]["operationState"] = json!({
        "phase": "Running", "startedAt": at(2), "message": "waiting for healthy state of argoproj.io/Application/till",
    });
    let mut platform = Platform::new([root, stranded("till", &destination)]);
    platform.rules.away = vec![away("edge", AwayState::Held)];
    platform.decide(60);
    assert!(platform.decide(71).settled);
    platform.rules.away = vec![away("edge", AwayState::Gone("cluster edge is absent".to_owned()))];
    platform.decide(72);
    let gone = platform.decide(83);
    assert!(!gone.settled, "what comes after it never comes: {:?}", gone.phases());
    assert_eq!(
        gone.blockers("root")[0],
        "Application.argoproj.io argocd/till: waiting for its healthy state"
    );
}
