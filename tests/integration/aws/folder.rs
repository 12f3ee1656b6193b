//! Whole folders.

use gitops_dr::secrets::{ErrorKind, Request, Store as _, Stored, Wanted, read_all};
use serde_json::json;
use testbed::Moto;

use super::bench::{CANARY, REGION, expect, settings, store};
use super::fake::{Fake, refusal};

fn read(stored: &Stored) -> Vec<(&str, &str)> {
    let data = stored.data.iter();
    data.map(|(key, value)| (key.as_str(), value.expose_str().unwrap()))
        .collect()
}

#[tokio::test]
async fn a_folder_is_read_as_one_secret_as_those_of_vault_are() {
    let moto = Moto::start().await.unwrap();
    let object = json!({"tls.crt": "c", "tls.key": CANARY}).to_string();
    for (name, text) in [
        ("dr/sealed/old", object.as_str()),
        ("dr/sealed/signing", "s"),
        ("dr/sealed/deeper/none", "n"),
        ("dr/sealedx", "x"),
        ("dr/sealed/gone", "g"),
    ] {
        moto.put(REGION, name, text).await.unwrap();
    }
    let gone = json!({"SecretId": "dr/sealed/gone"});
    moto.ask(REGION, "DeleteSecret", &gone).await.unwrap();
    let aws = store(settings(moto.address()));
    let expected = [("old.tls.crt", "c"), ("old.tls.key", CANARY), ("signing", "s")];
    let stored = aws.read("dr/sealed/", None).await.unwrap();
    assert_eq!(read(&stored), expected);
    assert!(stored.version.is_none() && stored.written.is_some());
    assert!(aws.look("dr/sealed/", None).await.unwrap().keys.is_some());

    // Among others, in the order in which they were asked for.
    let paths = [
        "dr/sealedx",
        "dr/sealed/",
        "dr/none/",
        "dr/sealed/signing",
        "dr/sealed/",
    ];
    let requests = paths.map(|path| Request {
        store: &aws,
        wanted: Wanted { path, version: None },
    });
    let read_all = read_all(requests.to_vec()).await;
    assert_eq!(read(read_all[0].as_ref().unwrap()), [("value", "x")]);
    assert_eq!(read(read_all[1].as_ref().unwrap()), expected);
    let words = ["has no secrets in the folder dr/none/", "Key=name,Values=dr/none/"];
    expect(read_all[2].as_ref().unwrap_err(), ErrorKind::MissingPath, &words);
    assert_eq!(read(read_all[3].as_ref().unwrap()), [("value", "s")]);
    assert_eq!(read(read_all[4].as_ref().unwrap()), expected);
}

#[tokio::test]
async fn a_folder_of_many_secrets_is_a_list_of_some_pages_and_batches_of_twenty() {
    let moto = Moto::start().await.unwrap();
    for number in 0..130 {
        let name = format!("dr/{number:03}");
        moto.put(REGION, &name, &format!("{CANARY}{number}")).await.unwrap();
    }
    let aws = store(settings(moto.address()));
    let before = moto.answered();
    let stored = aws.read("dr/", None).await.unwrap();
    assert_eq!(moto.answered() - before, 2 + 7);
    assert_eq!(stored.data.len(), 130);
    for (at, (key, value)) in stored.data.iter().enumerate() {
        assert_eq!(key, &format!("{at:03}"));
        assert_eq!(value.expose_str(), Some(format!("{CANARY}{at}").as_str()));
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_read_as_a_whole_says_why() {
    let moto = Moto::start().await.unwrap();
    moto.put(REGION, "dr/a", r#"{"b.c": "x"}"#).await.unwrap();
    moto.put(REGION, "dr/a.b", r#"{"c": "x"}"#).await.unwrap();
    let aws = store(settings(moto.address()));
    let twice = aws.read("dr/", None).await.unwrap_err();
    expect(
        &twice,
        ErrorKind::Configuration,
        &["two secrets of the folder dr/ give the key a.b.c"],
    );
    let pinned = aws.read("dr/", Some("AWSPREVIOUS")).await.unwrap_err();
    expect(&pinned, ErrorKind::Configuration, &["is a folder, and is pinned"]);

    let denied = "User: arn:aws:iam::123456789012:user/dr is not authorized to perform: secretsmanager:ListSecrets because no identity-based policy allows it";
    let fake = Fake::start(move |_, _| refusal("AccessDeniedException", denied)).await;
    let error = store(settings(&fake.url())).read("dr/", None).await.unwrap_err();
    let words = [
        "does not allow us to list dr/",
        r#"{"Effect":"Allow","Action":"secretsmanager:ListSecrets","Resource":"*"}"#,
        r#""Action":"secretsmanager:GetSecretValue","Resource":"arn:aws:secretsmanager:eu-west-1:123456789012:secret:dr/*-??????""#,
    ];
    expect(&error, ErrorKind::Denied, &words);
}
