//! The main job.

use super::scene::Scene;

#[tokio::test]
async fn an_empty_cluster_becomes_the_platform_again() {
    let scene = Scene::start().await;
    let ran = scene.restore(&["--deadline", "5m"]).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    println!("{}", ran.said());
}
