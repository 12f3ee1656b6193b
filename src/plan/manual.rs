//! Apps that nothing syncs: a restore would wait for them until somebody does.

use serde_json::Value;

use crate::graph::Platform;
use crate::object::ObjectRef;
use crate::platform::argocd::application::Application;
use crate::runbook::Runbook;

/// Returns the apps without automated sync of which the runbook neither orders a sync nor says that they are left out.
pub fn manual(platform: &Platform, runbook: &Runbook) -> Vec<ObjectRef> {
    let is_answered = |id: &ObjectRef| {
        let policy = runbook
            .apps
            .get(&format!("{}/{}", id.namespace, id.name))
            .or_else(|| runbook.apps.get(&id.name));
        policy.is_some_and(|policy| policy.sync || policy.ignore)
    };
    let is_manual = |value: &Value| !Application::new(value).is_automated();
    let apps = platform.apps.iter().filter(|app| {
        let object = app.object.as_ref().map(|object| object.manifest.value());
        (app.id.group.as_str(), app.id.kind.as_str()) == ("argoproj.io", "Application")
            && object.is_some_and(is_manual)
            && !is_answered(&app.id)
    });
    apps.map(|app| app.id.clone()).collect()
}

/// Says it of an app, with what a runbook would say of it.
pub(super) fn words(app: &ObjectRef) -> String {
    let name = &app.name;
    format!(
        "{app} has no automated sync, and is waited for until somebody syncs it: `apps: {{{name}: {{sync: true, reason: …}}}}` in the runbook orders one sync, `ignore: true` leaves it out"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::fixture_shop::shop;
    use crate::graph::{Contents, Sourced};
    use crate::object::Manifest;

    #[test]
    fn an_app_without_automated_sync_is_named_unless_the_runbook_orders_or_ignores_it() {
        let mut platform = shop().platform;
        for app in &mut platform.apps {
            let Some(Sourced { manifest, .. }) = &mut app.object else {
                continue;
            };
            if app.id.name != "vault" && app.id.name != "eso" {
                let mut value = manifest.value().clone();
                value["spec"]["syncPolicy"]["automated"] = serde_json::json!({});
                *manifest = Manifest::new(value, manifest.origin().clone()).unwrap();
            }
            app.contents = Contents::Known(Vec::new());
        }
        for (policies, expected) in [
            ("{}", vec!["vault", "eso"]),
            ("{vault: {sync: true, reason: once}}", vec!["eso"]),
            ("{argocd/vault: {ignore: true, reason: dead}}", vec!["eso"]),
            ("{vault: {allow: [Suspended], reason: known}}", vec!["vault", "eso"]),
        ] {
            let text = format!(
                "apiVersion: gitops-dr/v1\nkind: Runbook\nname: shop\ntarget: {{context: new}}\n\
                 sources:\n  platform: {{git: \"https://git.example.com/p.git\", revision: main}}\n\
                 agent: {{argocd: {{from: {{source: platform, path: argocd}}}}}}\n\
                 roots:\n  - {{id: apps, source: platform, path: apps}}\napps: {policies}\n"
            );
            let (runbook, findings) = crate::runbook::parse("shop.yaml", &text);
            let runbook = runbook.unwrap_or_else(|| panic!("{findings:?}"));
            let found = manual(&platform, &runbook);
            let names: Vec<&str> = found.iter().map(|app| app.name.as_str()).collect();
            assert_eq!(names, expected, "{policies}");
        }
        let said = words(&ObjectRef::new(
            "argoproj.io/v1alpha1",
            "Application",
            "argocd",
            "vault",
        ));
        assert!(said.contains("`apps: {vault: {sync: true, reason: …}}`"), "{said}");
    }
}
