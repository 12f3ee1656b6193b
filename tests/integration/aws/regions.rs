//! Replicas in other regions.

use std::time::Duration;

use futures::future::join_all;
use gitops_dr::clock::{Clock as _, SystemClock};
use gitops_dr::secrets::aws::{Aws, Settings};
use gitops_dr::secrets::{ErrorKind, Store as _};
use serde_json::json;
use testbed::{Moto, OpenBao, Port};

use super::bench::{CANARY, REGION, REPLICA, expect, place, settings, store, value};
use super::fake::{Fake, refusal, secret};

fn with_replica(first: &str, second: &str) -> Aws {
    store(Settings {
        replicas: vec![place(REPLICA, second)],
        ..settings(first)
    })
}

/// An address at which nothing listens, as long as the port lives.
fn nowhere() -> (Port, String) {
    let port = Port::free().unwrap();
    let address = format!("http://127.0.0.1:{port}");
    (port, address)
}

#[tokio::test]
async fn a_region_that_does_not_answer_is_stood_in_for_by_its_replica_and_that_is_said() {
    let moto = Moto::start().await.unwrap();
    let body = json!({"Name": "dr/repo", "SecretString": CANARY, "AddReplicaRegions": [{"Region": REPLICA}]});
    let created = moto.ask(REGION, "CreateSecret", &body).await.unwrap();
    let arn = created["ARN"].as_str().unwrap();
    let (_port, down) = nowhere();
    let aws = with_replica(&down, moto.address());
    assert_eq!(aws.remark(), None);
    aws.check().await.unwrap();
    // The name, and the ARN of the original.
    for path in ["dr/repo", arn] {
        let stored = aws.read(path, None).await.unwrap();
        assert_eq!(value(&stored, "value"), Some(CANARY), "{path}");
    }
    let remark = aws.remark().unwrap();
    for words in [
        "Store aws is read in its replica region eu-central-1",
        "store aws in eu-west-1",
        "connection refused",
    ] {
        assert!(remark.contains(words), "`{words}` is not in: {remark}");
    }
    let error = aws.read("dr/none", None).await.unwrap_err();
    let words = [
        "store aws in eu-central-1 has no secret dr/none",
        "it is a replica: eu-west-1 was not to be had",
        "replicate-secret-to-regions --region eu-west-1 --secret-id dr/none --add-replica-regions Region=eu-central-1",
    ];
    expect(&error, ErrorKind::MissingPath, &words);
}

#[tokio::test]
async fn a_region_that_fails_in_itself_is_asked_no_more_once_another_answers() {
    let busy = Fake::start(|_, _| (503, String::new(), "<html>".to_owned())).await;
    let well = Fake::start(|_, _| secret()).await;
    let aws = with_replica(&busy.url(), &well.url());
    for stored in join_all((0..5).map(|_| aws.read("dr/repo", None))).await {
        assert_eq!(value(&stored.unwrap(), "password"), Some(CANARY));
    }
    let asked = busy.asked().len();
    aws.read("dr/repo", None).await.unwrap();
    assert_eq!(busy.asked().len(), asked);
    assert!(
        well.asked().iter().all(|asked| asked.region == REPLICA),
        "{:?}",
        well.asked()
    );
    assert_eq!(well.asked().len(), 6);
}

#[tokio::test]
async fn what_a_region_says_of_a_secret_is_believed_and_no_replica_is_asked() {
    for (code, message, kind) in [
        (
            "ResourceNotFoundException",
            "Secrets Manager can't find the specified secret.",
            ErrorKind::MissingPath,
        ),
        (
            "AccessDeniedException",
            "User: a is not authorized to perform: b",
            ErrorKind::Denied,
        ),
    ] {
        let first = Fake::start(move |_, _| refusal(code, message)).await;
        let second = Fake::start(|_, _| secret()).await;
        let aws = with_replica(&first.url(), &second.url());
        assert_eq!(aws.read("dr/repo", None).await.unwrap_err().kind(), kind);
        assert_eq!((second.asked().len(), aws.remark()), (0, None));
    }
}

#[tokio::test]
async fn a_store_none_of_whose_regions_answers_costs_its_time_once_and_tells_of_all() {
    let ((_one, first), (_two, second)) = (nowhere(), nowhere());
    let aws = with_replica(&first, &second);
    let error = aws.check().await.unwrap_err();
    let words = [
        "store aws in eu-west-1 at 127.0.0.1",
        "and store aws in eu-central-1 at",
        "connection refused",
    ];
    expect(&error, ErrorKind::Unreachable, &words);
    let clock = SystemClock::start();
    for again in join_all((0..50).map(|_| aws.read("dr/repo", None))).await {
        assert_eq!(again.unwrap_err(), error);
    }
    assert!(clock.elapsed() < Duration::from_millis(500), "{:?}", clock.elapsed());
    assert_eq!(aws.remark(), None);
}

#[tokio::test]
async fn a_region_that_hangs_is_given_up_in_less_than_a_minute_and_named() {
    let moto = Moto::start().await.unwrap();
    moto.freeze();
    let clock = SystemClock::start();
    let error = store(settings(moto.address())).check().await.unwrap_err();
    let words = [
        "store aws in eu-west-1 at 127.0.0.1",
        "does not answer",
        "no answer came in time",
    ];
    expect(&error, ErrorKind::Unreachable, &words);
    assert!(clock.elapsed() < Duration::from_mins(1), "{:?}", clock.elapsed());
}

#[tokio::test]
async fn a_server_that_is_not_trusted_is_named_and_no_replica_is_asked() {
    // Any server with a certificate of a CA that nobody knows will do.
    let first = OpenBao::start_with_tls().await.unwrap();
    let second = Fake::start(|_, _| secret()).await;
    let aws = with_replica(first.address(), &second.url());
    let words = [
        "store aws in eu-west-1 at 127.0.0.1",
        "cannot be trusted",
        "SSL_CERT_FILE",
    ];
    expect(
        &aws.read("dr/repo", None).await.unwrap_err(),
        ErrorKind::Untrusted,
        &words,
    );
    assert_eq!(second.asked().len(), 0);
}

#[tokio::test]
async fn a_region_that_does_not_exist_is_named() {
    let mut settings = settings("https://secretsmanager.eu-wset-1.amazonaws.invalid");
    settings.place.region = "eu-wset-1".to_owned();
    let error = store(settings).check().await.unwrap_err();
    let words = [
        "store aws in eu-wset-1 at secretsmanager.eu-wset-1.amazonaws.invalid:443 does not answer",
        "the host name secretsmanager.eu-wset-1.amazonaws.invalid is not known",
        "check `region` and `endpoint`",
    ];
    expect(&error, ErrorKind::Unreachable, &words);
}
