//! How many requests an apply takes.

use std::collections::BTreeSet;

use gitops_dr::cluster::Mode;
use testbed::proxy::Fault;

use super::scene::{Scene, many};

#[tokio::test]
async fn a_thousand_objects_are_a_thousand_requests_and_none_of_them_is_read() {
    let scene = Scene::start().await;
    let set = many("many", 1000);
    let counts = scene.cluster.apply_ranked(&set, "default", Mode::Fresh).await.unwrap();
    assert_eq!(counts, (1001, 0));
    let asked = scene.asked().await;
    let of_maps: Vec<_> = asked.iter().filter(|event| event.resource == "configmaps").collect();
    let names: BTreeSet<_> = of_maps.iter().map(|event| &event.name).collect();
    assert_eq!((of_maps.len(), names.len()), (1000, 1000));
    assert!(of_maps.iter().all(|event| event.verb == "patch" && event.code == 201));
    // The guard asks who the cluster is, once for all requests that wait for its answer.
    let guarding = asked.iter().filter(|event| event.name == "kube-system").count();
    assert!((2..1000).contains(&guarding), "{guarding}");
}

#[tokio::test]
async fn a_busy_server_is_left_alone_gets_less_at_once_and_everything_in_the_end() {
    let scene = Scene::start().await;
    let set = many("busy", 40);
    let before = scene.cluster.at_once();
    let busy = scene.proxy.next(
        30,
        |asked| asked.is_mutation() && asked.path.contains("/configmaps/"),
        Fault::too_many_requests(1),
    );
    let counts = scene.cluster.apply_ranked(&set, "default", Mode::Fresh).await.unwrap();
    assert_eq!((counts, busy.times()), ((41, 0), 30));
    assert!(scene.cluster.at_once() < before, "{}", scene.cluster.at_once());
    let applied = scene.applied("configmaps").await;
    let names: BTreeSet<_> = applied.iter().map(|event| &event.name).collect();
    assert_eq!((applied.len(), names.len()), (40, 40), "each is applied once");
    // As the server comes to rest, it gets more again.
    let after = scene.cluster.at_once();
    scene
        .cluster
        .apply_ranked(&many("rest", 400), "default", Mode::Fresh)
        .await
        .unwrap();
    assert!(scene.cluster.at_once() > after, "{} {after}", scene.cluster.at_once());
}
