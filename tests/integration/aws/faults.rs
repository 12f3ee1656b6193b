//! What AWS refuses, and what is said of it.

use futures::future::join_all;
use gitops_dr::clock::{Clock as _, SystemClock};
use gitops_dr::secrets::{ErrorKind, Store as _};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::bench::{CANARY, KEY, expect, settings, store, value};
use super::fake::{Fake, Scripted, document, refusal, secret};

const WHO: &str = "User: arn:aws:iam::123456789012:user/dr is not authorized to perform: secretsmanager:GetSecretValue on resource: dr/repo because";
const STATEMENT: &str = r#"{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"arn:aws:secretsmanager:eu-west-1:123456789012:secret:dr/repo-??????"}"#;
const KMS: &str = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// A server that always answers the same, and describes every secret as encrypted with [`KMS`].
async fn always(answer: impl Fn() -> Scripted + Send + Sync + 'static) -> Fake {
    Fake::start(move |asked, _| match asked.action.as_str() {
        "DescribeSecret" => document(&json!({"Name": "dr/repo", "KmsKeyId": KMS})),
        _ => answer(),
    })
    .await
}

#[tokio::test]
async fn what_is_refused_says_what_mends_it() {
    let denied = format!("{WHO} no identity-based policy allows the secretsmanager:GetSecretValue action");
    let forbidden = format!("{WHO} with an explicit deny in a resource-based policy");
    let decrypt = format!(r#"{{"Effect":"Allow","Action":"kms:Decrypt","Resource":"{KMS}"}}"#);
    let describe_key = format!("`aws kms describe-key --region eu-west-1 --key-id {KMS}`");
    for (code, message, kind, words) in [
        (
            "AccessDeniedException",
            denied.as_str(),
            ErrorKind::Denied,
            [
                "does not allow us to read dr/repo",
                "arn:aws:iam::123456789012:user/dr",
                STATEMENT,
            ],
        ),
        (
            "AccessDeniedException",
            &forbidden,
            ErrorKind::Denied,
            [
                "does not allow us to read dr/repo",
                "denies secretsmanager:GetSecretValue outright",
                "take that out",
            ],
        ),
        (
            "AccessDeniedException",
            "Access to KMS is not allowed",
            ErrorKind::Denied,
            ["does not allow us to decrypt dr/repo", &decrypt, "the key's own policy"],
        ),
        (
            "DecryptionFailure",
            "Secrets Manager can't decrypt the protected secret text using the provided KMS key.",
            ErrorKind::Undecipherable,
            ["cannot decrypt dr/repo", &describe_key, "`aws kms enable-key`"],
        ),
        (
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
            ErrorKind::Login,
            [
                "does not know our credentials",
                "give another access key",
                "may use eu-west-1",
            ],
        ),
        (
            "ExpiredTokenException",
            "The security token included in the request is expired",
            ErrorKind::Login,
            ["have expired", "ExpiredTokenException", "give another access key"],
        ),
        (
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided.",
            ErrorKind::Login,
            [
                "does not accept our signature",
                "does not match",
                "the secret of the access key is another",
            ],
        ),
    ] {
        let (code, message) = (code.to_owned(), message.to_owned());
        let fake = always(move || refusal(&code, &format!("{message} {KEY}"))).await;
        let error = store(settings(&fake.url())).read("dr/repo", None).await.unwrap_err();
        expect(&error, kind, &words);
    }
}

#[tokio::test]
async fn two_clocks_that_differ_are_told_with_both_times() {
    let clock = SystemClock::start();
    let there = clock.now() + SignedDuration::from_mins(12);
    let stamp = |time: Timestamp| time.strftime("%Y%m%dT%H%M%SZ").to_string();
    let message = format!(
        "Signature expired: {} is now earlier than {}",
        stamp(clock.now()),
        stamp(there)
    );
    let date = format!("Date: {}\r\n", there.strftime("%a, %d %b %Y %H:%M:%S GMT"));
    let fake = Fake::start(move |_, _| {
        let (status, _, body) = refusal("InvalidSignatureException", &message);
        (status, date.clone(), body)
    })
    .await;
    let aws = store(settings(&fake.url()));
    let shown = Timestamp::from_second(there.as_second()).unwrap().to_string();
    let words = [
        "does not accept a signature of another time",
        "this machine's clock shows 20",
        &format!("that of AWS {shown}"),
        "behind",
        "timedatectl set-ntp true",
    ];
    for error in [
        aws.check().await.unwrap_err(),
        aws.read("dr/repo", None).await.unwrap_err(),
    ] {
        expect(&error, ErrorKind::Login, &words);
        // A second may have gone by.
        let apart = ["ours is 12m behind", "ours is 11m 5"];
        assert!(apart.iter().any(|words| error.causes()[0].contains(words)), "{error:?}");
    }
}

#[tokio::test]
async fn throttling_is_waited_for_and_told_where_it_does_not_end() {
    let throttled = || refusal("ThrottlingException", "Rate exceeded");
    let fake = Fake::start(move |_, before| if before < 2 { throttled() } else { secret() }).await;
    let stored = store(settings(&fake.url())).read("dr/repo", None).await.unwrap();
    assert_eq!(value(&stored, "password"), Some(CANARY));
    assert_eq!(fake.asked().len(), 3);

    let fake = Fake::start(move |_, _| throttled()).await;
    let aws = store(settings(&fake.url()));
    let error = aws.read("dr/repo", None).await.unwrap_err();
    expect(
        &error,
        ErrorKind::Throttled,
        &["asks to slow down and did not stop asking", "Rate exceeded"],
    );
    assert_eq!(fake.asked().len(), 4);
}

#[tokio::test]
async fn an_answer_that_is_not_of_aws_is_not_quoted() {
    let page = format!("<html>{CANARY}{KEY}</html>");
    for (status, body, kind, words) in [
        (503, page.clone(), ErrorKind::Answer, "fails to answer"),
        (404, page.clone(), ErrorKind::Answer, "not understood"),
        (200, page, ErrorKind::Answer, "not understood"),
        (
            200,
            json!({"Name": "dr/repo", "VersionId": CANARY}).to_string(),
            ErrorKind::Answer,
            "not understood",
        ),
        (
            200,
            json!({"SecretString": format!("{{\"pin\": 123456789012345678901234, \"password\": {}}}", json!(CANARY))})
                .to_string(),
            ErrorKind::NotText,
            "pin of dr/repo in store aws is a number too long",
        ),
    ] {
        let fake = Fake::start(move |_, _| (status, String::new(), body.clone())).await;
        let error = store(settings(&fake.url())).read("dr/repo", None).await.unwrap_err();
        expect(&error, kind, &[words]);
    }
}

#[tokio::test]
async fn a_check_reads_no_secret_and_is_content_with_being_told_no() {
    for (code, message) in [
        (
            "ResourceNotFoundException",
            "Secrets Manager can't find the specified secret.",
        ),
        (
            "AccessDeniedException",
            "User: arn:aws:iam::123456789012:user/dr is not authorized to perform: secretsmanager:DescribeSecret",
        ),
        (
            "AccessDeniedException",
            "User: arn:aws:iam::123456789012:user/kms-reader is not authorized to perform: secretsmanager:DescribeSecret",
        ),
        ("AccessDeniedException", "Access to KMS is not allowed"),
    ] {
        let fake = Fake::start(move |_, _| refusal(code, message)).await;
        store(settings(&fake.url())).check().await.unwrap();
        assert_eq!(fake.actions(), ["DescribeSecret"]);
    }
}

#[tokio::test]
async fn a_refused_login_is_not_tried_by_every_read_and_again_by_the_next_check() {
    let fake = Fake::start(|_, before| {
        if before == 0 {
            refusal(
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            )
        } else {
            secret()
        }
    })
    .await;
    let aws = store(settings(&fake.url()));
    aws.check().await.unwrap_err();
    for error in join_all((0..10).map(|_| aws.read("dr/repo", None))).await {
        expect(
            &error.unwrap_err(),
            ErrorKind::Login,
            &["does not know our credentials"],
        );
    }
    assert_eq!(fake.asked().len(), 1);
    aws.check().await.unwrap();
    aws.read("dr/repo", None).await.unwrap();
}

#[tokio::test]
async fn who_may_not_look_reads() {
    let fake = Fake::start(|asked, _| match asked.action.as_str() {
        "DescribeSecret" => refusal(
            "AccessDeniedException",
            "User: a is not authorized to perform: secretsmanager:DescribeSecret",
        ),
        _ => secret(),
    })
    .await;
    let seen = store(settings(&fake.url())).look("dr/repo", None).await.unwrap();
    assert_eq!(seen.keys, Some(vec!["password".to_owned()]));
    assert_eq!(
        seen.written,
        Some(Timestamp::from_millisecond(1_700_000_000_500).unwrap())
    );
}
