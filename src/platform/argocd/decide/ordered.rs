//! The sync of an app that nobody but a person begins, where the runbook says so.
//!
//! Argo CD never syncs an app without automated sync by itself. On a new cluster such an app is not there at all, though it was
//! before the outage, so its people may order one sync of it: `apps: {NAME: {sync: true, reason: …}}`.

use super::closure;
use super::node::{Judged, View};
use super::{Action, Sync};
use crate::object::ObjectRef;
use crate::platform::argocd::application::Application;
use crate::platform::argocd::message::itself;
use crate::platform::argocd::operation::whole;

/// Why such a sync is begun.
const TRIGGER: &str = "OutOfSync without automated sync, and the runbook says `sync: true`";

impl View<'_> {
    /// Whether the runbook orders the sync of an app that is not synced by itself.
    pub(super) fn is_ordered(&self, id: &ObjectRef, app: Application<'_>) -> bool {
        !app.is_automated() && closure::policy(self.rules, id).is_some_and(|policy| policy.sync)
    }

    /// Whether the windows of its project let a person start the sync of an app now.
    pub(super) fn is_open_for_people(&self, app: Application<'_>) -> bool {
        self.closed(app).is_none_or(|closed| closed.lets_people)
    }

    /// Whether the sync that the runbook orders is still to be begun at the revision that the app was compared with.
    pub(super) fn awaits_order(&self, id: &ObjectRef, app: Application<'_>) -> bool {
        // What the API writes down is whole seconds.
        let is_begun = app.operation().is_some_and(|operation| {
            let started = operation.started_at();
            let is_of_this_run = started.is_some_and(|at| at.as_second() >= self.rules.first_started.as_second());
            is_of_this_run && operation.is_of_revision(app)
        });
        self.is_ordered(id, app) && !is_begun && self.memory.begun(id, &[order_of(app)]).0 == 0
    }

    /// Begins the sync of an app that nobody else begins, once for each of its revisions, where the runbook orders it; says how it
    /// could be ordered where it does not.
    ///
    /// It makes the agent apply all that the app holds, on the cluster that the app goes to: see
    /// [`perform`](crate::agent::argocd::perform) for what keeps it from a wrong one. One that is under way, was begun since the run
    /// began, or is held back by a set that rolls out step by step is left alone, and what people may not start now waits until the
    /// window opens.
    pub(super) fn order(
        &mut self,
        id: &ObjectRef,
        app: Application<'_>,
        object: &serde_json::Value,
        judged: &mut Judged,
    ) {
        let is_under_way = app.is_operation_asked()
            || app.operation().is_some_and(|operation| operation.phase() == "Running")
            || app.is_refresh_pending();
        let is_for_others = app.is_automated() || self.is_rolling(object) || app.is_skipped() || app.is_deleting();
        if app.sync() != "OutOfSync" || is_under_way || is_for_others || app.awaits_comparison() {
            return;
        }
        let name = &id.name;
        if !self.is_ordered(id, app) {
            judged.node.blocked_by.push(itself(format!(
                "begun only by word: `apps: {{{name}: {{sync: true, reason: …}}}}` in the runbook, or `argocd app sync {name}`"
            )));
            return;
        }
        if !self.awaits_order(id, app) {
            return;
        }
        if let Some(closed) = self.closed(app).filter(|closed| !closed.lets_people) {
            judged.node.blocked_by.push(itself(closed.reason));
            return;
        }
        judged.action = Some(self.begin_whole(id, app, order_of(app), TRIGGER));
    }

    /// Begins the one sync of all that an app holds that there is for a cause.
    pub(super) fn begin_whole(&mut self, id: &ObjectRef, app: Application<'_>, cause: String, trigger: &str) -> Action {
        self.memory.begin(id, vec![cause], self.now);
        Action::Sync(Sync {
            object: id.clone(),
            resource_version: app.resource_version().to_owned(),
            operation: whole(app, &self.rules.run, trigger),
            trigger: trigger.to_owned(),
            attempt: 1,
            bound: 1,
            is_again: false,
        })
    }
}

/// Names the sync that is ordered of an app: one for each of its revisions.
fn order_of(app: Application<'_>) -> String {
    format!("ordered at {}", app.revision().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::fixture::{COMMIT, OTHER, Platform, at, complete, owned_by, ready};
    use super::*;
    use crate::event::NodePhase::{Failing, Progressing};
    use crate::platform::argocd::decide::{Away, AwayState};

    /// An app that nobody has ever synced, and that is not synced by itself.
    fn manual() -> Value {
        let mut app = ready("cart", &[]);
        app["metadata"]["resourceVersion"] = json!("77");
        app["spec"]["syncPolicy"] = json!({"syncOptions": ["CreateNamespace=true"]});
        app["status"]["sync"]["status"] = json!("OutOfSync");
        app["status"]["health"]["status"] = json!("Missing");
        app["status"].as_object_mut().unwrap().remove("operationState");
        app
    }

    fn shop() -> Platform {
        Platform::new([ready("root", &["cart"]), manual()])
    }

    fn begun(shop: &mut Platform, seconds: i64) -> Vec<Sync> {
        let actions = shop.decide(seconds).actions.into_iter();
        let syncs = actions.filter_map(|action| match action {
            Action::Sync(sync) => Some(sync),
            Action::Refresh(_) | Action::RefreshSet(_) | Action::Create(_) => None,
        });
        syncs.collect()
    }

    fn ended(phase: &str, started: i64) -> Value {
        json!({
            "phase": phase, "startedAt": at(started), "finishedAt": at(started + 2), "message": "no",
            "operation": {"sync": {"revision": COMMIT}}, "syncResult": {"revision": COMMIT},
        })
    }

    #[test]
    fn an_app_without_automated_sync_is_synced_once_where_the_runbook_orders_it() {
        let mut shop = shop();
        shop.order_sync("cart");
        let syncs = begun(&mut shop, 6);
        let [sync] = &syncs[..] else { panic!("{syncs:?}") };
        assert_eq!((sync.attempt, sync.bound, sync.is_again), (1, 1, false));
        assert_eq!(sync.resource_version, "77");
        assert_eq!(
            sync.operation,
            json!({
                "initiatedBy": {"username": "gitops-dr", "automated": false},
                "info": [{"name": "Reason", "value": format!("gitops-dr run 01J: {TRIGGER}")}],
                "retry": {"limit": 5},
                "sync": {"prune": false, "revision": COMMIT, "syncOptions": ["CreateNamespace=true"]},
            })
        );
        assert_eq!(begun(&mut shop, 7), [], "the answer is not there yet");
        shop.app("cart")["status"]["operationState"] = ended("Succeeded", 8);
        shop.app("cart")["status"]["reconciledAt"] = json!(at(11));
        assert_eq!(
            begun(&mut shop, 300),
            [],
            "what was synced and is OutOfSync still is a matter for people"
        );

        shop.app("cart")["status"]["sync"]["revision"] = json!(OTHER);
        shop.rules.revisions.clear();
        assert_eq!(begun(&mut shop, 301).len(), 1, "another revision is another sync");
    }

    #[test]
    fn without_an_order_it_is_left_alone_and_how_to_give_one_is_said() {
        let mut shop = shop();
        let decision = shop.decide(6);
        assert_eq!(
            (decision.actions.len(), decision.phases()[1]),
            (0, ("cart", Progressing))
        );
        let said = decision.blockers("cart").join("\n");
        for words in ["no automated sync", "apps: {cart: {sync: true, reason: …}}"] {
            assert!(said.contains(words), "{said}");
        }
    }

    #[test]
    fn an_ordered_sync_waits_for_a_window_that_people_may_not_pass() {
        for (lets_people, count) in [(true, 1), (false, 0)] {
            let mut shop = shop();
            shop.order_sync("cart");
            let window = json!({
                "kind": "deny", "schedule": "* * * * *", "duration": "24h", "applications": ["*"], "manualSync": lets_people,
            });
            let id = ObjectRef::new("argoproj.io/v1alpha1", "AppProject", "argocd", "default");
            let project = json!({"metadata": {"name": "default"}, "spec": {"syncWindows": [window]}});
            shop.tree.projects.insert(id.clone(), project);
            assert_eq!(begun(&mut shop, 6).len(), count);
            if !lets_people {
                let said = shop.decide(7).blockers("cart").join("\n");
                assert!(said.contains("deny `* * * * *` for 24h"), "{said}");
                shop.tree.projects.remove(&id);
                assert_eq!(begun(&mut shop, 8).len(), 1);
            }
        }
    }

    #[test]
    fn what_was_begun_in_this_run_is_not_begun_again_by_whoever_goes_on_with_it() {
        let mut before = shop();
        before.order_sync("cart");
        before.app("cart")["status"]["operationState"] = ended("Succeeded", -60);
        assert_eq!(begun(&mut before, 6).len(), 1, "that was another life");
        let mut since = shop();
        since.order_sync("cart");
        since.app("cart")["status"]["operationState"] = ended("Succeeded", 1);
        assert_eq!(begun(&mut since, 6), []);
        // Whoever goes on with the run began later than the sync.
        let mut resumed = shop();
        resumed.order_sync("cart");
        resumed.app("cart")["status"]["operationState"] = ended("Succeeded", -60);
        resumed.rules.first_started = at(-90).parse().unwrap();
        assert_eq!(begun(&mut resumed, 6), []);
    }

    #[test]
    fn an_ordered_sync_that_failed_is_begun_again_as_any_other_once_its_cause_is_gone() {
        let mut shop = shop();
        shop.order_sync("cart");
        let mut failed = ended("Failed", 1);
        failed["message"] = json!("namespaces \"shop\" not found");
        shop.app("cart")["status"]["operationState"] = failed;
        let waiting = shop.decide(6);
        assert_eq!((waiting.actions.len(), waiting.phases()[1]), (0, ("cart", Failing)));
        assert!(
            waiting
                .blockers("cart")
                .join("\n")
                .contains("begun again once Namespace shop is there")
        );
        shop.tree.ground.namespaces.insert("shop".to_owned());
        assert_eq!(begun(&mut shop, 7), []);
        let syncs = begun(&mut shop, 9);
        assert!(syncs.len() == 1 && syncs[0].is_again, "{syncs:?}");
        assert_eq!(syncs[0].operation["initiatedBy"]["automated"], false);
    }

    #[test]
    fn nothing_is_ordered_over_what_is_under_way_or_held_back_by_others() {
        type Edit = (&'static str, fn(&mut Platform));
        let edits: [Edit; 8] = [
            ("an operation", |shop| {
                shop.app("cart")["operation"] = json!({"sync": {}});
            }),
            ("one that runs", |shop| {
                shop.app("cart")["status"]["operationState"] = json!({"phase": "Running", "startedAt": at(1)});
            }),
            ("a refresh", |shop| {
                shop.app("cart")["metadata"]["annotations"] = json!({"argocd.argoproj.io/refresh": "normal"});
            }),
            ("left alone", |shop| {
                shop.app("cart")["metadata"]["annotations"] = json!({"argocd.argoproj.io/skip-reconcile": "true"});
            }),
            ("deleted", |shop| {
                shop.app("cart")["metadata"]["deletionTimestamp"] = json!(at(1));
            }),
            ("Synced", |shop| {
                shop.app("cart")["status"]["sync"]["status"] = json!("Synced");
            }),
            ("absent", |shop| {
                shop.app("cart")["spec"]["destination"] = json!({"name": "edge"});
                shop.rules.away = vec![Away {
                    cluster: "edge".to_owned(),
                    name: "edge".to_owned(),
                    servers: Vec::new(),
                    state: AwayState::Held,
                }];
            }),
            ("rolled out by its set", |shop| {
                let mut set = complete("teams", &["cart"]);
                set["spec"]["strategy"] = json!({"type": "RollingSync"});
                shop.put(set);
                shop.put(owned_by(manual(), "teams"));
            }),
        ];
        for (what, edit) in edits {
            let mut shop = shop();
            shop.order_sync("cart");
            edit(&mut shop);
            for seconds in [6, 300] {
                assert_eq!(begun(&mut shop, seconds), [], "{what}");
            }
        }
    }
}
