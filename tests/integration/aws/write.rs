//! Writing: a new version where nobody else has written, and nothing anywhere else.

use std::collections::BTreeMap;

use gitops_dr::redact::Secret;
use gitops_dr::secrets::aws::{Aws, Settings};
use gitops_dr::secrets::{Error, ErrorKind, Store as _};
use serde_json::{Value, json};
use testbed::{Moto, Port};

use super::bench::{CANARY, REGION, REPLICA, expect, place, settings, store, value};
use super::fake::{Asked, Fake, Scripted, document, refusal};

const REPO: &str = "dr/repo";
const OVER: &str = "11111111-1111-4111-8111-111111111111";
const THEIRS: &str = "22222222-2222-4222-8222-222222222222";

fn password(value: &str) -> BTreeMap<String, Secret> {
    BTreeMap::from([("password".to_owned(), Secret::from(value))])
}

async fn write(aws: &Aws, path: &str, value: &str, over: Option<&str>) -> Result<String, Error> {
    aws.writer().unwrap().write(path, &password(value), over).await
}

/// What is there: the value and its version.
async fn there(aws: &Aws, path: &str) -> (String, String) {
    let stored = aws.read(path, None).await.unwrap();
    (value(&stored, "password").unwrap().to_owned(), stored.version.unwrap())
}

/// The stages of all versions of a secret.
async fn stages(moto: &Moto, path: &str) -> BTreeMap<String, Vec<String>> {
    let described = moto
        .ask(REGION, "DescribeSecret", &json!({"SecretId": path}))
        .await
        .unwrap();
    serde_json::from_value(described["VersionIdsToStages"].clone()).unwrap()
}

#[tokio::test]
async fn a_secret_is_written_anew_and_over_the_version_that_is_known_and_no_stage_of_ours_is_left() {
    let moto = Moto::start().await.unwrap();
    let aws = store(settings(moto.address()));
    let first = write(&aws, REPO, "first", None).await.unwrap();
    let second = write(&aws, REPO, CANARY, Some(&first)).await.unwrap();
    assert_eq!(there(&aws, REPO).await, (CANARY.to_owned(), second.clone()));
    let before = aws.read(REPO, Some("AWSPREVIOUS")).await.unwrap();
    assert_eq!(
        (value(&before, "password"), before.version.as_ref()),
        (Some("first"), Some(&first))
    );
    assert_eq!(
        stages(&moto, REPO).await,
        BTreeMap::from([
            (first.clone(), vec!["AWSPREVIOUS".to_owned()]),
            (second.clone(), vec!["AWSCURRENT".to_owned()]),
        ])
    );
    // An id is one, and not taken for a stage.
    assert_eq!(
        value(&aws.read(REPO, Some(&first)).await.unwrap(), "password"),
        Some("first")
    );
    let arn = moto
        .ask(REGION, "DescribeSecret", &json!({"SecretId": REPO}))
        .await
        .unwrap();
    let arn = arn["ARN"].as_str().unwrap();
    let third = write(&aws, arn, "third", Some(&second)).await.unwrap();
    assert_eq!(there(&aws, REPO).await, ("third".to_owned(), third));
}

#[tokio::test]
async fn what_has_no_keys_is_stored_as_the_text_that_it_is() {
    let moto = Moto::start().await.unwrap();
    let aws = store(settings(moto.address()));
    for (name, text, expected) in [
        ("dr/pem", "-----BEGIN\r\nx", "-----BEGIN\r\nx"),
        ("dr/object", r#"{"a": "b"}"#, r#"{"value":"{\"a\": \"b\"}"}"#),
        ("dr/empty", "", r#"{"value":""}"#),
    ] {
        let data = BTreeMap::from([("value".to_owned(), Secret::from(text))]);
        aws.writer().unwrap().write(name, &data, None).await.unwrap();
        let asked = json!({"SecretId": name});
        let held = moto.ask(REGION, "GetSecretValue", &asked).await.unwrap();
        assert_eq!(held["SecretString"], expected, "{name}");
        assert_eq!(
            aws.read(name, None).await.unwrap().data,
            data,
            "{name}: it is read as it was written"
        );
    }
}

#[tokio::test]
async fn where_somebody_else_has_written_meanwhile_the_newest_stays_what_it_is() {
    let moto = Moto::start().await.unwrap();
    let aws = store(settings(moto.address()));
    let first = write(&aws, REPO, "ours", None).await.unwrap();
    // The second writer.
    let theirs = moto.rewrite(REGION, REPO, r#"{"password": "theirs"}"#).await.unwrap();
    let is_there = format!("version {theirs} is there");
    let error = write(&aws, REPO, CANARY, Some(&first)).await.unwrap_err();
    let words = [
        "dr/repo in store aws in eu-west-1 is not what it was",
        &format!("version {first} was to be written over"),
        &is_there,
        "is without a stage",
        "`aws secretsmanager describe-secret --region eu-west-1 --secret-id dr/repo`",
    ];
    expect(&error, ErrorKind::Moved, &words);
    let error = write(&aws, REPO, CANARY, None).await.unwrap_err();
    expect(
        &error,
        ErrorKind::Moved,
        &["nothing was to be there", &is_there, "ResourceExistsException"],
    );
    assert_eq!(there(&aws, REPO).await, ("theirs".to_owned(), theirs.clone()));
    // What was stored beside is without a stage, so that AWS drops it.
    let mut stages = stages(&moto, REPO).await;
    assert_eq!(stages.remove(&theirs).unwrap(), ["AWSCURRENT"]);
    assert_eq!(stages.remove(&first).unwrap(), ["AWSPREVIOUS"]);
    assert!(stages.len() == 1 && stages.values().all(Vec::is_empty), "{stages:?}");
    let error = write(&aws, "dr/none", CANARY, Some(&first)).await.unwrap_err();
    expect(&error, ErrorKind::Moved, &["and nothing is there"]);
    aws.read("dr/none", None).await.unwrap_err();
}

#[tokio::test]
async fn of_two_who_write_at_once_exactly_one_does() {
    let moto = Moto::start().await.unwrap();
    let (one, two) = (store(settings(moto.address())), store(settings(moto.address())));
    let over = write(&one, REPO, "before", None).await.unwrap();
    let (left, right) = tokio::join!(
        write(&one, REPO, "left", Some(&over)),
        write(&two, REPO, "right", Some(&over))
    );
    let (won, lost) = match (left, right) {
        (Ok(id), Err(lost)) => (("left".to_owned(), id), lost),
        (Err(lost), Ok(id)) => (("right".to_owned(), id), lost),
        both => panic!("{both:?}"),
    };
    expect(&lost, ErrorKind::Moved, &[&format!("version {} is there", won.1)]);
    assert_eq!(there(&one, REPO).await, won);
}

#[tokio::test]
async fn a_secret_that_has_never_had_a_value_gets_its_first_one() {
    let moto = Moto::start().await.unwrap();
    moto.ask(REGION, "CreateSecret", &json!({"Name": REPO})).await.unwrap();
    let aws = store(settings(moto.address()));
    let id = write(&aws, REPO, CANARY, None).await.unwrap();
    assert_eq!(there(&aws, REPO).await, (CANARY.to_owned(), id.clone()));
    assert_eq!(
        stages(&moto, REPO).await,
        BTreeMap::from([(id, vec!["AWSCURRENT".to_owned()])])
    );
}

#[tokio::test]
async fn what_is_to_be_deleted_is_told_and_not_brought_back() {
    let moto = Moto::start().await.unwrap();
    moto.put(REGION, REPO, "{}").await.unwrap();
    let body = json!({"SecretId": REPO, "RecoveryWindowInDays": 7});
    moto.ask(REGION, "DeleteSecret", &body).await.unwrap();
    let words = [
        "was scheduled for deletion",
        "`aws secretsmanager restore-secret --region eu-west-1 --secret-id dr/repo`",
    ];
    let aws = store(settings(moto.address()));
    let error = write(&aws, REPO, CANARY, None).await.unwrap_err();
    expect(&error, ErrorKind::Deleted, &words);
    let wanted = json!({"SecretId": REPO});
    let described = moto.ask(REGION, "DescribeSecret", &wanted).await.unwrap();
    assert!(described["DeletedDate"].is_number());

    // AWS itself refuses both, other than moto.
    let said = "You can't perform this operation on the secret because it was marked for deletion.";
    let fake = Fake::start(move |asked, _| match asked.action.as_str() {
        "DescribeSecret" => document(&json!({"Name": REPO, "DeletedDate": 1_700_000_000})),
        _ => refusal("InvalidRequestException", said),
    })
    .await;
    let aws = store(settings(&fake.url()));
    for over in [None, Some(OVER)] {
        let error = write(&aws, REPO, CANARY, over).await.unwrap_err();
        expect(&error, ErrorKind::Deleted, &words);
    }
    assert!(
        !fake.actions().iter().any(|action| action.contains("Stage")),
        "{:?}",
        fake.actions()
    );
}

#[tokio::test]
async fn only_the_region_of_the_originals_is_written() {
    let moto = Moto::start().await.unwrap();
    let body = json!({"Name": REPO, "SecretString": "{}", "AddReplicaRegions": [{"Region": REPLICA}]});
    let created = moto.ask(REGION, "CreateSecret", &body).await.unwrap();
    let over = created["VersionId"].as_str().unwrap();
    // The region of the replica, named as that of the originals.
    let wrong = store(Settings {
        place: place(REPLICA, moto.address()),
        ..settings(moto.address())
    });
    for path in [REPO, created["ARN"].as_str().unwrap()] {
        let error = write(&wrong, path, CANARY, Some(over)).await.unwrap_err();
        expect(&error, ErrorKind::Configuration, &[path, "eu-central-1"]);
    }
    let port = Port::free().unwrap();
    let down = store(Settings {
        place: place(REGION, &format!("http://127.0.0.1:{port}")),
        replicas: vec![place(REPLICA, moto.address())],
        ..settings(moto.address())
    });
    down.read(REPO, None).await.unwrap();
    let error = write(&down, REPO, CANARY, Some(over)).await.unwrap_err();
    expect(
        &error,
        ErrorKind::Unreachable,
        &["store aws in eu-west-1", "connection refused"],
    );
    let stored = store(settings(moto.address())).read(REPO, None).await.unwrap();
    assert!(stored.data.is_empty() && stored.version.as_deref() == Some(over));
}

#[tokio::test]
async fn what_cannot_be_stored_is_refused_before_anything_is_sent() {
    let fake = Fake::start(|_, _| document(&json!({}))).await;
    let aws = store(settings(&fake.url()));
    let writer = aws.writer().unwrap();
    let of = |value: &[u8]| BTreeMap::from([("tls.key".to_owned(), Secret::new(value))]);
    let arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:dr/repo-AbCdEf";
    for (path, data, over, kind, words) in [
        (REPO, of(&[0xff]), None, ErrorKind::NotText, "base64: true"),
        (
            REPO,
            of("x".repeat(65_536).as_bytes()),
            None,
            ErrorKind::Configuration,
            "read the folder: a path with a slash at its end",
        ),
        ("dr/", of(b"x"), None, ErrorKind::Configuration, "is a folder"),
        (
            arn,
            of(b"x"),
            None,
            ErrorKind::Configuration,
            "is an ARN, and AWS makes that",
        ),
    ] {
        let error = writer.write(path, &data, over).await.unwrap_err();
        expect(&error, kind, &[words]);
    }
    assert!(fake.asked().is_empty(), "{:?}", fake.actions());
}

/// An AWS that has a secret whose newest version is [`OVER`] and stores a new one; `answer` is what else it says.
async fn having(answer: impl Fn(&Asked) -> Option<Scripted> + Send + Sync + 'static) -> Fake {
    Fake::start(move |asked, _| {
        if let Some(scripted) = answer(asked) {
            return scripted;
        }
        let body: Value = serde_json::from_str(&asked.body).unwrap();
        match asked.action.as_str() {
            "PutSecretValue" => {
                document(&json!({"VersionId": body["ClientRequestToken"], "VersionStages": body["VersionStages"]}))
            }
            "DescribeSecret" => document(&json!({"Name": REPO, "VersionIdsToStages": {(OVER): ["AWSCURRENT"]}})),
            _ => document(&json!({})),
        }
    })
    .await
}

fn denied(action: &str) -> Scripted {
    let words = format!(
        "User: arn:aws:iam::123456789012:user/dr is not authorized to perform: secretsmanager:{action} on resource: {REPO} because no identity-based policy allows it {CANARY}"
    );
    refusal("AccessDeniedException", &words)
}

fn is_promotion(asked: &Asked) -> bool {
    asked.action == "UpdateSecretVersionStage" && asked.body.contains("AWSCURRENT")
}

#[tokio::test]
async fn a_denied_write_comes_with_the_statement_that_allows_it() {
    let resource = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:dr/repo-??????";
    let allow = |actions: &str| format!(r#"{{"Effect":"Allow","Action":{actions},"Resource":"{resource}"}}"#);
    let both = allow(r#"["secretsmanager:PutSecretValue","secretsmanager:UpdateSecretVersionStage"]"#);
    for (action, over, statement) in [
        ("CreateSecret", None, allow(r#""secretsmanager:CreateSecret""#)),
        ("PutSecretValue", Some(OVER), both.clone()),
        ("UpdateSecretVersionStage", Some(OVER), both),
    ] {
        let fake = having(move |asked| (asked.action == action).then(|| denied(action))).await;
        let error = write(&store(settings(&fake.url())), REPO, CANARY, over)
            .await
            .unwrap_err();
        expect(
            &error,
            ErrorKind::Denied,
            &["does not allow us to write dr/repo", &statement],
        );
    }
    let fake = having(|asked| {
        (asked.action == "PutSecretValue").then(|| refusal("AccessDeniedException", "Access to KMS is not allowed"))
    })
    .await;
    let error = write(&store(settings(&fake.url())), REPO, CANARY, Some(OVER))
        .await
        .unwrap_err();
    let words = [
        "does not allow us to encrypt dr/repo",
        r#""Action":["kms:GenerateDataKey","kms:Decrypt"]"#,
    ];
    expect(&error, ErrorKind::Denied, &words);
}

#[tokio::test]
async fn a_version_that_was_stored_and_could_not_be_made_the_newest_is_named() {
    // Nothing of stages is allowed, so that ours cannot be taken off.
    let fake =
        having(|asked| (asked.action == "UpdateSecretVersionStage").then(|| denied("UpdateSecretVersionStage"))).await;
    let error = write(&store(settings(&fake.url())), REPO, CANARY, Some(OVER))
        .await
        .unwrap_err();
    let put: Value = serde_json::from_str(&fake.asked()[0].body).unwrap();
    let id = put["ClientRequestToken"].as_str().unwrap();
    let words = [
        &format!("version {id} was stored and has the stage gitops-dr"),
        &format!("--version-stage gitops-dr --remove-from-version-id {id}`"),
    ];
    expect(&error, ErrorKind::Denied, &words.map(|word| word as &str));
    assert_eq!(put["VersionStages"], json!(["gitops-dr"]));
}

#[tokio::test]
async fn what_came_of_a_write_is_believed_of_what_is_the_newest_then() {
    for (newest, is_ours) in [("ours", true), (THEIRS, false)] {
        let id = std::sync::Mutex::new(String::new());
        // The answer to the comparison is lost each time, whatever came of it.
        let fake = having(move |asked| {
            let body: Value = serde_json::from_str(&asked.body).unwrap();
            let mut id = id.lock().unwrap();
            if asked.action == "PutSecretValue" {
                *id = body["ClientRequestToken"].as_str().unwrap().to_owned();
            }
            let current = if newest == "ours" { id.as_str() } else { newest };
            match asked.action.as_str() {
                "UpdateSecretVersionStage" if is_promotion(asked) => Some((500, String::new(), String::new())),
                "DescribeSecret" => Some(document(&json!({"VersionIdsToStages": {(current): ["AWSCURRENT"]}}))),
                _ => None,
            }
        })
        .await;
        let written = write(&store(settings(&fake.url())), REPO, CANARY, Some(OVER)).await;
        let asked = fake.asked();
        let put: Value = serde_json::from_str(&asked[0].body).unwrap();
        // However often it was sent, it was one version, taken from the one that was named.
        let promotions: Vec<Value> = asked
            .iter()
            .filter(|asked| is_promotion(asked))
            .map(|asked| serde_json::from_str(&asked.body).unwrap())
            .collect();
        assert!(promotions.len() > 1, "{:?}", fake.actions());
        for promotion in promotions {
            assert_eq!(promotion["MoveToVersionId"], put["ClientRequestToken"]);
            assert_eq!(promotion["RemoveFromVersionId"], OVER);
        }
        if is_ours {
            assert_eq!(json!(written.unwrap()), put["ClientRequestToken"]);
        } else {
            expect(
                &written.unwrap_err(),
                ErrorKind::Moved,
                &[&format!("version {THEIRS} is there")],
            );
        }
    }
}

#[tokio::test]
async fn a_quota_that_is_used_up_and_a_key_that_is_disabled_are_told() {
    for (code, said, kind, words) in [
        (
            "LimitExceededException",
            "The request failed because it would exceed one of the Secrets Manager quotas.",
            ErrorKind::Configuration,
            "a quota of the account is used up",
        ),
        (
            "EncryptionFailure",
            "Secrets Manager can't encrypt the protected secret text using the provided KMS key.",
            ErrorKind::Undecipherable,
            "cannot encrypt dr/repo",
        ),
        (
            "InvalidParameterException",
            "The secret string is not valid:",
            ErrorKind::Configuration,
            "cannot make sense of dr/repo",
        ),
    ] {
        // AWS quotes what it was sent now and then.
        let said = format!("{said} {CANARY}");
        let fake = having(move |asked| (asked.action == "PutSecretValue").then(|| refusal(code, &said))).await;
        let error = write(&store(settings(&fake.url())), REPO, CANARY, Some(OVER))
            .await
            .unwrap_err();
        expect(&error, kind, &[words]);
    }
}
