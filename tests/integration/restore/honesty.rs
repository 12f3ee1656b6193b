//! Negative controls: a mistake in the install must keep the platform from coming back, or no recovery here proves anything.

use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::api::{Api, PostParams};
use testbed::outage;

use super::scene::{Scene, files};
use super::watched::{Watched, node};

const BINDING: &str = "argocd-application-controller";

/// The files of the scene with another install.
fn with_install(install: &str) -> Vec<(String, String)> {
    let mut files = files();
    let file = files
        .iter_mut()
        .find(|(name, _)| name == "bootstrap/argocd/install.yaml")
        .unwrap();
    install.clone_into(&mut file.1);
    files
}

#[tokio::test]
async fn without_the_controllers_binding_nothing_is_deployed_and_with_it_the_same_run_recovers() {
    let install = outage::core_install().unwrap();
    let is_binding = |document: &&str| {
        document.contains("\nkind: ClusterRoleBinding\n") && document.contains(&format!("\n  name: {BINDING}\nroleRef"))
    };
    let documents: Vec<&str> = install.split("\n---\n").collect();
    let binding = documents
        .iter()
        .copied()
        .find(|document| is_binding(document))
        .expect("the install has the binding");
    let without: Vec<&str> = documents
        .iter()
        .copied()
        .filter(|document| !is_binding(document))
        .collect();

    let scene = Scene::with(with_install(&without.join("\n---\n"))).await;
    let mut run = Watched::start(&scene, str::to_owned);
    run.until("the blocker", |event| node(event, "root", "forbidden")).await;

    let (_, binding) = gitops_dr::yaml::manifests(binding).unwrap().remove(0);
    let binding: ClusterRoleBinding = serde_json::from_value(binding).unwrap();
    let bindings: Api<ClusterRoleBinding> = Api::all(scene.outage.bed.admin());
    bindings.create(&PostParams::default(), &binding).await.unwrap();
    assert_eq!(run.end().await, 0, "{}", run.said().await);
}

#[tokio::test]
async fn a_wrong_address_in_the_agents_parameters_breaks_it() {
    let install = outage::core_install().unwrap();
    let place = "\n  name: argocd-cmd-params-cm\n---";
    assert!(install.contains(place));
    let wrong = install.replace(
        place,
        "\n  name: argocd-cmd-params-cm\ndata: {repo.server: \"nowhere:8081\"}\n---",
    );

    let scene = Scene::with(with_install(&wrong)).await;
    let mut run = Watched::start(&scene, str::to_owned);
    // The agent does not name the address that it cannot resolve.
    run.until("the blocker", |event| node(event, "root", "code = Unavailable"))
        .await;
    run.interrupt().await;
    assert_eq!(run.end().await, 130, "{}", run.said().await);
    assert!(run.position(|event| node(event, "cart", "ready")).is_none());
}
