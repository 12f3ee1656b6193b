//! Every fault, seen by a client of the tool's user on a real API server.

use std::time::{Duration, Instant};

use futures::{StreamExt as _, TryStreamExt as _};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, PostParams, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::json;

use super::{Asked, Fault, Proxy, Side};
use crate::bed::ADMINISTRATOR;
use crate::{Bed, BedOptions, ControlPlane, Programs};

const PATIENCE: Duration = Duration::from_mins(1);

/// A client by the proxy's own kubeconfig that makes no request twice.
async fn client(proxy: &Proxy) -> Client {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let kubeconfig = Kubeconfig::read_from(proxy.kubeconfig()).unwrap();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .unwrap();
    config.default_retry = false;
    Client::try_from(config).unwrap()
}

fn map(name: &str) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name}})).unwrap()
}

fn code(error: &kube::Error) -> u16 {
    match error {
        kube::Error::Api(status) => status.code,
        other => panic!("an answer was expected, not {other}"),
    }
}

#[tokio::test]
async fn every_fault_happens_to_the_requests_it_is_meant_for_and_to_no_other() {
    let bed = Bed::start(BedOptions::default()).await.unwrap();
    let proxy = bed.proxy().await.unwrap();
    let client = client(&proxy).await;
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let create = PostParams::default();

    // Without rules it passes on, as the tool's user.
    maps.create(&create, &map("one")).await.unwrap();
    let seen = bed.mutations_by(ADMINISTRATOR).await.unwrap();
    assert_eq!(seen.len(), 1);

    // Answers in the server's place: the server hears nothing.
    let met = proxy.next(1, Asked::is_mutation, Fault::too_many_requests(1));
    assert!(maps.get("one").await.is_ok());
    assert_eq!(code(&maps.create(&create, &map("two")).await.unwrap_err()), 429);
    assert_eq!(met.times(), 1);
    for (fault, status) in [(Fault::webhook_fails(), 500), (Fault::unavailable(), 503)] {
        proxy.next(1, Asked::is_mutation, fault);
        assert_eq!(code(&maps.create(&create, &map("two")).await.unwrap_err()), status);
    }
    assert!(maps.get_opt("two").await.unwrap().is_none());

    // Resets: on one side it was done, on the other it was not.
    for (side, done) in [(Side::Before, false), (Side::After, true)] {
        proxy.next(1, Asked::is_mutation, Fault::Reset(side));
        let name = format!("reset-{done}");
        let error = maps.create(&create, &map(&name)).await.unwrap_err();
        assert!(!matches!(error, kube::Error::Api(_)), "{error}");
        assert_eq!(maps.get_opt(&name).await.unwrap().is_some(), done);
    }

    // A request is held on either side, and lost or let go on.
    for (side, done) in [(Side::Before, false), (Side::After, true)] {
        let mut hold = proxy.hold(0, Asked::is_mutation, side);
        let name = format!("held-{done}");
        let asking = tokio::spawn({
            let (maps, map) = (maps.clone(), map(&name));
            async move { maps.create(&PostParams::default(), &map).await }
        });
        assert!(hold.reached(PATIENCE).await.unwrap().path.ends_with("/configmaps"));
        assert_eq!(maps.get_opt(&name).await.unwrap().is_some(), done);
        drop(hold);
        asking.await.unwrap().unwrap_err();
        assert_eq!(maps.get_opt(&name).await.unwrap().is_some(), done);
    }
    let mut hold = proxy.hold(0, Asked::is_mutation, Side::Before);
    let going_on = async {
        hold.reached(PATIENCE).await.unwrap();
        hold.go_on();
    };
    let went_on = map("went-on");
    let (created, ()) = tokio::join!(maps.create(&create, &went_on), going_on);
    created.unwrap();

    proxy.next(1, |_| true, Fault::Delay(Duration::from_millis(300)));
    let started = Instant::now();
    maps.get("one").await.unwrap();
    assert!(started.elapsed() >= Duration::from_millis(300));
    drop(bed);
}

#[tokio::test]
async fn answers_are_changed_and_watches_are_broken() {
    let programs = Programs::find().unwrap();
    let plane = ControlPlane::start(&programs).await.unwrap();
    let user = plane.master("tester").unwrap();
    let proxy = Proxy::start(&plane, &user, "x").await.unwrap();
    let client = client(&proxy).await;
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "default");

    proxy.next(1, |asked| asked.path == "/version", Fault::Version("v1.17.3".into()));
    assert_eq!(client.apiserver_version().await.unwrap().git_version, "v1.17.3");
    assert_ne!(client.apiserver_version().await.unwrap().git_version, "v1.17.3");

    proxy.next(1, |_| true, Fault::Date(SignedDuration::from_hours(-2)));
    let body = kube::client::Body::empty();
    let answer = client
        .send(http::Request::get("/version").body(body).unwrap())
        .await
        .unwrap();
    let date = answer.headers()["date"].to_str().unwrap();
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).unwrap();
    let behind = Timestamp::now().duration_since(date);
    assert!(
        (behind - SignedDuration::from_hours(2)).abs() < SignedDuration::from_mins(1),
        "{behind}"
    );

    // A watch streams: what happens is seen while it is open.
    let params = WatchParams::default();
    let mut watch = maps.watch(&params, "0").await.unwrap().boxed();
    maps.create(&PostParams::default(), &map("seen")).await.unwrap();
    while let Some(event) = watch.try_next().await.unwrap() {
        if matches!(&event, WatchEvent::Added(map) if map.metadata.name.as_deref() == Some("seen")) {
            break;
        }
    }
    proxy.break_connections();
    assert!(
        !matches!(watch.next().await, Some(Ok(_))),
        "the watch goes on over a broken connection"
    );

    proxy.next(1, Asked::is_watch, Fault::Gone);
    let mut watch = maps.watch(&params, "0").await.unwrap().boxed();
    let first = watch.try_next().await.unwrap().unwrap();
    assert!(matches!(first, WatchEvent::Error(status) if status.code == 410));

    // The same address may lead to another cluster all of a sudden.
    let system: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(client.clone());
    let before = system.get("kube-system").await.unwrap().metadata.uid;
    let other = ControlPlane::start(&programs).await.unwrap();
    proxy.lead_to(&other.master("tester").unwrap()).unwrap();
    assert_ne!(system.get("kube-system").await.unwrap().metadata.uid, before);
}
