//! Ctrl-C while a request is on its way: it ends, and nothing new begins.

use std::time::Duration;

use testbed::proxy::Side;

use super::scene::Scene;
use super::watched::Watched;

#[tokio::test]
async fn what_is_in_flight_ends_and_no_request_begins_once_a_person_stops_the_run() {
    let scene = Scene::start().await;
    let proxy = scene.outage.bed.proxy().await.unwrap();
    // The server has answered, and the run has not heard of it yet.
    let namespace = "/api/v1/namespaces/argocd";
    let mut hold = proxy.hold(
        0,
        move |asked| asked.is_mutation() && asked.path == namespace,
        Side::After,
    );
    let kubeconfig = proxy.kubeconfig().display().to_string();
    let mut run = Watched::start_with(&scene, str::to_owned, &["--kubeconfig", &kubeconfig]);
    hold.reached(Duration::from_mins(5)).await.unwrap();
    run.interrupt().await;
    run.until("it is being stopped", |event| event["event"] == "stopping")
        .await;
    // A run that drops its request would be over at once.
    let soon = tokio::time::timeout(Duration::from_secs(2), run.end()).await;
    assert!(soon.is_err(), "nobody waited for the answer: {}", run.said().await);
    hold.go_on();
    assert_eq!(run.end().await, 130, "{}", run.said().await);
    let changed = scene.platform_mutations().await;
    let paths: Vec<_> = changed
        .iter()
        .map(|event| (event.resource.as_str(), event.name.as_str()))
        .collect();
    assert_eq!(paths, [("namespaces", "argocd")], "something new began");
}
