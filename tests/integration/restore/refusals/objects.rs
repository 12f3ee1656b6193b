//! Objects that somebody else puts on the cluster, and takes away again.

use std::time::Duration;

use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::discovery::ApiResource;
use serde_json::{Value, json};

pub(super) async fn put(client: &kube::Client, object: &Value) {
    let (api, name) = api(client, object);
    api.patch(&name, &PatchParams::apply("somebody-else"), &Patch::Apply(object))
        .await
        .unwrap();
}

pub(super) async fn remove(client: &kube::Client, object: &Value) {
    let (api, name) = api(client, object);
    api.delete(&name, &DeleteParams::foreground()).await.unwrap();
    let gone = kube::runtime::wait::await_condition(api, &name, |object: Option<&DynamicObject>| object.is_none());
    tokio::time::timeout(Duration::from_mins(1), gone)
        .await
        .unwrap()
        .unwrap();
}

pub(super) fn api(client: &kube::Client, object: &Value) -> (Api<DynamicObject>, String) {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (group, version) = text("/apiVersion").split_once('/').unwrap_or(("", text("/apiVersion")));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, text("/kind")));
    let api = match text("/metadata/namespace") {
        "" => Api::all_with(client.clone(), &resource),
        namespace => Api::namespaced_with(client.clone(), namespace, &resource),
    };
    (api, text("/metadata/name").to_owned())
}

/// Returns a CRD that takes whatever is given.
pub(super) fn definition(group: &str, kind: &str, version: &str) -> Value {
    let singular = kind.to_lowercase();
    let plural = format!("{singular}s");
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {
            "group": group, "scope": "Namespaced", "names": {"kind": kind, "plural": plural, "singular": singular},
            "versions": [{"name": version, "served": true, "storage": true, "schema": {
                "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            }}],
        },
    })
}

/// Puts a CRD there and waits until its kind is served.
pub(super) async fn define(client: &kube::Client, crd: &Value) {
    put(client, crd).await;
    let (api, name) = api(client, crd);
    let established = kube::runtime::wait::await_condition(api, &name, |crd: Option<&DynamicObject>| {
        let conditions = crd.and_then(|crd| crd.data.pointer("/status/conditions")?.as_array());
        conditions.is_some_and(|all| {
            all.iter()
                .any(|one| one["type"] == "Established" && one["status"] == "True")
        })
    });
    tokio::time::timeout(Duration::from_mins(1), established)
        .await
        .unwrap()
        .unwrap();
}
