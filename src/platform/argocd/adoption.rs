//! Whether an Application has taken over an object that was applied before Argo CD was there. Pure: live objects in.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::object::ObjectRef;

/// The field manager of Argo CD's syncs, by client-side and by server-side apply
/// (gitops-engine, `pkg/utils/kube/resource_ops.go`; `common.ArgoCDSSAManager`).
const MANAGER: &str = "argocd-controller";

/// Names the app that an object belongs to, as `app:group/kind:namespace/name` (`util/argo/resource_tracking.go`).
const TRACKING_ID: &str = "argocd.argoproj.io/tracking-id";

/// The same by label, the default before Argo CD 3.0.
const INSTANCE: &str = "app.kubernetes.io/instance";

/// Returns what the Applications deploy and find to be as Git has it, each with the names of its apps as an object's
/// tracking mark writes them.
pub fn managed<'app>(applications: impl IntoIterator<Item = &'app Value>) -> BTreeMap<ObjectRef, BTreeSet<String>> {
    let mut managed: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for app in applications {
        let text = |pointer: &str| app.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name"));
        for resource in app["status"]["resources"].as_array().into_iter().flatten() {
            let part = |field: &str| resource[field].as_str().unwrap_or_default();
            // A hook runs and goes; what is OutOfSync may not have been applied yet.
            if part("status") != "Synced" || resource["hook"] == true {
                continue;
            }
            let id = ObjectRef {
                group: part("group").to_owned(),
                version: part("version").to_owned(),
                kind: part("kind").to_owned(),
                namespace: part("namespace").to_owned(),
                name: part("name").to_owned(),
            };
            // An app outside the agent's own namespace is named with its namespace.
            managed
                .entry(id)
                .or_default()
                .extend([name.to_owned(), format!("{namespace}_{name}")]);
        }
    }
    managed
}

/// Whether one of these apps, and not one of the same name for another cluster, has applied this very object.
pub fn has_taken_over(live: &Value, apps: &BTreeSet<String>) -> bool {
    let metadata = &live["metadata"];
    let marked = match metadata["annotations"][TRACKING_ID].as_str() {
        Some(id) => id.split(':').next(),
        None => metadata["labels"][INSTANCE].as_str(),
    };
    let applied = metadata["managedFields"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|entry| entry["manager"] == MANAGER);
    // Argo CD marks no CRD (`reposerver/repository/repository.go`, `GenerateManifests`): that an app names it has to do.
    applied && (live["kind"] == "CustomResourceDefinition" || marked.is_some_and(|app| apps.contains(app)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn redis() -> ObjectRef {
        ObjectRef::new("apps/v1", "Deployment", "argocd", "redis")
    }

    fn app(namespace: &str, name: &str, status: &str, hook: bool) -> Value {
        let mut resource = json!({
            "group": "apps", "version": "v1", "kind": "Deployment", "namespace": "argocd", "name": "redis", "status": status,
        });
        if hook {
            resource["hook"] = json!(true);
        }
        json!({"metadata": {"namespace": namespace, "name": name}, "status": {"resources": [resource]}})
    }

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn what_an_app_deploys_and_has_synced_is_managed() {
        let synced = managed([&app("argocd", "self", "Synced", false)]);
        assert_eq!(synced[&redis()], names(&["self", "argocd_self"]));
        for other in [
            app("argocd", "self", "OutOfSync", false),
            app("argocd", "self", "Synced", true),
            json!({"metadata": {"name": "new"}}),
        ] {
            assert_eq!(managed([&other]), BTreeMap::new(), "{other}");
        }
        let two = managed([&app("argocd", "a", "Synced", false), &app("b", "c", "Synced", false)]);
        assert_eq!(two[&redis()], names(&["a", "argocd_a", "c", "b_c"]));
    }

    #[test]
    fn an_app_has_taken_over_what_bears_its_mark_and_was_applied_by_argo_cd() {
        let live = |mark: &Value, manager: &str| json!({"metadata": {"annotations": mark["annotations"], "labels": mark["labels"], "managedFields": [{"manager": "gitops-dr"}, {"manager": manager}]}});
        let tracked = json!({"annotations": {TRACKING_ID: "self:apps/Deployment:argocd/redis"}});
        let labelled = json!({"labels": {INSTANCE: "self"}});
        let both =
            json!({"annotations": {TRACKING_ID: "other:apps/Deployment:argocd/redis"}, "labels": {INSTANCE: "self"}});
        for (mark, manager, expected) in [
            (&tracked, MANAGER, true),
            (&labelled, MANAGER, true),
            // A chart sets the label for itself; the annotation is Argo CD's own.
            (&both, MANAGER, false),
            (&tracked, "kubectl", false),
            (&json!({}), MANAGER, false),
        ] {
            assert_eq!(
                has_taken_over(&live(mark, manager), &names(&["self", "argocd_self"])),
                expected,
                "{mark} {manager}"
            );
        }
    }

    #[test]
    fn a_definition_needs_no_mark_but_that_the_agent_has_applied_it() {
        for (manager, expected) in [(MANAGER, true), ("gitops-dr", false)] {
            let live =
                json!({"kind": "CustomResourceDefinition", "metadata": {"managedFields": [{"manager": manager}]}});
            assert_eq!(has_taken_over(&live, &names(&["crds"])), expected, "{manager}");
        }
    }
}
