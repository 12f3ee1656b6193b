//! One restore that goes through all of it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use testbed::Proxy;
use testbed::proxy::{Asked, Fault, Side};

use crate::restore::scene::Scene;
use crate::restore::watched::Watched;

/// What is patched a second time by the restore itself: ApplicationSets, which were held back, are let go by these two.
const LET_GO: [&str; 2] = [
    "/configmaps/argocd-cmd-params-cm",
    "/deployments/argocd-applicationset-controller",
];

/// How long the API server is away in the midst of the install: longer than a Lease is good, and than requests were once made again.
const AWAY: Duration = Duration::from_secs(40);

/// How many seconds the API server asks to be left alone.
const LEFT_ALONE: u32 = 4;

/// How many requests are in flight at most.
const IN_FLIGHT: usize = 16;

fn begins(event: &Value, id: &str) -> bool {
    event["family"] == "step" && event["event"] == "started" && event["id"] == id
}

fn is_apply(asked: &Asked) -> bool {
    asked.is_mutation() && asked.method == "PATCH"
}

#[tokio::test]
async fn a_restore_goes_through_every_storm_and_applies_nothing_twice() {
    let mut scene = Scene::start().await;
    let api = scene.outage.bed.proxy().await.unwrap();
    let vault = Proxy::plain(scene.outage.vault.address()).await.unwrap();
    scene.tool.set("KUBECONFIG", api.kubeconfig());

    // The store: busy, then cut off, between one read and the next.
    let reads = |asked: &Asked| asked.path.contains("/data/");
    let flapping = [
        vault.next(2, reads, Fault::unavailable()),
        vault.after(3, 1, reads, Fault::Reset(Side::Before)),
    ];
    // The API server is not itself yet when the restore knocks.
    let hello = [
        api.next(1, |asked| asked.path == "/version", Fault::too_many_requests(1)),
        api.next(1, |asked| asked.path.ends_with("/kube-system"), Fault::unavailable()),
        api.next(1, |asked| asked.path == "/apis", Fault::Reset(Side::Before)),
    ];
    // The API server's own limits, while the ground is laid. Who is told to stay away does so, all requests together.
    let busy = api.after(2, usize::MAX, is_apply, Fault::too_many_requests(LEFT_ALONE));
    let address = vault.address().to_owned();
    let mut run = Watched::start(&scene, |runbook| {
        runbook.replace("https://vault.example.com:8200", &address)
    });
    let first = run.meets(
        "the first request that is turned away",
        busy.first(Duration::from_mins(5)),
    );
    first.await.unwrap();
    tokio::time::sleep(Duration::from_secs(u64::from(LEFT_ALONE) - 1)).await;
    let turned_away = busy.times();
    assert!(
        turned_away <= IN_FLIGHT,
        "{turned_away} requests came although they were asked to stay away"
    );
    api.clear();
    let nobody = api.always(|_| true, Fault::Reset(Side::Before));
    run.until("that the step says what it waits for", |event| {
        event["id"] == "ground" && event["note"].to_string().contains("trying again")
    })
    .await;
    tokio::time::sleep(AWAY).await;
    api.clear();
    assert!(nobody.times() > 0);

    // A webhook that is not up, a load balancer without a server, connections that break on either side of the server.
    let storms = [
        api.after(2, 3, is_apply, Fault::webhook_fails()),
        api.after(6, 3, is_apply, Fault::unavailable()),
        api.after(10, 3, is_apply, Fault::Reset(Side::Before)),
        api.after(14, 3, is_apply, Fault::Reset(Side::After)),
    ];
    run.until("the agent's step", |event| begins(event, "agent")).await;
    let forgotten = api.next(3, Asked::is_watch, Fault::Gone);
    run.until("the apps' step", |event| begins(event, "apps")).await;
    api.break_connections();

    // The API server is away for a while.
    scene.outage.bed.control_plane().stop_api_server().await.unwrap();
    run.until("that it is missed", |event| {
        event["id"] == "apps" && event["note"].to_string().contains("Connection re")
    })
    .await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    scene.outage.bed.control_plane().start_api_server().await.unwrap();

    // What it keeps its objects in is slow.
    for _ in 0..4 {
        let etcd = scene.outage.bed.control_plane();
        etcd.freeze_etcd();
        tokio::time::sleep(Duration::from_secs(2)).await;
        etcd.thaw_etcd();
        tokio::time::sleep(Duration::from_millis(500)).await;
    }

    assert_eq!(run.end().await, 0, "{}", run.said().await);
    for met in flapping.iter().chain(&hello).chain(&storms).chain([&forgotten]) {
        assert!(
            met.times() > 0,
            "a storm passed by: {flapping:?} {hello:?} {storms:?} {forgotten:?}"
        );
    }
    // What never reached the server is not in its audit log. What did, and whose answer was lost, may be asked for once more.
    let [.., lost] = &storms;
    let lost = lost.asked();
    let mut applied: BTreeMap<String, usize> = BTreeMap::new();
    for event in scene.platform_mutations().await {
        if event.code < 300 && event.verb == "patch" && event.resource != "applications" {
            let path = event.uri.split('?').next().unwrap_or_default().to_owned();
            *applied.entry(path).or_default() += 1;
        }
    }
    applied.retain(|path, times| {
        let let_go = LET_GO.iter().filter(|name| path.ends_with(*name)).count();
        let answers = lost.iter().filter(|asked| asked.path == *path).count();
        *times > 1 + let_go + answers
    });
    assert!(
        applied.is_empty(),
        "applied once too often: {applied:#?}; answers were lost of {lost:#?}"
    );
}
