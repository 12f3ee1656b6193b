//! The two sides: what was planned, and what the agent says that it manages.

use std::collections::{BTreeMap, BTreeSet};

use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use kube::core::GroupVersionKind;
use kube::discovery::{Discovery, Scope};
use serde_json::Value;
use testbed::Bed;

/// An object of an app.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Thing {
    group: String,
    kind: String,
    namespace: String,
    name: String,
    hook: bool,
}

/// The objects of each app, by the app's name.
pub(super) type Apps = BTreeMap<String, BTreeSet<Thing>>;

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

/// Which kinds have no namespace.
async fn cluster_wide(bed: &Bed) -> BTreeSet<(String, String)> {
    let discovery = Discovery::new(bed.admin()).run().await.unwrap();
    let all = discovery
        .groups()
        .flat_map(kube::discovery::ApiGroup::recommended_resources);
    all.filter(|(_, capabilities)| capabilities.scope == Scope::Cluster)
        .map(|(resource, _)| (resource.group, resource.kind))
        .collect()
}

/// Returns the planned objects of the Applications. What is namespaced and names no namespace goes where its app goes.
pub(super) async fn planned(bed: &Bed, plan: &Value) -> Apps {
    let cluster_wide = cluster_wide(bed).await;
    let apps = plan["apps"].as_array().unwrap().iter();
    let applications = apps.filter(|app| app["app"]["kind"] == "Application");
    applications
        .map(|app| {
            assert_eq!(app["unknown"], Value::Null, "{app}");
            let things = app["objects"].as_array().unwrap().iter().map(|object| {
                let id = &object["object"];
                let (group, kind) = (text(id, "group"), text(id, "kind"));
                let namespace = match text(id, "namespace") {
                    _ if cluster_wide.contains(&(group.clone(), kind.clone())) => String::new(),
                    none if none.is_empty() => text(app, "namespace"),
                    written => written,
                };
                Thing {
                    group,
                    kind,
                    namespace,
                    name: text(id, "name"),
                    hook: object["hook"] == true,
                }
            });
            (text(&app["app"], "name"), things.collect())
        })
        .collect()
}

/// Returns what the agent manages for each Application: its resources, and the hooks that its last sync ran.
pub(super) async fn deployed(bed: &Bed) -> Apps {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("argoproj.io", "v1alpha1", "Application"));
    let applications: Api<DynamicObject> = Api::namespaced_with(bed.admin(), "argocd", &resource);
    let mut apps = Apps::new();
    for app in applications.list(&ListParams::default()).await.unwrap() {
        let status = &app.data["status"];
        let items = |pointer: &str| {
            status
                .pointer(pointer)
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default()
        };
        let thing = |entry: &Value, hook: bool| Thing {
            group: text(entry, "group"),
            kind: text(entry, "kind"),
            namespace: text(entry, "namespace"),
            name: text(entry, "name"),
            hook,
        };
        let managed = items("/resources")
            .into_iter()
            .map(|entry| thing(&entry, entry["hook"] == true));
        let synced = items("/operationState/syncResult/resources");
        let hooks = synced
            .iter()
            .filter(|entry| !text(entry, "hookType").is_empty())
            .map(|entry| thing(entry, true));
        apps.insert(app.metadata.name.clone().unwrap(), managed.chain(hooks).collect());
    }
    apps
}

/// Holds both against each other, app by app.
pub(super) fn same(planned: &Apps, deployed: &Apps) {
    let names = |apps: &Apps| apps.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(planned), names(deployed));
    for (name, things) in planned {
        let only_planned: Vec<_> = things.difference(&deployed[name]).collect();
        let only_deployed: Vec<_> = deployed[name].difference(things).collect();
        assert!(
            only_planned.is_empty() && only_deployed.is_empty(),
            "{name}: only planned {only_planned:#?}, only deployed {only_deployed:#?}"
        );
    }
}
