//! Apps that wait until a test lets them go, and a set of apps.

use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, PostParams};
use serde_json::json;

use super::scene::Scene;

/// Returns a Deployment of a program that really runs on the bed's host node, as soon as its Secret is there.
pub(super) fn deployment(name: &str) -> String {
    format!(
        r"
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers:
        - {{name: main, image: 'redis:7', env: [{{name: WORD, valueFrom: {{secretKeyRef: {{name: late, key: word}}}}}}]}}
"
    )
}

/// Gives the Deployment in a namespace what it waits for.
pub(super) async fn let_go(scene: &Scene, namespace: &str) {
    let secrets: Api<Secret> = Api::namespaced(scene.outage.bed.admin(), namespace);
    let secret = serde_json::from_value(json!({"metadata": {"name": "late"}, "stringData": {"word": "here"}}));
    secrets.create(&PostParams::default(), &secret.unwrap()).await.unwrap();
}

/// Returns an ApplicationSet of the apps that are named.
pub(super) fn set(names: &str) -> String {
    format!(
        r#"
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {{name: shards, namespace: argocd}}
spec:
  goTemplate: true
  generators:
    - list: {{elements: [{names}]}}
  template:
    metadata: {{name: "shard-{{{{.name}}}}"}}
    spec:
      project: default
      source: {{repoURL: "https://git.example.com/shop/platform.git", targetRevision: main, path: "shard-{{{{.name}}}}"}}
      destination: {{server: "https://kubernetes.default.svc", namespace: "shard-{{{{.name}}}}"}}
      syncPolicy:
        automated: {{prune: true, selfHeal: true}}
        syncOptions: [CreateNamespace=true]
"#
    )
}
