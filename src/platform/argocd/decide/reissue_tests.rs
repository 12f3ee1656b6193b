use serde_json::{Value, json};

use super::super::fixture::{COMMIT, OTHER, Platform, app_id, at, owned_by, ready};
use super::super::{Action, Away, AwayState, Sync};
use crate::event::NodePhase::Failing;
use crate::health::{Health, Status};
use crate::object::ObjectRef;
use crate::platform::live::{Live, Sight};

/// What is done to an app, and how it is called.
type Edit = (&'static str, Box<dyn Fn(&mut Value)>);

const MISSING: &str = "The Kubernetes API could not find shop.example.com/Widget for requested resource shop/one. Make sure the \"Widget\" CRD is installed on the destination cluster.";

/// An app that the agent has given up at 20 s after the run began, for what `message` says of an object.
fn given_up(name: &str, message: &str) -> Value {
    let mut app = ready(name, &[]);
    app["metadata"]["resourceVersion"] = json!("77");
    app["spec"]["syncPolicy"]["retry"] = json!({"limit": 1});
    app["spec"]["syncPolicy"]["syncOptions"] = json!(["CreateNamespace=true"]);
    app["status"]["reconciledAt"] = json!(at(21));
    app["status"]["sync"]["status"] = json!("OutOfSync");
    app["status"]["conditions"] = json!([{
        "type": "SyncError", "message": format!("Failed last sync attempt to {COMMIT}: one or more …"), "lastTransitionTime": at(21),
    }]);
    app["status"]["operationState"] = json!({
        "phase": "Failed", "startedAt": at(15), "finishedAt": at(20), "message": "one or more synchronization tasks are not valid (retried 1 times).",
        "operation": {"initiatedBy": {"automated": true}, "sync": {"revision": COMMIT}},
        "syncResult": {"revision": COMMIT, "resources": [
            {"group": "shop.example.com", "kind": "Widget", "namespace": "shop", "name": "one", "status": "SyncFailed", "message": message},
        ]},
    });
    app
}

fn shop(message: &str) -> Platform {
    Platform::new([ready("root", &["cart"]), given_up("cart", message)])
}

fn serve(platform: &mut Platform) {
    let kind = ("shop.example.com".to_owned(), "Widget".to_owned());
    platform.tree.ground.kinds.insert(kind);
}

impl Platform {
    /// Returns the syncs that are begun again now or two seconds later.
    fn syncs(&mut self, seconds: i64) -> Vec<Sync> {
        let mut syncs = self.syncs_now(seconds);
        syncs.extend(self.syncs_now(seconds + 2));
        syncs
    }

    /// Returns the syncs that are begun again now.
    fn syncs_now(&mut self, seconds: i64) -> Vec<Sync> {
        let actions = self.decide(seconds).actions;
        actions
            .into_iter()
            .filter_map(|action| match action {
                Action::Sync(sync) => Some(sync),
                Action::Refresh(_) | Action::RefreshSet(_) | Action::Create(_) => None,
            })
            .collect()
    }
}

#[test]
fn a_sync_that_was_given_up_is_begun_again_as_soon_as_its_kind_is_served() {
    let mut shop = shop(MISSING);
    let waiting = shop.decide(22);
    assert_eq!((waiting.actions.len(), waiting.phases()[1]), (0, ("cart", Failing)));
    assert_eq!(
        waiting.blockers("cart").last().unwrap(),
        "given up by Argo CD; begun again once Widget.shop.example.com is served"
    );
    assert!(shop.syncs(3000).is_empty(), "it would fail again");
    serve(&mut shop);
    let syncs = shop.syncs(3001);
    let [sync] = &syncs[..] else { panic!("{syncs:?}") };
    assert_eq!(
        (
            sync.trigger.as_str(),
            sync.attempt,
            sync.bound,
            sync.resource_version.as_str()
        ),
        (
            "Widget.shop.example.com is served, for which its sync failed",
            1,
            3,
            "77"
        )
    );
    assert_eq!(
        sync.operation,
        json!({
            "initiatedBy": {"username": "gitops-dr", "automated": true},
            "info": [{"name": "Reason", "value": "gitops-dr run 01J: Widget.shop.example.com is served, for which its sync failed"}],
            "retry": {"limit": 1},
            "sync": {"prune": true, "revision": COMMIT, "syncOptions": ["CreateNamespace=true"]},
        })
    );
    assert!(
        shop.syncs_now(3004).is_empty(),
        "once is enough until it is known what came of it"
    );
}

#[test]
fn a_cause_that_is_gone_and_does_not_help_is_tried_three_times_with_longer_and_longer_pauses() {
    let mut shop = shop(MISSING);
    serve(&mut shop);
    let begun: Vec<_> = (22..600).filter(|second| !shop.syncs_now(*second).is_empty()).collect();
    assert_eq!(begun, [24, 34, 74]);
    assert_eq!(
        shop.decide(600).blockers("cart").last().unwrap(),
        "given up by Argo CD; begun again 3 times in vain: mend what it fails for, then `argocd app sync cart`"
    );
}

#[test]
fn an_attempt_that_the_api_server_did_not_take_counts_for_nothing() {
    let mut shop = shop(MISSING);
    serve(&mut shop);
    for round in 0..5 {
        let syncs = shop.syncs(100 + 100 * round);
        assert_eq!(syncs.len(), 1, "round {round}");
        assert_eq!(syncs[0].attempt, 1, "round {round}");
        shop.memory.not_done(&Action::Sync(syncs[0].clone()));
    }
}

#[test]
fn an_app_that_fails_for_another_child_each_time_is_not_begun_again_for_ever() {
    let children: Vec<_> = (0..20).map(|index| format!("c{index}")).collect();
    let names: Vec<_> = children.iter().map(String::as_str).collect();
    let mut shop = Platform::new([ready("root", &["cart"]), ready("cart", &names)]);
    for name in &names {
        shop.put(ready(name, &[]));
    }
    let mut begun = 0;
    for (round, name) in names.iter().enumerate() {
        let mut failed = given_up("cart", "");
        failed["status"]["operationState"]["syncResult"]["resources"] = json!([{
            "group": "argoproj.io", "kind": "Application", "namespace": "argocd", "name": name, "status": "Synced",
            "hookPhase": "Failed", "message": "child is Degraded",
        }]);
        shop.put(failed);
        let from = 100 + 200 * i64::try_from(round).unwrap();
        begun += (from..from + 60)
            .filter(|second| !shop.syncs_now(*second).is_empty())
            .take(1)
            .count();
    }
    assert_eq!(begun, 6);
}

#[test]
fn what_the_agent_would_not_wipe_out_is_not_wiped_out_by_us() {
    let pruned = json!([{"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "main", "status": "OutOfSync", "requiresPruning": true}]);
    for (policy, is_begun) in [
        (json!({"prune": true}), false),
        (json!({"prune": true, "allowEmpty": true}), true),
        (json!({}), true),
    ] {
        let mut shop = shop(MISSING);
        serve(&mut shop);
        shop.app("cart")["status"]["resources"] = pruned.clone();
        shop.app("cart")["spec"]["syncPolicy"]["automated"] = policy.clone();
        assert_eq!(shop.syncs(300).len(), usize::from(is_begun), "{policy}");
        if !is_begun {
            assert_eq!(
                shop.decide(301).blockers("cart").last().unwrap(),
                "given up by Argo CD; all that it deploys would be deleted, which is not for a restore to do"
            );
        }
    }
}

#[test]
fn what_tries_before_the_run_have_done_is_not_known() {
    let retried = |platform: &mut Platform| {
        platform.app("cart")["status"]["operationState"]["retryCount"] = json!(1);
    };
    let mut before = shop(MISSING);
    serve(&mut before);
    retried(&mut before);
    assert!(before.syncs(300).is_empty());
    assert_eq!(
        before.decide(301).blockers("cart").last().unwrap(),
        "given up by Argo CD; its sync was tried more than once before this run looked, and may have run a hook, and is begun again only by word: `apps: {cart: {rerun-hooks: true, reason: …}}` in the runbook, or `argocd app sync cart`"
    );
    before.rerun_hooks("cart");
    assert_eq!(before.syncs(302).len(), 1);
    // Seen from its first try on.
    let mut during = shop(MISSING);
    serve(&mut during);
    during.app("cart")["status"]["operationState"]["phase"] = json!("Running");
    during.decide(19);
    retried(&mut during);
    during.app("cart")["status"]["operationState"]["phase"] = json!("Failed");
    assert_eq!(during.syncs(300).len(), 1);
}

#[test]
fn a_cause_that_cannot_be_watched_is_given_time() {
    let mut shop = shop("admission webhook \"w\" denied the request: not today");
    let begun: Vec<_> = (22..600).filter(|second| !shop.syncs_now(*second).is_empty()).collect();
    assert_eq!(begun, [50, 110, 230]);
}

#[test]
fn each_cause_is_watched_in_its_own_way() {
    let webhook = "failed calling webhook \"w\": Post \"https://hook.infra.svc:443/x\": connection refused";
    let mut shop = shop(webhook);
    assert!(shop.syncs(300).is_empty());
    shop.tree
        .ground
        .services
        .insert(("infra".to_owned(), "hook".to_owned()));
    assert_eq!(
        shop.syncs(301)[0].trigger,
        "Service infra/hook of a webhook is ready, for which its sync failed"
    );

    let mut shop = self::shop("namespaces \"late\" not found");
    assert!(shop.syncs(300).is_empty());
    shop.tree.ground.namespaces.insert("late".to_owned());
    assert_eq!(shop.syncs(301).len(), 1);
}

#[test]
fn what_is_wanted_is_looked_for_before_the_agent_gives_up() {
    let mut shop = shop(MISSING);
    shop.app("cart")["status"]["operationState"]["phase"] = json!("Running");
    let kind = ("shop.example.com".to_owned(), "Widget".to_owned());
    assert!(super::wanted(&shop.tree).kinds.contains(&kind));
    shop.app("cart")["spec"]["destination"]["server"] = json!("https://elsewhere");
    assert!(
        super::wanted(&shop.tree).kinds.is_empty(),
        "nothing is seen of another cluster"
    );
}

#[test]
fn a_parent_that_failed_with_its_child_is_synced_again_when_the_child_is_well() {
    let mut platform = Platform::new([ready("root", &["aisle"]), given_up("aisle", ""), ready("shelf", &[])]);
    platform.app("aisle")["status"]["operationState"]["syncResult"]["resources"] = json!([
        {"group": "argoproj.io", "kind": "Application", "namespace": "argocd", "name": "shelf", "status": "Synced", "hookPhase": "Failed"},
    ]);
    platform.app("shelf")["status"]["health"]["status"] = json!("Degraded");
    assert!(platform.syncs(300).is_empty());
    platform.app("shelf")["status"]["health"]["status"] = json!("Healthy");
    assert_eq!(
        platform.syncs(301)[0].trigger,
        "Application.argoproj.io argocd/shelf is Healthy, for which its sync failed"
    );
}

#[test]
fn an_object_that_was_degraded_is_watched_itself() {
    let mut shop = shop("");
    let id = ObjectRef::new("apps/v1", "Deployment", "shop", "web");
    shop.app("cart")["status"]["operationState"]["syncResult"]["resources"] = json!([
        {"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web", "status": "Synced", "hookPhase": "Failed"},
    ]);
    let live = |status| Live {
        health: Some(Health {
            status,
            message: String::new(),
        }),
        ..Live::default()
    };
    let kind = ("apps".to_owned(), "Deployment".to_owned());
    shop.tree.kinds.insert(kind.clone(), Sight::Watched);
    shop.tree.live.insert(id.clone(), live(Status::Degraded));
    assert!(shop.syncs(300).is_empty());
    shop.tree.live.insert(id, live(Status::Healthy));
    assert_eq!(shop.syncs(301).len(), 1);
}

#[test]
fn that_an_object_says_of_itself_that_it_is_well_is_not_the_agents_verdict() {
    let mut shop = shop("");
    shop.app("cart")["status"]["operationState"]["syncResult"]["resources"] = json!([
        {"group": "cert-manager.io", "kind": "Certificate", "namespace": "shop", "name": "web", "status": "Synced", "hookPhase": "Failed"},
    ]);
    let id = ObjectRef::new("cert-manager.io/v1", "Certificate", "shop", "web");
    let health = Some(Status::Healthy.into());
    shop.tree.live.insert(
        id,
        Live {
            health,
            ..Live::default()
        },
    );
    let begun = shop.syncs(300);
    assert_eq!(
        begun[0].trigger,
        "its sync was given up, and it cannot be seen whether what it failed for is gone"
    );
}

#[test]
fn a_sync_that_has_run_a_hook_is_begun_again_only_by_the_runbooks_word() {
    let hook = json!({"group": "batch", "kind": "Job", "namespace": "shop", "name": "migrate", "status": "Synced", "hookType": "PreSync", "hookPhase": "Succeeded"});
    let ran = |platform: &mut Platform| {
        let results = &mut platform.app("cart")["status"]["operationState"]["syncResult"]["resources"];
        results.as_array_mut().unwrap().push(hook.clone());
    };
    let mut refused = shop(MISSING);
    serve(&mut refused);
    ran(&mut refused);
    assert!(refused.syncs(300).is_empty());
    assert_eq!(
        refused.decide(301).blockers("cart").last().unwrap(),
        "given up by Argo CD; its sync has run the hook Job.batch shop/migrate, and is begun again only by word: `apps: {cart: {rerun-hooks: true, reason: …}}` in the runbook, or `argocd app sync cart`"
    );
    // The last try failed before the hook, and an earlier one had run it.
    let mut earlier = shop(MISSING);
    serve(&mut earlier);
    ran(&mut earlier);
    earlier.app("cart")["status"]["operationState"]["phase"] = json!("Running");
    earlier.decide(19);
    earlier.put(given_up("cart", MISSING));
    assert!(earlier.syncs(300).is_empty());
    // It is still there.
    let mut live = shop(MISSING);
    serve(&mut live);
    live.app("cart")["status"]["resources"] =
        json!([{"group": "batch", "kind": "Job", "namespace": "shop", "name": "migrate", "hook": true}]);
    assert!(live.syncs(300).is_empty());

    for platform in [&mut refused, &mut earlier, &mut live] {
        platform.rerun_hooks("cart");
        assert_eq!(platform.syncs(302).len(), 1);
    }
}

#[test]
fn a_hook_that_could_not_be_made_has_not_run() {
    let mut shop = shop(MISSING);
    serve(&mut shop);
    let results = &mut shop.app("cart")["status"]["operationState"]["syncResult"]["resources"];
    results.as_array_mut().unwrap().push(json!({"group": "batch", "kind": "Job", "name": "m", "status": "SyncFailed", "hookType": "PreSync", "hookPhase": "Failed", "message": "namespaces \"shop\" not found"}));
    shop.tree.ground.namespaces.insert("shop".to_owned());
    assert_eq!(shop.syncs(300).len(), 1);
}

#[test]
fn a_sync_of_chosen_resources_is_begun_again_as_one_and_runs_no_hooks() {
    let mut shop = shop(MISSING);
    serve(&mut shop);
    let chosen = json!([{"group": "shop.example.com", "kind": "Widget", "name": "one"}]);
    shop.app("cart")["status"]["operationState"]["operation"]["sync"]["resources"] = chosen.clone();
    shop.app("cart")["status"]["resources"] =
        json!([{"group": "batch", "kind": "Job", "name": "migrate", "hook": true}]);
    assert_eq!(shop.syncs(300)[0].operation["sync"]["resources"], chosen);
}

/// Each of these is a way in which somebody, or the agent, holds a sync back.
#[test]
fn nothing_is_begun_that_somebody_holds_back() {
    let edits: Vec<Edit> = vec![
        ("an operation", Box::new(|app| app["operation"] = json!({"sync": {}}))),
        (
            "a sync that runs",
            Box::new(|app| app["status"]["operationState"]["phase"] = json!("Running")),
        ),
        (
            "one that is stopped",
            Box::new(|app| app["status"]["operationState"]["phase"] = json!("Terminating")),
        ),
        (
            "no automated sync",
            Box::new(|app| app["spec"]["syncPolicy"]["automated"] = Value::Null),
        ),
        (
            "automated sync off",
            Box::new(|app| app["spec"]["syncPolicy"]["automated"]["enabled"] = json!(false)),
        ),
        (
            "skip-reconcile",
            Box::new(|app| app["metadata"]["annotations"] = json!({"argocd.argoproj.io/skip-reconcile": "true"})),
        ),
        (
            "a deletion",
            Box::new(|app| app["metadata"]["deletionTimestamp"] = json!(at(1))),
        ),
        (
            "a refresh",
            Box::new(|app| app["metadata"]["annotations"] = json!({"argocd.argoproj.io/refresh": "normal"})),
        ),
        (
            "no word of giving up",
            Box::new(|app| app["status"]["conditions"] = json!([])),
        ),
        (
            "not compared since",
            Box::new(|app| app["status"]["reconciledAt"] = json!(at(19))),
        ),
        (
            "not ended",
            Box::new(|app| app["status"]["operationState"]["finishedAt"] = Value::Null),
        ),
        (
            "unknown",
            Box::new(|app| app["status"]["sync"]["status"] = json!("Unknown")),
        ),
        (
            "another revision, Synced",
            Box::new(|app| {
                app["status"]["sync"]["status"] = json!("Synced");
                app["status"]["operationState"]["syncResult"]["revision"] = json!(OTHER);
            }),
        ),
    ];
    for (what, edit) in edits {
        let mut shop = shop(MISSING);
        serve(&mut shop);
        edit(shop.app("cart"));
        assert!(shop.syncs(300).is_empty(), "{what}");
    }
    let mut plain = shop(MISSING);
    serve(&mut plain);
    assert_eq!(plain.syncs(300).len(), 1, "without any of them it is begun");
}

#[test]
fn a_failed_sync_of_what_is_synced_is_begun_again_unless_a_window_of_its_project_is_closed() {
    // At 300 s it is 2027-01-15T08:05:00Z.
    for (schedule, begun) in [("0 8 * * *", 0), ("0 9 * * *", 1)] {
        let mut shop = shop(MISSING);
        serve(&mut shop);
        shop.app("cart")["status"]["sync"]["status"] = json!("Synced");
        let windows = json!([{"kind": "deny", "schedule": schedule, "duration": "30m", "applications": ["*"]}]);
        let project = json!({"metadata": {"name": "default"}, "spec": {"syncWindows": windows}});
        let id = ObjectRef::new("argoproj.io/v1alpha1", "AppProject", "argocd", "default");
        shop.tree.projects.insert(id, project);
        assert_eq!(shop.syncs(300).len(), begun, "{schedule}");
    }
}

#[test]
fn no_app_of_a_cluster_that_waits_for_an_approval_or_is_gone_is_ever_synced() {
    for state in [AwayState::Held, AwayState::Gone("cluster edge is absent".to_owned())] {
        let mut shop = shop("unknown");
        shop.app("cart")["spec"]["destination"] = json!({"server": "https://edge:6443", "namespace": "shop"});
        shop.rules.away = vec![Away {
            cluster: "edge".to_owned(),
            name: "edge".to_owned(),
            servers: vec!["https://edge:6443".to_owned()],
            state,
        }];
        for seconds in [22, 300, 3000] {
            assert!(shop.syncs(seconds).is_empty());
        }
        shop.rules.away.clear();
        assert_eq!(
            shop.syncs(3001).len(),
            1,
            "once it is connected it is an app like any other"
        );
    }
}

#[test]
fn an_app_of_a_set_that_rolls_out_step_by_step_is_left_to_its_set() {
    let mut shop = Platform::new([
        ready("root", &["set:teams"]),
        super::super::fixture::complete("teams", &["cart"]),
        owned_by(given_up("cart", MISSING), "teams"),
    ]);
    serve(&mut shop);
    shop.set("teams")["spec"]["strategy"] = json!({"type": "RollingSync"});
    assert!(shop.syncs(300).is_empty());
}

#[test]
fn an_ignored_app_is_left_alone() {
    let mut shop = shop(MISSING);
    serve(&mut shop);
    shop.ignore("cart");
    assert!(shop.syncs(300).is_empty());
    assert!(shop.tree.applications.contains_key(&app_id("cart")));
}
