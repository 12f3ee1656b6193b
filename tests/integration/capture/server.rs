//! Argo CD's own API, as its users call it.

use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::api::Api;
use kube::runtime::wait::await_condition;
use serde_json::{Value, json};
use testbed::Bed;

/// The API of one Argo CD.
pub(super) struct Server {
    address: String,
    client: reqwest::Client,
}

impl Server {
    /// Waits until it serves.
    pub(super) async fn of(bed: &Bed) -> Self {
        let deployments: Api<k8s_openapi::api::apps::v1::Deployment> = Api::namespaced(bed.admin(), "argocd");
        let serves = |deployment: Option<&k8s_openapi::api::apps::v1::Deployment>| {
            deployment
                .and_then(|deployment| deployment.status.as_ref()?.ready_replicas)
                .unwrap_or_default()
                > 0
        };
        let ready = await_condition(deployments, "argocd-server", serves);
        tokio::time::timeout(Duration::from_mins(3), ready)
            .await
            .unwrap()
            .unwrap();
        let address = bed.host_node().address_of("argocd", "argocd-server").unwrap();
        let client = reqwest::Client::builder()
            .danger_accept_invalid_certs(true)
            .build()
            .unwrap();
        Self {
            address: format!("https://{address}/api/v1"),
            client,
        }
    }

    /// Logs the first administrator in.
    pub(super) async fn session(&self, bed: &Bed) -> String {
        let secrets: Api<Secret> = Api::namespaced(bed.admin(), "argocd");
        let initial = secrets.get("argocd-initial-admin-secret").await.unwrap();
        let password = String::from_utf8(initial.data.unwrap()["password"].0.clone()).unwrap();
        let login = json!({"username": "admin", "password": password});
        let answer = self.post("session", "", &login).await;
        answer["token"]
            .as_str()
            .unwrap_or_else(|| panic!("{answer:#}"))
            .to_owned()
    }

    /// Makes a token for programs.
    pub(super) async fn token(&self, session: &str, account: &str) -> String {
        let answer = self
            .post(&format!("account/{account}/token"), session, &json!({}))
            .await;
        answer["token"]
            .as_str()
            .unwrap_or_else(|| panic!("{answer:#}"))
            .to_owned()
    }

    /// Returns who a token stands for; nothing where it stands for nobody.
    pub(super) async fn who(&self, token: &str) -> Option<String> {
        let request = self
            .client
            .get(format!("{}/session/userinfo", self.address))
            .bearer_auth(token);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        let is_known = answer["loggedIn"] == json!(true);
        is_known.then(|| answer["username"].as_str().unwrap_or_default().to_owned())
    }

    async fn post(&self, path: &str, token: &str, body: &Value) -> Value {
        let mut request = self.client.post(format!("{}/{path}", self.address)).json(body);
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        request.send().await.unwrap().json().await.unwrap()
    }
}
