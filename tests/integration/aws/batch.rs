//! Many secrets at once.

use gitops_dr::secrets::{ErrorKind, Request, Store, Stored, Wanted, read_all};
use serde_json::{Value, json};
use testbed::Moto;

use super::bench::{CANARY, REGION, expect, settings, store, value};
use super::fake::{Fake, document, refusal, secret};

/// Reads the newest versions of secrets, as a restore does.
async fn read(store: &dyn Store, paths: &[&str]) -> Vec<Result<Stored, gitops_dr::secrets::Error>> {
    let requests: Vec<Request<'_>> = paths
        .iter()
        .map(|path| Request {
            store,
            wanted: Wanted { path, version: None },
        })
        .collect();
    read_all(requests).await
}

#[tokio::test]
async fn forty_five_secrets_are_three_requests() {
    let moto = Moto::start().await.unwrap();
    let names: Vec<String> = (0..45).map(|number| format!("dr/{number}")).collect();
    for name in &names {
        moto.put(REGION, name, &format!("{CANARY}{name}")).await.unwrap();
    }
    let aws = store(settings(moto.address()));
    let before = moto.answered();
    let mut paths: Vec<&str> = names.iter().map(String::as_str).collect();
    // A secret that is wanted twice is read once.
    paths.push("dr/7");
    let read = read(&aws, &paths).await;
    assert_eq!(moto.answered() - before, 3);
    assert_eq!(read.len(), 46);
    for (path, stored) in paths.iter().zip(read) {
        assert_eq!(
            value(&stored.unwrap(), "value"),
            Some(format!("{CANARY}{path}").as_str())
        );
    }
}

#[tokio::test]
async fn of_a_batch_that_succeeds_in_part_each_secret_has_its_own_answer() {
    let moto = Moto::start().await.unwrap();
    for name in ["dr/a", "dr/b", "dr/gone"] {
        moto.put(REGION, name, CANARY).await.unwrap();
    }
    moto.rewrite(REGION, "dr/b", "newer").await.unwrap();
    moto.ask(REGION, "DeleteSecret", &json!({"SecretId": "dr/gone"}))
        .await
        .unwrap();
    let aws = store(settings(moto.address()));
    let wanted = [
        ("dr/a", None),
        ("dr/gone", None),
        ("dr/none", None),
        ("dr/b", Some("AWSPREVIOUS")),
        ("dr/b", None),
    ];
    let wanted = wanted.map(|(path, version)| Wanted { path, version });
    let read = aws.read_many(&wanted).await;
    assert_eq!(value(read[0].as_ref().unwrap(), "value"), Some(CANARY));
    expect(read[1].as_ref().unwrap_err(), ErrorKind::Deleted, &["restore-secret"]);
    expect(
        read[2].as_ref().unwrap_err(),
        ErrorKind::MissingPath,
        &["no secret dr/none"],
    );
    assert_eq!(value(read[3].as_ref().unwrap(), "value"), Some(CANARY));
    assert_eq!(value(read[4].as_ref().unwrap(), "value"), Some("newer"));
}

#[tokio::test]
async fn a_value_that_a_batch_was_kept_from_by_throttling_is_asked_for_again() {
    let fake = Fake::start(|asked, _| match asked.action.as_str() {
        "BatchGetSecretValue" => document(&json!({
            "SecretValues": [{"Name": "dr/other", "SecretString": "x", "VersionId": "v"}],
            "Errors": [{"SecretId": "dr/repo", "ErrorCode": "ThrottlingException", "Message": CANARY}],
        })),
        _ => secret(),
    })
    .await;
    let aws = store(settings(&fake.url()));
    let read = read(&aws, &["dr/repo", "dr/other"]).await;
    assert_eq!(value(read[0].as_ref().unwrap(), "password"), Some(CANARY));
    assert_eq!(value(read[1].as_ref().unwrap(), "value"), Some("x"));
    assert_eq!(fake.actions(), ["BatchGetSecretValue", "GetSecretValue"]);
}

#[tokio::test]
async fn where_batches_are_not_allowed_secrets_are_read_one_by_one_and_that_is_remembered() {
    let denied = "User: arn:aws:iam::123456789012:user/dr is not authorized to perform: secretsmanager:BatchGetSecretValue because no identity-based policy allows the secretsmanager:BatchGetSecretValue action";
    for (code, words) in [("AccessDeniedException", denied), ("UnknownOperationException", "")] {
        let fake = Fake::start(move |asked, _| match asked.action.as_str() {
            "BatchGetSecretValue" => refusal(code, words),
            _ => secret(),
        })
        .await;
        let aws = store(settings(&fake.url()));
        for _ in 0..2 {
            for stored in read(&aws, &["dr/a", "dr/b", "dr/c"]).await {
                assert_eq!(value(&stored.unwrap(), "password"), Some(CANARY));
            }
        }
        let actions = fake.actions();
        let batches = actions.iter().filter(|action| *action == "BatchGetSecretValue").count();
        assert_eq!((batches, actions.len()), (1, 7), "{code}");
    }
}

#[tokio::test]
async fn a_name_that_spoils_its_batch_spoils_no_other_secret() {
    let fake = Fake::start(|asked, _| {
        let body: Value = serde_json::from_str(&asked.body).unwrap();
        if asked.action.starts_with("Batch") || body["SecretId"] == "dr/ no name" {
            refusal(
                "ValidationException",
                "Invalid name. Must be a valid name containing alphanumeric characters.",
            )
        } else {
            secret()
        }
    })
    .await;
    let aws = store(settings(&fake.url()));
    let read = read(&aws, &["dr/repo", "dr/ no name"]).await;
    assert_eq!(value(read[0].as_ref().unwrap(), "password"), Some(CANARY));
    let words = ["cannot make sense of dr/ no name", "Invalid name"];
    expect(read[1].as_ref().unwrap_err(), ErrorKind::Configuration, &words);
}
