//! What apps need of each other is there before any of them.

use kube::api::{Api, DynamicObject};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::Value;

use super::foreseen;
use super::scene::{Scene, application, deployment, files};
use super::waiting;
use super::watched::{Watched, node};

/// Comes behind the app's Deployment, which is not ready until the test says so.
const DEFINITION: &str = r#"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.shop.example.com, annotations: {argocd.argoproj.io/sync-wave: "1"}}
spec:
  group: shop.example.com
  names: {kind: Gadget, listKind: GadgetList, plural: gadgets, singular: gadget}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
---
apiVersion: v1
kind: Namespace
metadata: {name: gadgets, annotations: {argocd.argoproj.io/sync-wave: "1"}}
"#;

const GADGET: &str =
    "apiVersion: shop.example.com/v1\nkind: Gadget\nmetadata: {name: one, namespace: gadgets}\nspec: {size: 3}\n";

/// The app `gadget` is given up by the agent after two tries, and what its object stands on comes from `kinds`, which is slow.
pub(super) fn platform(options: &str) -> Vec<(String, String)> {
    let file = |name: &str, text: String| (name.to_owned(), text);
    let with = |app: String| app.replace("[CreateNamespace=true]", options);
    let mut all = files();
    all.extend([
        file("apps/kinds.yaml", with(application("kinds", "kinds", "kinds"))),
        file(
            "apps/gadget.yaml",
            with(application("gadget", "gadget", "gadget")).replace("limit: -1", "limit: 1"),
        ),
        file("kinds/deployment.yaml", waiting::deployment("kinds")),
        file("kinds/definition.yaml", DEFINITION.to_owned()),
        file("gadget/gadget.yaml", GADGET.to_owned()),
        file("gadget/deployment.yaml", deployment("gadget")),
    ]);
    all
}

async fn live(scene: &Scene, kind: GroupVersionKind, name: &str) -> Value {
    let resource = ApiResource::from_gvk(&kind);
    let api: Api<DynamicObject> = if resource.kind == "Application" {
        Api::namespaced_with(scene.outage.bed.admin(), "argocd", &resource)
    } else {
        Api::all_with(scene.outage.bed.admin(), &resource)
    };
    serde_json::to_value(api.get(name).await.unwrap()).unwrap()
}

async fn app(scene: &Scene, name: &str) -> Value {
    live(
        scene,
        GroupVersionKind::gvk("argoproj.io", "v1alpha1", "Application"),
        name,
    )
    .await
}

async fn what_is_needed_is_there_first(options: &str) {
    let scene = Scene::with(platform(options)).await;
    let mut run = Watched::start(&scene, str::to_owned);
    run.until("what stands on the late kind", |event| node(event, "gadget", "ready"))
        .await;

    // The app that brings the kind has not come so far, and finds both already as Git has them.
    let kinds = app(&scene, "kinds").await;
    assert_eq!(kinds["status"]["operationState"]["phase"], "Running", "{kinds:#}");
    let resources = kinds["status"]["resources"].as_array().unwrap();
    let status = |kind: &str| resources.iter().find(|found| found["kind"] == kind).unwrap()["status"].clone();
    assert_eq!(
        (status("CustomResourceDefinition"), status("Namespace")),
        ("Synced".into(), "Synced".into())
    );
    let gadget = app(&scene, "gadget").await;
    assert_eq!(
        gadget["status"]["operationState"]["retryCount"],
        Value::Null,
        "{gadget:#}"
    );

    waiting::let_go(&scene, "kinds").await;
    assert_eq!(run.end().await, 0, "{}", run.said().await);
    let plan = foreseen::plan(&scene, &[]).await;
    assert!(plan.out.contains("as the last run took"), "{}", plan.said());
    let definition = GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
    let namespace = GroupVersionKind::gvk("", "v1", "Namespace");
    for object in [
        live(&scene, definition, "gadgets.shop.example.com").await,
        live(&scene, namespace, "gadgets").await,
    ] {
        let entries = object["metadata"]["managedFields"].as_array().unwrap();
        let managers: Vec<_> = entries.iter().filter_map(|entry| entry["manager"].as_str()).collect();
        assert!(
            managers.contains(&"argocd-controller") && !managers.contains(&"gitops-dr"),
            "{managers:?}"
        );
    }
    // Neither was made twice, and nobody has taken one away.
    let audit = scene.outage.bed.audit().await.unwrap();
    for resource in ["customresourcedefinitions", "namespaces"] {
        let of = |event: &&testbed::control_plane::AuditEvent| {
            event.resource == resource && event.name.starts_with("gadgets")
        };
        let made = audit.iter().filter(of).filter(|event| event.code == 201).count();
        let removed = audit.iter().filter(of).filter(|event| event.verb == "delete").count();
        assert_eq!((made, removed), (1, 0), "{resource}");
    }
}

#[tokio::test]
async fn what_apps_need_of_each_other_is_there_first_with_client_side_apply() {
    Box::pin(what_is_needed_is_there_first("[CreateNamespace=true]")).await;
}

#[tokio::test]
async fn what_apps_need_of_each_other_is_there_first_with_server_side_apply() {
    Box::pin(what_is_needed_is_there_first(
        "[CreateNamespace=true, ServerSideApply=true]",
    ))
    .await;
}
