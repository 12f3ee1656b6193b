//! The main job.

use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind};

use super::scene::{SIGNING_KEY, Scene};

#[tokio::test]
async fn an_empty_cluster_becomes_the_platform_again() {
    let scene = Scene::start().await;
    let ran = scene.restore(&["--deadline", "10m"]).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    assert!(ran.out.contains("target 10m met"), "{}", ran.said());
    for phase in ["prepare", "interlock", "ground", "agent", "apps", "total"] {
        assert!(
            ran.out.contains(&format!("\n  {phase} ")),
            "no time of {phase}: {}",
            ran.said()
        );
    }
    assert!(ran.err.contains("3 apps Synced and Healthy"), "{}", ran.said());

    let admin = scene.outage.bed.admin();
    let secrets: Api<Secret> = Api::namespaced(admin.clone(), "argocd");
    let restored = secrets.get("argocd-secret").await.unwrap().data.unwrap();
    assert_eq!(
        restored["server.secretkey"].0,
        SIGNING_KEY.as_bytes(),
        "sessions of the old platform stay valid"
    );

    // Not what the program says, but what the agent says of each app.
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("argoproj.io", "v1alpha1", "Application"));
    let applications: Api<DynamicObject> = Api::namespaced_with(admin, "argocd", &kind);
    for name in ["root", "cart", "search"] {
        let status = applications.get(name).await.unwrap().data["status"].clone();
        let words = (status["sync"]["status"].as_str(), status["health"]["status"].as_str());
        assert_eq!(words, (Some("Synced"), Some("Healthy")), "{name}");
        assert_eq!(
            status["sync"]["revision"],
            scene.platform.head().await.unwrap(),
            "{name}"
        );
    }
}
