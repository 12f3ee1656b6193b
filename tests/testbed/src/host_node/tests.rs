//! Argo CD on the host node: it works when all is there, and does not when something was forgotten.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{Namespace, Pod, Secret};
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::discovery::{Scope, pinned_kind};
use kube::{Client, ResourceExt};
use serde_json::json;

use crate::{Bed, BedOptions, GitServer, GitServerOptions, Programs};

const DEPLOYMENT: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "nginx:1"}]}}
"#;

fn applications(client: Client) -> Api<DynamicObject> {
    let gvk = GroupVersionKind::gvk("argoproj.io", "v1alpha1", "Application");
    Api::namespaced_with(client, "argocd", &ApiResource::from_gvk(&gvk))
}

/// Applies the documents of `text`, CRDs first, as `kubectl apply --server-side -n argocd` would.
async fn apply(client: &Client, text: &str) {
    let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple(text).unwrap();
    for document in documents {
        let object: DynamicObject = serde_json::from_value(document).unwrap();
        let types = object.types.clone().unwrap();
        let gvk = GroupVersionKind::try_from(&types).unwrap();
        let mut found = pinned_kind(client, &gvk).await;
        // A definition just created is served a moment later.
        while found.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
            found = pinned_kind(client, &gvk).await;
        }
        let (resource, capabilities) = found.unwrap();
        let api: Api<DynamicObject> = match capabilities.scope {
            Scope::Cluster => Api::all_with(client.clone(), &resource),
            Scope::Namespaced => Api::namespaced_with(client.clone(), "argocd", &resource),
        };
        let params = PatchParams::apply("test").force();
        api.patch(&object.name_any(), &params, &Patch::Apply(&object))
            .await
            .unwrap();
    }
}

/// A bed with what a restore creates for Argo CD, and the credentials of `git`.
async fn bed_with_argocd() -> Bed {
    let bed = Bed::start(BedOptions::default()).await.unwrap();
    let client = bed.client();
    let namespace = serde_json::from_value(json!({"metadata": {"name": "argocd"}})).unwrap();
    Api::<Namespace>::all(client.clone())
        .create(&PostParams::default(), &namespace)
        .await
        .unwrap();
    let manifest = Programs::find().unwrap().shared("argocd/core-install.yaml").unwrap();
    apply(&client, &std::fs::read_to_string(manifest).unwrap()).await;
    let project = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "default"},
        "spec": {
            "sourceRepos": ["*"],
            "destinations": [{"namespace": "*", "server": "*"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        },
    });
    apply(&client, &project.to_string()).await;
    let key = json!({"stringData": {"server.secretkey": "not-much-of-a-secret"}});
    let secrets: Api<Secret> = Api::namespaced(client, "argocd");
    secrets
        .patch("argocd-secret", &PatchParams::default(), &Patch::Merge(&key))
        .await
        .unwrap();
    bed
}

async fn create_application(client: &Client, url: &str) {
    let application = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "web"},
        "spec": {
            "project": "default",
            "source": {"repoURL": url, "path": "web", "targetRevision": "main"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "web"},
            "syncPolicy": {"automated": {}, "syncOptions": ["CreateNamespace=true"]},
        },
    });
    apply(client, &application.to_string()).await;
}

/// Waits until `condition` holds for the JSON of an Application; gives the last state if it does not in time.
async fn application_becomes(
    client: &Client,
    bound: Duration,
    condition: impl Fn(&serde_json::Value) -> bool,
) -> Result<(), serde_json::Value> {
    let started = Instant::now();
    loop {
        let status = applications(client.clone()).get("web").await.unwrap().data["status"].clone();
        if condition(&status) {
            return Ok(());
        }
        if started.elapsed() > bound {
            return Err(status);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn is_settled(status: &serde_json::Value) -> bool {
    status["sync"]["status"] == "Synced" && status["health"]["status"] == "Healthy"
}

fn complains(status: &serde_json::Value, of: &str) -> bool {
    status["conditions"].to_string().contains(of) || status["operationState"].to_string().contains(of)
}

#[tokio::test]
async fn argocd_needs_the_credentials_of_a_private_repository_and_works_with_them() {
    let git = GitServer::start(GitServerOptions::default()).await.unwrap();
    let repository = git
        .create("shop/platform", "robot", "secret-of-the-test")
        .await
        .unwrap();
    repository
        .commit("one", [("web/deployment.yaml", DEPLOYMENT)])
        .await
        .unwrap();
    let bed = bed_with_argocd().await;
    let client = bed.client();
    create_application(&client, repository.url_http()).await;
    let refused = application_becomes(&client, Duration::from_secs(90), |status| {
        complains(status, "authentication required")
    });
    refused.await.unwrap();
    let credentials = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "repo-platform", "labels": {"argocd.argoproj.io/secret-type": "repository"}},
        "stringData": {"url": repository.url_http(), "username": "robot", "password": "secret-of-the-test"},
    });
    apply(&client, &credentials.to_string()).await;
    let refresh = json!({"metadata": {"annotations": {"argocd.argoproj.io/refresh": "hard"}}});
    let api = applications(client.clone());
    api.patch("web", &PatchParams::default(), &Patch::Merge(&refresh))
        .await
        .unwrap();
    application_becomes(&client, Duration::from_secs(90), is_settled)
        .await
        .unwrap();
    let pods = Api::<Pod>::namespaced(client, "web")
        .list(&ListParams::default())
        .await
        .unwrap();
    let nodes: Vec<_> = pods
        .iter()
        .filter_map(|pod| pod.spec.as_ref()?.node_name.as_deref())
        .collect();
    assert!(nodes.len() == 1 && nodes[0].starts_with("simulated"), "{nodes:?}");
    assert!(
        bed.logs_of("argocd-application-controller")
            .unwrap()
            .contains("Reconciliation completed")
    );
}

#[tokio::test]
async fn argocd_does_nothing_without_the_rights_that_were_forgotten() {
    let git = GitServer::start(GitServerOptions::default()).await.unwrap();
    let repository = git.create_public("shop/platform").await.unwrap();
    repository
        .commit("one", [("web/deployment.yaml", DEPLOYMENT)])
        .await
        .unwrap();
    let bed = bed_with_argocd().await;
    let client = bed.client();
    let bindings: Api<ClusterRoleBinding> = Api::all(client.clone());
    bindings
        .delete("argocd-application-controller", &DeleteParams::default())
        .await
        .unwrap();
    create_application(&client, repository.url_http()).await;
    application_becomes(&client, Duration::from_secs(90), |status| {
        complains(status, "is forbidden")
    })
    .await
    .unwrap();
    let last = application_becomes(&client, Duration::from_secs(10), is_settled)
        .await
        .unwrap_err();
    assert_ne!(last["sync"]["status"], "Synced");
}

#[tokio::test]
async fn a_pod_waits_for_its_secret_and_tells_so_as_a_kubelet_does() {
    let bed = Bed::start(BedOptions::default()).await.unwrap();
    let pods: Api<Pod> = Api::namespaced(bed.client(), "default");
    let waiting_for = |wanted: &'static str| {
        let pods = pods.clone();
        async move {
            for _ in 0..300 {
                let status = serde_json::to_value(pods.get("redis").await.unwrap().status).unwrap();
                if status["containerStatuses"][0].to_string().contains(wanted) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            panic!("no {wanted}: {:?}", pods.get("redis").await.unwrap().status);
        }
    };
    let pod = json!({"metadata": {"name": "redis"}, "spec": {"containers": [{
        "name": "redis", "image": "redis:8", "args": ["--requirepass $(PASSWORD)"],
        "env": [{"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "redis", "key": "auth"}}}],
    }]}});
    pods.create(&PostParams::default(), &serde_json::from_value(pod).unwrap())
        .await
        .unwrap();
    waiting_for(r#"secret \"redis\" not found"#).await;
    let secret = json!({"metadata": {"name": "redis"}, "stringData": {"other": "x"}});
    let secrets: Api<Secret> = Api::namespaced(bed.client(), "default");
    secrets
        .create(&PostParams::default(), &serde_json::from_value(secret).unwrap())
        .await
        .unwrap();
    waiting_for("couldn't find key auth in Secret default/redis").await;
    let key = json!({"stringData": {"auth": "x"}});
    secrets
        .patch("redis", &PatchParams::default(), &Patch::Merge(&key))
        .await
        .unwrap();
    waiting_for(r#""ready":true"#).await;
}
