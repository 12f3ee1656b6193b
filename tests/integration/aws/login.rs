//! As whom secrets are read.

use std::path::{Path, PathBuf};

use gitops_dr::redact::{MASK, Redactor};
use gitops_dr::secrets::aws::{Aws, Login, Role, Settings};
use gitops_dr::secrets::{ErrorKind, Store as _};
use serde_json::json;
use testbed::Folder;

use super::bench::{CANARY, KEY_ID, expect, settings, store, value};
use super::fake::{Asked, Fake, Scripted, document, refusal, secret};

const ROLE: &str = "arn:aws:iam::123456789012:role/recovery";
const GIVEN: &str = "canary-secret-that-was-given-out";
const TOKEN: &str = "canary-token-of-a-session";
/// Names the server to the test that runs in an environment of its own.
const SERVER: &str = "GITOPS_DR_TEST_AWS";

/// Plays the Security Token Service, the container's and the instance's credentials, and Secrets Manager.
fn all_of_aws(asked: &Asked, _: usize) -> Scripted {
    let given = |id: &str| {
        document(&json!({
            "Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2026-01-01T00:00:00Z", "Expiration": "2099-01-01T00:00:00Z",
            "AccessKeyId": id, "SecretAccessKey": GIVEN, "Token": TOKEN,
        }))
    };
    let session = |action: &str| {
        let body = format!(
            "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result><Credentials>\
             <AccessKeyId>OF-THE-ROLE</AccessKeyId><SecretAccessKey>{GIVEN}</SecretAccessKey><SessionToken>{TOKEN}</SessionToken>\
             <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></{action}Result></{action}Response>"
        );
        (200, "Content-Type: text/xml\r\n".to_owned(), body)
    };
    match asked.action.as_str() {
        "/container" => given("OF-THE-CONTAINER"),
        "/latest/api/token" => (
            200,
            "x-aws-ec2-metadata-token-ttl-seconds: 60\r\n".to_owned(),
            "t".to_owned(),
        ),
        "/latest/meta-data/iam/security-credentials/" => (200, String::new(), "machine".to_owned()),
        "/latest/meta-data/iam/security-credentials/machine" => given("OF-THE-INSTANCE"),
        "/" if asked.body.contains("AssumeRoleWithWebIdentity") => session("AssumeRoleWithWebIdentity"),
        "/" => session("AssumeRole"),
        _ => secret(),
    }
}

fn role(endpoint: &str) -> Role {
    Role {
        arn: ROLE.to_owned(),
        session_name: None,
        external_id: Some("shop".to_owned()),
        endpoint: Some(endpoint.parse().unwrap()),
    }
}

#[tokio::test]
async fn a_role_is_assumed_and_what_it_is_given_is_learnt() {
    let fake = Fake::start(all_of_aws).await;
    let redactor = Redactor::default();
    let settings = Settings {
        role: Some(role(&fake.url())),
        ..settings(&fake.url())
    };
    let aws = Aws::new(settings, &redactor).unwrap();
    for _ in 0..2 {
        assert_eq!(
            value(&aws.read("dr/repo", None).await.unwrap(), "password"),
            Some(CANARY)
        );
    }
    let asked = fake.asked();
    let keys: Vec<&str> = asked.iter().map(|asked| asked.key.as_str()).collect();
    assert_eq!(keys, [KEY_ID, "OF-THE-ROLE", "OF-THE-ROLE"]);
    for word in [
        "Action=AssumeRole",
        "ExternalId=shop",
        "RoleSessionName=gitops-dr",
        "role%2Frecovery",
    ] {
        assert!(asked[0].body.contains(word), "{}", asked[0].body);
    }
    assert!(asked[1].has_token);
    assert_eq!(redactor.redact(&format!("{GIVEN} {TOKEN}")), format!("{MASK} {MASK}"));
}

#[tokio::test]
async fn a_role_that_is_not_given_says_what_both_sides_need() {
    let body = "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>AccessDenied</Code>\
        <Message>User: arn:aws:iam::123456789012:user/dr is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/recovery</Message>\
        </Error><RequestId>1</RequestId></ErrorResponse>";
    let fake = Fake::start(move |_, _| (403, "Content-Type: text/xml\r\n".to_owned(), body.to_owned())).await;
    let aws = store(Settings {
        role: Some(role(&fake.url())),
        ..settings(&fake.url())
    });
    let words = [
        "store aws is not given arn:aws:iam::123456789012:role/recovery to assume",
        "it answered AccessDenied: User: arn:aws:iam::123456789012:user/dr",
        r#"{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::123456789012:role/recovery"}"#,
        "`external-id`",
    ];
    for _ in 0..2 {
        expect(&aws.read("dr/repo", None).await.unwrap_err(), ErrorKind::Login, &words);
    }
    assert_eq!(fake.asked().len(), 1, "a refused login is not tried by every read");
}

#[tokio::test]
async fn a_token_service_that_does_not_answer_is_named() {
    let fake = Fake::start(all_of_aws).await;
    let port = testbed::Port::free().unwrap();
    let aws = store(Settings {
        role: Some(role(&format!("http://127.0.0.1:{port}"))),
        ..settings(&fake.url())
    });
    let words = [
        "the Security Token Service for store aws in eu-west-1",
        &format!("127.0.0.1:{port}"),
        "connection refused",
    ];
    expect(&aws.check().await.unwrap_err(), ErrorKind::Unreachable, &words);
}

#[tokio::test]
async fn a_profile_that_is_not_there_is_named() {
    let aws = store(Settings {
        login: Login::Profile("of-nobody".to_owned()),
        ..settings("http://127.0.0.1:1")
    });
    let words = [
        "the profile of-nobody gives no credentials",
        "have no such profile",
        "`aws configure list-profiles`",
    ];
    expect(&aws.check().await.unwrap_err(), ErrorKind::Login, &words);
}

#[tokio::test]
async fn credentials_are_found_where_everybody_keeps_them() {
    let fake = Fake::start(all_of_aws).await;
    let folder = Folder::new("aws").unwrap();
    let file = |name: &str, text: &str| {
        let path: PathBuf = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let profile = format!("[other]\naws_access_key_id = OF-THE-PROFILE\naws_secret_access_key = {GIVEN}\n");
    let (profile, jwt) = (file("credentials", &profile), file("jwt", TOKEN));
    let url = fake.url();
    let container = format!("{url}/container");
    for (way, variables, key) in [
        (
            "variables",
            vec![("AWS_ACCESS_KEY_ID", "OF-THE-SHELL"), ("AWS_SECRET_ACCESS_KEY", GIVEN)],
            "OF-THE-SHELL",
        ),
        (
            "the profile of a variable",
            vec![("AWS_SHARED_CREDENTIALS_FILE", &profile), ("AWS_PROFILE", "other")],
            "OF-THE-PROFILE",
        ),
        (
            "a web identity",
            vec![
                ("AWS_WEB_IDENTITY_TOKEN_FILE", &jwt),
                ("AWS_ROLE_ARN", ROLE),
                ("AWS_ENDPOINT_URL_STS", &url),
            ],
            "OF-THE-ROLE",
        ),
        (
            "the container's",
            vec![("AWS_CONTAINER_CREDENTIALS_FULL_URI", &container)],
            "OF-THE-CONTAINER",
        ),
        (
            "the instance's",
            vec![("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url)],
            "OF-THE-INSTANCE",
        ),
        // What leads other clients elsewhere does not lead this one.
        (
            "variables that steer",
            vec![
                ("AWS_ACCESS_KEY_ID", "OF-THE-SHELL"),
                ("AWS_SECRET_ACCESS_KEY", GIVEN),
                ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
                ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:1"),
                ("AWS_REGION", "us-east-1"),
            ],
            "OF-THE-SHELL",
        ),
    ] {
        let said = elsewhere(folder.path(), &url, &variables).await;
        assert!(said.contains("read 1 key"), "{way}: {said}");
        let last = fake.asked().pop().unwrap();
        assert_eq!(
            (last.key.as_str(), last.region.as_str()),
            (key, "eu-west-1"),
            "{way}: {said}"
        );
    }
    let said = elsewhere(folder.path(), &url, &[("AWS_EC2_METADATA_DISABLED", "true")]).await;
    for word in [
        "store aws: there are no credentials",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "export AWS_ACCESS_KEY_ID",
    ] {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
}

#[tokio::test]
async fn a_web_identity_that_is_refused_says_whom_the_role_must_trust() {
    let body = "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>AccessDenied</Code>\
        <Message>Not authorized to perform sts:AssumeRoleWithWebIdentity</Message></Error></ErrorResponse>";
    let fake = Fake::start(move |_, _| (403, "Content-Type: text/xml\r\n".to_owned(), body.to_owned())).await;
    let folder = Folder::new("aws").unwrap();
    let jwt = folder.join("jwt");
    std::fs::write(&jwt, TOKEN).unwrap();
    let (url, jwt) = (fake.url(), jwt.display().to_string());
    let variables = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", jwt.as_str()),
        ("AWS_ROLE_ARN", ROLE),
        ("AWS_ENDPOINT_URL_STS", &url),
    ];
    let said = elsewhere(folder.path(), &url, &variables).await;
    for word in [
        "store aws is not given the role to assume",
        "Not authorized to perform sts:AssumeRoleWithWebIdentity",
        "that of a cluster that was rebuilt is another",
    ] {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
    assert!(!said.contains(TOKEN), "{said}");
}

/// Runs [`reads_by_what_it_finds`] with a home and variables of its own, and returns what it said.
#[expect(
    clippy::disallowed_methods,
    reason = "the variables of this process cannot be changed, those of a child can"
)]
async fn elsewhere(home: &Path, server: &str, variables: &[(&str, &str)]) -> String {
    let child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "aws::login::reads_by_what_it_finds",
            "--ignored",
            "--nocapture",
        ])
        .env_clear()
        .env("HOME", home)
        .env(SERVER, server)
        .envs(variables.iter().copied())
        .output()
        .await
        .unwrap();
    String::from_utf8_lossy(&[child.stdout, child.stderr].concat()).into_owned()
}

#[tokio::test]
#[ignore = "a part of `credentials_are_found_where_everybody_keeps_them`, which runs it in other environments"]
#[expect(clippy::print_stdout, reason = "what it finds is told to the test that runs it")]
async fn reads_by_what_it_finds() {
    let aws = store(Settings {
        login: Login::Found,
        ..settings(&std::env::var(SERVER).unwrap())
    });
    match aws.read("dr/repo", None).await {
        Ok(stored) => println!("read {} key", stored.data.len()),
        Err(error) => println!("{error}: {}; {}", error.causes().join("; "), error.hints().join("; ")),
    }
}

#[tokio::test]
async fn credentials_that_end_in_mid_run_are_asked_for_again() {
    // The role's first session is over as soon as it is given out.
    let fake = Fake::start(|asked, before| {
        let (status, headers, body) = all_of_aws(asked, before);
        let soon = if before == 0 { "2020-01-01" } else { "2099-01-01" };
        (status, headers, body.replace("2099-01-01", soon))
    })
    .await;
    let aws = store(Settings {
        role: Some(role(&fake.url())),
        ..settings(&fake.url())
    });
    for _ in 0..3 {
        aws.read("dr/repo", None).await.unwrap();
    }
    let roles = fake.actions().into_iter().filter(|action| action == "/").count();
    assert_eq!(roles, 2, "{:?}", fake.asked());
    // Whoever is refused all the same says so.
    let fake =
        Fake::start(|_, _| refusal("ExpiredToken", "The security token included in the request is expired")).await;
    let error = store(settings(&fake.url())).read("dr/repo", None).await.unwrap_err();
    expect(&error, ErrorKind::Login, &["have expired"]);
}
