//! Single secrets, on moto.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gitops_dr::secrets::{ErrorKind, Store as _};
use serde_json::json;
use testbed::Moto;

use super::bench::{CANARY, REGION, expect, settings, store, value};

#[tokio::test]
async fn an_object_has_its_keys_and_a_text_and_bytes_are_whole_to_the_last_byte() {
    let moto = Moto::start().await.unwrap();
    let object = json!({"username": "dr", "password": CANARY, "port": 5432, "nothing": null}).to_string();
    let pem = "-----BEGIN KEY-----\r\nY2FuYXJ5\r\n-----END KEY-----";
    let bytes = [0, 255, 13, 10, 123];
    moto.put(REGION, "dr/object", &object).await.unwrap();
    moto.put(REGION, "dr/pem", pem).await.unwrap();
    let body = json!({"Name": "dr/bytes", "SecretBinary": STANDARD.encode(bytes)});
    moto.ask(REGION, "CreateSecret", &body).await.unwrap();
    let aws = store(settings(moto.address()));
    aws.check().await.unwrap();

    let stored = aws.read("dr/object", None).await.unwrap();
    let keys: Vec<&str> = stored.data.keys().map(String::as_str).collect();
    assert_eq!(keys, ["password", "port", "username"]);
    assert_eq!(
        (value(&stored, "password"), value(&stored, "port")),
        (Some(CANARY), Some("5432"))
    );
    assert!(stored.version.is_some() && stored.written.is_some(), "{stored:?}");
    assert!(!format!("{stored:?}").contains("canary"));
    assert_eq!(value(&aws.read("dr/pem", None).await.unwrap(), "value"), Some(pem));
    assert_eq!(aws.read("dr/bytes", None).await.unwrap().data["value"].expose(), bytes);
}

#[tokio::test]
async fn a_version_is_pinned_by_its_id_or_its_stage_and_a_missing_one_tells_which_there_are() {
    let moto = Moto::start().await.unwrap();
    let first = moto.put(REGION, "dr/repo", "one").await.unwrap();
    let second = moto.rewrite(REGION, "dr/repo", "two").await.unwrap();
    let aws = store(settings(moto.address()));
    for (version, expected, id) in [
        (None, "two", &second),
        (Some("AWSCURRENT"), "two", &second),
        (Some("AWSPREVIOUS"), "one", &first),
        (Some(first.as_str()), "one", &first),
    ] {
        let stored = aws.read("dr/repo", version).await.unwrap();
        assert_eq!(
            (value(&stored, "value"), stored.version.as_ref()),
            (Some(expected), Some(id)),
            "{version:?}"
        );
        let seen = aws.look("dr/repo", version).await.unwrap();
        assert_eq!((seen.version.as_ref(), seen.keys), (Some(id), None), "{version:?}");
        assert_eq!(seen.written.is_some(), *id == second, "{version:?}");
    }
    let there = format!("{second} (AWSCURRENT)");
    let strange = "00000000-0000-4000-8000-000000000000";
    for version in ["green", strange] {
        let words = [
            &format!("has no version {version} of dr/repo"),
            there.as_str(),
            "AWSPREVIOUS",
        ];
        let error = aws.read("dr/repo", Some(version)).await.unwrap_err();
        expect(&error, ErrorKind::MissingVersion, &words);
        let error = aws.look("dr/repo", Some(version)).await.unwrap_err();
        expect(&error, ErrorKind::MissingVersion, &words);
        let error = aws.read("dr/none", Some(version)).await.unwrap_err();
        expect(&error, ErrorKind::MissingPath, &["has no secret dr/none"]);
    }
}

#[tokio::test]
async fn what_is_not_there_and_what_is_to_be_deleted_says_how_to_come_by_it() {
    let moto = Moto::start().await.unwrap();
    moto.put(REGION, "dr/repo-platform", CANARY).await.unwrap();
    moto.put(REGION, "dr/old", CANARY).await.unwrap();
    let body = json!({"SecretId": "dr/old", "RecoveryWindowInDays": 7});
    moto.ask(REGION, "DeleteSecret", &body).await.unwrap();
    let aws = store(settings(moto.address()));

    let error = aws.read("dr/repo-platfrom", None).await.unwrap_err();
    let words = [
        "store aws in eu-west-1 has no secret dr/repo-platfrom",
        "did you mean dr/repo-platform?",
        "`aws secretsmanager list-secrets --region eu-west-1`",
    ];
    expect(&error, ErrorKind::MissingPath, &words);
    let words = [
        "dr/old in store aws in eu-west-1 was scheduled for deletion at 20",
        "`aws secretsmanager restore-secret --region eu-west-1 --secret-id dr/old`",
    ];
    expect(&aws.read("dr/old", None).await.unwrap_err(), ErrorKind::Deleted, &words);
    expect(&aws.look("dr/old", None).await.unwrap_err(), ErrorKind::Deleted, &words);
}
