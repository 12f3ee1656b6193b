//! How fast it is, for whoever changes it: `cargo test --test integration apply::measured -- --ignored --nocapture`. The numbers that
//! count are those of the bench, from an optimised build.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "it measures by the real clock and prints what it measured"
)]

use std::time::Instant;

use futures::{StreamExt as _, stream};
use gitops_dr::cluster::{Cluster, Mode, Target};
use http::Request;
use serde_json::json;

use super::scene::{Scene, many};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it is a measurement"]
async fn five_thousand_config_maps() {
    let scene = Scene::start().await;
    let user = scene.plane.user("operator", &[]).unwrap();
    let file = scene.plane.folder().join("direct");
    user.write_kubeconfig(&file, "new").unwrap();
    let target = Target {
        kubeconfig: Some(file),
        context: "new".into(),
    };
    let client = user.client().await.unwrap();
    for round in 0..2 {
        let home = format!("raw-{round}");
        let set = many(&home, 5000);
        scene
            .cluster
            .apply_ranked(&set[..1], "default", Mode::Fresh)
            .await
            .unwrap();
        let began = Instant::now();
        let requests = set[1..].iter().map(|map| {
            let (client, home) = (&client, &home);
            async move {
                let name = map.id().name;
                let path = format!("/api/v1/namespaces/{home}/configmaps/{name}?fieldManager=raw&force=true");
                let request = Request::patch(path).header("content-type", "application/apply-patch+yaml");
                client
                    .request_text(request.body(map.value().to_string().into_bytes()).unwrap())
                    .await
                    .unwrap();
            }
        });
        stream::iter(requests).buffer_unordered(16).collect::<Vec<()>>().await;
        let raw = 5000.0 / began.elapsed().as_secs_f64();

        let cluster = Cluster::connect(&target).await.unwrap();
        let set = many(&format!("ours-{round}"), 5000);
        let began = Instant::now();
        cluster.apply_ranked(&set, "default", Mode::Fresh).await.unwrap();
        let ours = 5000.0 / began.elapsed().as_secs_f64();
        println!(
            "{}",
            json!({"raw": raw, "ours": ours, "share": ours / raw, "at once": cluster.at_once()})
        );
    }
}
