//! What is taken out of Git after a restore goes from the cluster, though the restore applied it first.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Secret, Service};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use kube::core::{GroupVersionKind, ObjectMeta};
use kube::runtime::wait::await_condition;
use serde_json::json;
use testbed::Bed;

use super::scene::{Scene, application, files};

/// What is said of the agent's install in Git, beside upstream's manifests. The CRDs are too large for a client-side apply.
const PATCHED: &str = r"
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: argocd
resources: [install.yaml]
patches:
  - target: {kind: CustomResourceDefinition}
    patch: |
      - {op: add, path: /metadata/annotations, value: {argocd.argoproj.io/sync-options: ServerSideApply=true}}
";

/// More of it, which is taken out later: a label of a Service, and a variable of a container.
const MORE: &str = r"
  - target: {kind: Service, name: argocd-repo-server}
    patch: |
      - {op: add, path: /metadata/labels/team, value: platform}
  - target: {kind: Deployment, name: argocd-applicationset-controller}
    patch: |
      - {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: OF_GIT, value: here}}
";

/// A CRD that an app brings alone, and a short name of it that is taken out later. It is applied ahead, for another app needs it.
fn definition(short_names: &str) -> String {
    format!(
        r"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: bolts.shop.example.com}}
spec:
  group: shop.example.com
  names: {{kind: Bolt, listKind: BoltList, plural: bolts, singular: bolt{short_names}}}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}
"
    )
}

const SHORT: &str = ", shortNames: [bt]";

const BOLT: &str = "apiVersion: shop.example.com/v1\nkind: Bolt\nmetadata: {name: one}\nspec: {size: 3}\n";

/// The root, with a label that is taken out later, as it manages itself.
fn root(label: &str) -> String {
    let root = application("root", "apps", "argocd");
    let labelled = root.replace("namespace: argocd}\nspec", &format!("namespace: argocd{label}}}\nspec"));
    assert_eq!(label.is_empty(), labelled == root);
    labelled
}

/// A platform in which apps manage the agent's install and the root itself.
fn platform(change: impl Fn(String) -> String) -> Vec<(String, String)> {
    let file = |name: &str, text: String| (name.to_owned(), text);
    let mut all = files();
    all.retain(|(name, _)| !name.ends_with("kustomization.yaml") && name != "clusters/prod/root.yaml");
    let labelled = change(root(", labels: {team: platform}"));
    all.extend([
        file("bootstrap/argocd/kustomization.yaml", format!("{PATCHED}{MORE}")),
        file("clusters/prod/root.yaml", labelled.clone()),
        file("apps/root.yaml", labelled),
        file("apps/bolts.yaml", change(application("bolts", "bolts", "bolt"))),
        file("bolts/definition.yaml", definition(SHORT)),
        file("apps/bolt.yaml", change(application("bolt", "bolt", "bolt"))),
        file("bolt/bolt.yaml", BOLT.to_owned()),
        file(
            "apps/argocd.yaml",
            change(application("argocd", "bootstrap/argocd", "argocd")),
        ),
    ]);
    all
}

/// Who owns fields of an object.
fn managers(metadata: &ObjectMeta) -> Vec<&str> {
    let entries = metadata.managed_fields.iter().flatten();
    entries.filter_map(|entry| entry.manager.as_deref()).collect()
}

fn has_label(metadata: &ObjectMeta) -> bool {
    metadata
        .labels
        .as_ref()
        .is_some_and(|labels| labels.contains_key("team"))
}

fn has_variable(deployment: &Deployment) -> bool {
    let spec = deployment.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
    let all = spec.into_iter().flat_map(|spec| &spec.containers);
    all.flat_map(|container| container.env.iter().flatten())
        .any(|variable| variable.name == "OF_GIT")
}

fn has_short_name(definition: &CustomResourceDefinition) -> bool {
    definition.spec.names.short_names.is_some()
}

struct Live {
    definitions: Api<CustomResourceDefinition>,
    services: Api<Service>,
    deployments: Api<Deployment>,
    apps: Api<DynamicObject>,
    secrets: Api<Secret>,
}

impl Live {
    fn of(bed: &Bed) -> Self {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("argoproj.io", "v1alpha1", "Application"));
        Self {
            definitions: Api::all(bed.admin()),
            services: Api::namespaced(bed.admin(), "argocd"),
            deployments: Api::namespaced(bed.admin(), "argocd"),
            apps: Api::namespaced_with(bed.admin(), "argocd", &resource),
            secrets: Api::namespaced(bed.admin(), "argocd"),
        }
    }

    async fn look_again(&self, app: &str) {
        let ask = json!({"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}});
        self.apps
            .patch(app, &PatchParams::default(), &Patch::Merge(&ask))
            .await
            .unwrap();
    }
}

const DEFINITION: &str = "bolts.shop.example.com";
const SERVICE: &str = "argocd-repo-server";
const CONTROLLER: &str = "argocd-applicationset-controller";

async fn what_is_taken_out_of_git_goes(change: impl Fn(String) -> String) {
    let scene = Scene::with(platform(&change)).await;
    let ran = scene.restore(&[]).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    let live = Live::of(&scene.outage.bed);
    assert!(ran.said().contains("preload: done"), "{}", ran.said());
    let (bolts, service, controller, app) = (
        live.definitions.get(DEFINITION).await.unwrap(),
        live.services.get(SERVICE).await.unwrap(),
        live.deployments.get(CONTROLLER).await.unwrap(),
        live.apps.get("root").await.unwrap(),
    );
    assert!(has_short_name(&bolts));
    assert!(has_label(&service.metadata) && has_variable(&controller) && has_label(&app.metadata));
    for metadata in [&bolts.metadata, &service.metadata, &controller.metadata, &app.metadata] {
        let managers = managers(metadata);
        assert!(
            managers.contains(&"argocd-controller") && !managers.contains(&"gitops-dr"),
            "{:?}: {managers:?}",
            metadata.name
        );
    }
    // No repository holds a restored secret, so nobody else owns it.
    let secret = live.secrets.get("repo-platform").await.unwrap();
    assert_eq!(managers(&secret.metadata), ["gitops-dr"]);

    let before = scene.platform_mutations().await.len();
    let again = scene
        .restore_with(|runbook| runbook.replace("expect: empty", "expect: adopt"), &[])
        .await;
    assert_eq!(again.code, 0, "{}", again.said());
    assert_eq!(scene.platform_mutations().await[before..], [], "{}", again.said());

    let without = change(root(""));
    let files = [
        ("bootstrap/argocd/kustomization.yaml".to_owned(), PATCHED.to_owned()),
        ("bolts/definition.yaml".to_owned(), definition("")),
        ("apps/root.yaml".to_owned(), scene.outage.localised(&without)),
        ("clusters/prod/root.yaml".to_owned(), scene.outage.localised(&without)),
    ];
    scene.platform.commit("less", files).await.unwrap();
    live.look_again("root").await;
    live.look_again("argocd").await;
    live.look_again("bolts").await;
    let gone = async {
        let service = |service: Option<&Service>| service.is_some_and(|service| !has_label(&service.metadata));
        let app = |app: Option<&DynamicObject>| app.is_some_and(|app| !has_label(&app.metadata));
        let controller = |controller: Option<&Deployment>| controller.is_some_and(|found| !has_variable(found));
        let definition = |found: Option<&CustomResourceDefinition>| found.is_some_and(|found| !has_short_name(found));
        await_condition(live.definitions.clone(), DEFINITION, definition)
            .await
            .unwrap();
        await_condition(live.services.clone(), SERVICE, service).await.unwrap();
        await_condition(live.deployments.clone(), CONTROLLER, controller)
            .await
            .unwrap();
        await_condition(live.apps.clone(), "root", app).await.unwrap();
    };
    let waited = tokio::time::timeout(std::time::Duration::from_mins(3), gone).await;
    assert!(waited.is_ok(), "what Git no longer has is still on the cluster");
}

#[tokio::test]
async fn what_is_taken_out_of_git_goes_with_client_side_apply() {
    Box::pin(what_is_taken_out_of_git_goes(|app| app)).await;
}

#[tokio::test]
async fn what_is_taken_out_of_git_goes_with_server_side_apply() {
    Box::pin(what_is_taken_out_of_git_goes(|app| {
        let changed = app.replace("[CreateNamespace=true]", "[CreateNamespace=true, ServerSideApply=true]");
        assert_ne!(app, changed);
        changed
    }))
    .await;
}
