//! What happens beside a restore, whoever restores: what is late comes when something has failed or waits for it.

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, DynamicObject, ListParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::wait::await_condition;
use serde_json::Value;
use testbed::Webhook;

use super::super::scene::Scene;
use super::super::waiting;

/// Returns the Applications of all namespaces.
pub(super) fn applications(scene: &Scene, namespace: &str) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("argoproj.io", "v1alpha1", "Application");
    Api::namespaced_with(scene.outage.bed.admin(), namespace, &ApiResource::from_gvk(&kind))
}

/// Waits until an app of the agent's namespace is as wanted.
async fn is_so(scene: &Scene, name: &str, wanted: impl Fn(&Value) -> bool) {
    let is_so = |app: Option<&DynamicObject>| app.is_some_and(|app| wanted(&app.data["status"]));
    // Before the agent's CRDs are there, there is nothing to watch.
    while await_condition(applications(scene, "argocd"), name, is_so)
        .await
        .is_err()
    {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
}

/// Waits until the sync of an app waits for the health of something.
async fn waits(scene: &Scene, name: &str) {
    let says = |status: &Value| {
        status["operationState"]["message"]
            .to_string()
            .contains("waiting for healthy state")
    };
    is_so(scene, name, says).await;
}

/// Waits until the agent has given up the sync of an app.
async fn given_up(scene: &Scene, name: &str) {
    let says = |status: &Value| status["conditions"].to_string().contains("Failed last sync attempt");
    is_so(scene, name, says).await;
}

/// Goes on beside a restore until all that is late has come.
pub(super) async fn turns(scene: &Scene, webhook: &mut Webhook) {
    let kinds = async {
        tokio::join!(given_up(scene, "widget"), waits(scene, "kinds"));
        waiting::let_go(scene, "kinds").await;
    };
    let shelf = async {
        is_so(scene, "aisle", |status| status["operationState"]["phase"] == "Failed").await;
        waiting::let_go(scene, "shelf").await;
    };
    let bazaar = async {
        waits(scene, "bazaar").await;
        is_so(scene, "cart", |status| status["health"]["status"] == "Healthy").await;
        waiting::let_go(scene, "bazaar").await;
    };
    let webhook = async {
        given_up(scene, "stamp").await;
        webhook.serve().await.unwrap();
    };
    tokio::join!(kinds, shelf, bazaar, webhook);
}

/// Returns what the agent says of each app, `argocd/cart: Synced Healthy`, sorted.
pub(super) async fn verdicts(scene: &Scene) -> Vec<String> {
    let namespaces: Api<Namespace> = Api::all(scene.outage.bed.admin());
    let mut all = Vec::new();
    for namespace in ["argocd", "teams"] {
        if namespaces.get_opt(namespace).await.unwrap().is_none() {
            continue;
        }
        for app in applications(scene, namespace)
            .list(&ListParams::default())
            .await
            .unwrap()
        {
            let word = |pointer: &str| {
                let word = app.data.pointer(pointer).and_then(Value::as_str);
                word.unwrap_or("none").to_owned()
            };
            all.push(format!(
                "{namespace}/{}: {} {}",
                app.metadata.name.as_deref().unwrap_or_default(),
                word("/status/sync/status"),
                word("/status/health/status")
            ));
        }
    }
    all.sort();
    all
}
