//! An app whose project has changed since the agent last compared it: what held it back, such as a sync window or a project that was
//! not there, may be gone.
//!
//! Seen on 3.2.11: an app that came before its project is `InvalidSpecError`, and one whose window is taken out of Git stays
//! `OutOfSync`, until the agent's resync after three minutes.

use std::time::Duration;

use super::node::View;
use super::refresh::Due;
use crate::platform::argocd::application::Application;

impl View<'_> {
    /// Returns the refresh of an app that its project held back before it changed.
    pub(super) fn freed(&self, app: Application<'_>) -> Option<Due> {
        let changed = self.memory.project_changed(app.project())?;
        let is_under_way = app.is_operation_asked() || app.operation().is_some_and(|state| state.phase() == "Running");
        let is_held = app.sync() == "OutOfSync" && app.is_automated() && !is_under_way;
        let is_refused = app.conditions().any(|(kind, _)| kind == "InvalidSpecError");
        // What the API writes down is whole seconds: what happened in the same one may have come after it.
        let is_older = app.reconciled_at()?.as_second() <= changed.as_second();
        ((is_held || is_refused) && is_older).then(|| Due {
            trigger: format!("project `{}` has changed since it was last compared", app.project()),
            after: Duration::ZERO,
            is_hard: false,
            in_turn: true,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::fixture::{Platform, at, ready};
    use crate::object::ObjectRef;

    fn put(shop: &mut Platform, windows: &Value) {
        let id = ObjectRef::new("argoproj.io/v1alpha1", "AppProject", "argocd", "default");
        let project = json!({"metadata": {"name": "default"}, "spec": {"syncWindows": windows}});
        shop.tree.projects.insert(id, project);
    }

    /// An app that a closed window holds back.
    fn held() -> Platform {
        let mut cart = ready("cart", &[]);
        cart["status"]["sync"]["status"] = json!("OutOfSync");
        cart["status"].as_object_mut().unwrap().remove("operationState");
        let mut shop = Platform::new([ready("root", &["cart"]), cart]);
        put(
            &mut shop,
            &json!([{"kind": "deny", "schedule": "* * * * *", "duration": "24h", "applications": ["*"]}]),
        );
        shop
    }

    #[test]
    fn an_app_that_its_project_holds_back_is_looked_at_again_when_the_project_has_changed() {
        let mut shop = held();
        assert_eq!(shop.decide(6).refreshes(), [], "nothing has changed yet");
        put(&mut shop, &json!([]));
        assert_eq!(shop.decide(7).refreshes(), [("cart", 1)]);
        shop.app("cart")["status"]["reconciledAt"] = json!(at(9));
        for seconds in [10, 60, 300] {
            assert_eq!(shop.decide(seconds).refreshes(), [], "it was answered");
        }
    }

    #[test]
    fn an_app_that_came_before_its_project_is_looked_at_again_as_soon_as_that_is_there() {
        let mut shop = held();
        shop.tree.projects.clear();
        shop.app("cart")["status"]["conditions"] =
            json!([{"type": "InvalidSpecError", "message": "no project", "lastTransitionTime": at(5)}]);
        assert_eq!(shop.decide(6).refreshes(), [], "a failed comparison is given its time");
        put(&mut shop, &json!([]));
        assert_eq!(shop.decide(7).refreshes(), [("cart", 1)]);
    }

    #[test]
    fn what_is_synced_or_waits_for_a_person_or_runs_is_not_looked_at_for_that() {
        type Edit = (&'static str, fn(&mut Value));
        let edits: [Edit; 3] = [
            ("Synced", |app| app["status"]["sync"]["status"] = json!("Synced")),
            ("no automated sync", |app| app["spec"]["syncPolicy"] = json!({})),
            ("it runs", |app| {
                app["status"]["operationState"] = json!({"phase": "Running", "startedAt": at(4)});
            }),
        ];
        for (what, edit) in edits {
            let mut shop = held();
            edit(shop.app("cart"));
            shop.decide(6);
            put(&mut shop, &json!([]));
            assert_eq!(shop.decide(7).refreshes(), [], "{what}");
        }
    }
}
