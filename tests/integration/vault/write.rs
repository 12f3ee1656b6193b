//! Writing: a new version where nobody else has written, and nothing anywhere else.

use std::collections::BTreeMap;

use gitops_dr::redact::Secret;
use gitops_dr::secrets::vault::Vault;
use gitops_dr::secrets::{Error, ErrorKind, Store as _};
use serde_json::json;

use super::bench::{Bench, CANARY, by};
use super::fake::Fake;
use super::wire::{mount, wrapped};

const REPO: &str = "secret/dr/repo";
const RULES: &str = r#"path "secret/data/dr/*" { capabilities = ["create", "read", "update"] }"#;

fn password(value: &str) -> BTreeMap<String, Secret> {
    BTreeMap::from([("password".to_owned(), Secret::from(value))])
}

async fn write(vault: &Vault, path: &str, value: &str, over: Option<&str>) -> Result<String, Error> {
    vault.writer().unwrap().write(path, &password(value), over).await
}

/// What is there: the value and its version.
async fn there(vault: &Vault, path: &str) -> (String, Option<String>) {
    let stored = vault.read(path, None).await.unwrap();
    let value = stored.data["password"].expose_str().unwrap().to_owned();
    (value, stored.version)
}

#[tokio::test]
async fn a_secret_is_written_anew_and_over_the_version_that_is_known_and_read_as_it_was_written() {
    let bench = Bench::start().await;
    let role = bench.role(RULES).await;
    let vault = bench.vault(by(&role));
    assert_eq!(write(&vault, REPO, "first", None).await.unwrap(), "1");
    assert_eq!(write(&vault, REPO, CANARY, Some("1")).await.unwrap(), "2");
    assert_eq!(there(&vault, REPO).await, (CANARY.to_owned(), Some("2".to_owned())));
    // What was written over is kept.
    let first = vault.read(REPO, Some("1")).await.unwrap();
    assert_eq!(first.data["password"].expose_str(), Some("first"));
    // Whole: a key that is not written any more is gone.
    let other = BTreeMap::from([("token".to_owned(), Secret::from("\u{1}\"\\ü"))]);
    let version = vault.writer().unwrap().write(REPO, &other, Some("2")).await.unwrap();
    let stored = vault.read(REPO, None).await.unwrap();
    assert_eq!((stored.data, stored.version), (other, Some(version)));

    let team = bench.bao.root().create_namespace("team").await.unwrap();
    let mut settings = bench.settings(super::bench::token(bench.bao.root().token()));
    settings.namespace = Some("team".to_owned());
    let inside = Vault::new(settings, &gitops_dr::redact::Redactor::default()).unwrap();
    assert_eq!(write(&inside, REPO, CANARY, None).await.unwrap(), "1");
    team.get("secret/data/dr/repo").await.unwrap();
}

#[tokio::test]
async fn where_somebody_else_has_written_meanwhile_nothing_is_written() {
    let bench = Bench::start().await;
    let role = bench.role(RULES).await;
    let vault = bench.vault(by(&role));
    let root = bench.bao.root();
    write(&vault, REPO, "ours", None).await.unwrap();
    // The second writer.
    root.put(REPO, [("password", "theirs")]).await.unwrap();
    for (over, expected) in [
        (Some("1"), "version 1 was to be written over, and version 2 is there"),
        (None, "nothing was to be there, and version 2 is there"),
        (Some("7"), "version 7 was to be written over, and version 2 is there"),
    ] {
        let error = write(&vault, REPO, CANARY, over).await.unwrap_err();
        let words = [
            "secret/dr/repo in store vault is not what it was",
            expected,
            "`bao kv metadata get secret/dr/repo`",
        ];
        bench.expect(&error, ErrorKind::Moved, &words);
    }
    assert_eq!(there(&vault, REPO).await, ("theirs".to_owned(), Some("2".to_owned())));
    let error = write(&vault, "secret/dr/none", CANARY, Some("1")).await.unwrap_err();
    bench.expect(
        &error,
        ErrorKind::Moved,
        &["version 1 was to be written over, and nothing is there"],
    );
    vault.read("secret/dr/none", None).await.unwrap_err();
}

#[tokio::test]
async fn of_two_who_write_at_once_exactly_one_does() {
    let bench = Bench::start().await;
    let (one, two) = (bench.as_root(), bench.as_root());
    write(&one, REPO, "before", None).await.unwrap();
    let (left, right) = tokio::join!(
        write(&one, REPO, "left", Some("1")),
        write(&two, REPO, "right", Some("1"))
    );
    let (won, lost) = match (left, right) {
        (Ok(_), Err(lost)) => ("left", lost),
        (Err(lost), Ok(_)) => ("right", lost),
        both => panic!("{both:?}"),
    };
    bench.expect(&lost, ErrorKind::Moved, &["version 2 is there"]);
    assert_eq!(there(&one, REPO).await, (won.to_owned(), Some("2".to_owned())));
}

#[tokio::test]
async fn what_was_deleted_is_not_there_and_its_number_goes_on() {
    let bench = Bench::start().await;
    let role = bench.role(RULES).await;
    let (vault, root) = (bench.vault(by(&role)), bench.bao.root());
    for path in [REPO, "secret/dr/destroyed"] {
        for value in ["one", "two"] {
            root.put(path, [("password", value)]).await.unwrap();
        }
    }
    root.delete(REPO).await.unwrap();
    root.post("secret/destroy/dr/destroyed", &json!({"versions": [2]}))
        .await
        .unwrap();
    let error = write(&vault, REPO, CANARY, Some("1")).await.unwrap_err();
    bench.expect(&error, ErrorKind::Moved, &["version 2, the newest, was deleted"]);
    for path in [REPO, "secret/dr/destroyed"] {
        assert_eq!(write(&vault, path, CANARY, None).await.unwrap(), "3", "{path}");
        assert_eq!(there(&vault, path).await.0, CANARY, "{path}");
    }
    // What has metadata and never had a version.
    root.post("secret/metadata/dr/bare", &json!({"max_versions": 5}))
        .await
        .unwrap();
    assert_eq!(write(&vault, "secret/dr/bare", CANARY, None).await.unwrap(), "1");
}

#[tokio::test]
async fn a_denied_write_comes_with_the_line_of_policy_that_allows_it_and_that_line_is_enough() {
    let bench = Bench::start().await;
    let read = r#"path "secret/data/dr/*" { capabilities = ["read"] }"#;
    let role = bench.role(read).await;
    bench.bao.root().put(REPO, [("password", "old")]).await.unwrap();
    let vault = bench.vault(by(&role));
    let stanza = |path: &str| format!(r#"path "secret/data/{path}" {{ capabilities = ["create", "update"] }}"#);
    for (path, over) in [("dr/repo", Some("1")), ("dr/new", None)] {
        let error = write(&vault, &format!("secret/{path}"), CANARY, over)
            .await
            .unwrap_err();
        let words = [
            &format!("does not allow us to write secret/{path}"),
            "403: permission denied",
            "we are approle, role recovery, with policies default, restore",
            &stanza(path),
        ];
        bench.expect(&error, ErrorKind::Denied, &words.map(|word| word as &str));
    }
    let rules = format!("{} {}", stanza("dr/repo"), stanza("dr/new"));
    bench.bao.root().policy("restore", &rules).await.unwrap();
    assert_eq!(write(&vault, REPO, CANARY, Some("1")).await.unwrap(), "2");
    assert_eq!(write(&vault, "secret/dr/new", CANARY, None).await.unwrap(), "1");
    // It may not read, so what is there instead is not known.
    let error = write(&vault, REPO, CANARY, Some("1")).await.unwrap_err();
    bench.expect(
        &error,
        ErrorKind::Moved,
        &["another is the newest, which we may not read"],
    );
}

#[tokio::test]
async fn where_no_version_can_be_compared_nothing_is_written() {
    let bench = Bench::start().await;
    let root = bench.bao.root();
    root.put("kv1/dr/repo", [("password", "old")]).await.unwrap();
    let vault = bench.as_root();
    for (path, over) in [("kv1/dr/repo", None), ("kv1/dr/new", None), ("kv1/dr/repo", Some("1"))] {
        let error = write(&vault, path, CANARY, over).await.unwrap_err();
        let words = [
            "kv1/ is of KV version 1: nothing is written there",
            "`bao kv enable-versioning kv1/`",
        ];
        bench.expect(&error, ErrorKind::Configuration, &words);
    }
    assert_eq!(there(&vault, "kv1/dr/repo").await.0, "old");
    vault.read("kv1/dr/new", None).await.unwrap_err();

    // Who has no right anywhere in a mount is not told of it.
    let role = bench.role(r#"path "elsewhere/*" { capabilities = ["read"] }"#).await;
    let blind = bench.vault(by(&role));
    let error = write(&blind, "kv1/dr/new", CANARY, None).await.unwrap_err();
    let words = [
        "would not say where kv1/dr/new is mounted, so nothing is written there",
        "we are approle, role recovery",
        r#"path "kv1/data/dr/new" { capabilities = ["create", "update"] }"#,
    ];
    bench.expect(&error, ErrorKind::Denied, &words);
    let keys = root.get("kv1/?list=true").await.unwrap();
    assert_eq!(keys["data"]["keys"], json!(["dr/"]));

    // It might be of version 1, where the very request would write something else, and a server that lets us is not to be asked.
    let fake = Fake::start(|path, _| {
        (
            if path.contains("/mounts/") { 404 } else { 200 },
            "",
            wrapped(&json!({"version": 1})),
        )
    })
    .await;
    let error = write(&fake.vault(), REPO, CANARY, None).await.unwrap_err();
    bench.expect(&error, ErrorKind::Denied, &["would not say where"]);
    assert!(
        !fake.asked().iter().any(|path| path.contains("/secret/data/dr/repo")),
        "{:?}",
        fake.asked()
    );
}

#[tokio::test]
async fn what_cannot_be_stored_as_it_is_is_refused_before_anything_is_sent() {
    let bench = Bench::start().await;
    let vault = bench.as_root();
    let writer = vault.writer().unwrap();
    let bytes = BTreeMap::from([("tls.key".to_owned(), Secret::new([0xff, 0x00]))]);
    let error = writer.write(REPO, &bytes, None).await.unwrap_err();
    let words = ["tls.key of secret/dr/repo is no text", "base64: true"];
    bench.expect(&error, ErrorKind::NotText, &words);
    for (path, words) in [
        ("secret/dr/", "is a folder"),
        ("secret", "names a mount and no secret in it"),
        ("secret/../dr", "is no path of a secret"),
    ] {
        let error = writer.write(path, &password(CANARY), None).await.unwrap_err();
        bench.expect(&error, ErrorKind::Configuration, &[words]);
    }
    vault.read(REPO, None).await.unwrap_err();
}

#[tokio::test]
async fn a_store_that_is_sealed_or_gone_is_told_as_when_it_is_read() {
    let mut bench = Bench::start().await;
    let vault = bench.as_root();
    write(&vault, REPO, "old", None).await.unwrap();
    bench.bao.seal().await.unwrap();
    let error = write(&vault, REPO, CANARY, Some("1")).await.unwrap_err();
    bench.expect(&error, ErrorKind::Sealed, &["is sealed", "bao operator unseal"]);
    bench.bao.stop().await.unwrap();
    let error = write(&vault, REPO, CANARY, Some("1")).await.unwrap_err();
    bench.expect(
        &error,
        ErrorKind::Unreachable,
        &["connection refused", "whether it was written is not known"],
    );
}

/// A server whose answer to a write is `status`, and whose newest version is what the first of those writes has left.
async fn forgetful(status: u16, stored: &'static str) -> Fake {
    Fake::start(move |path, before| match (path, before) {
        (path, _) if path.contains("/mounts/") => (200, "", mount()),
        (_, 1) => (status, "", "<html>".to_owned()),
        (_, 2) => {
            let refusal = format!("check-and-set parameter did not match the current version: {CANARY}");
            (400, "", json!({ "errors": [refusal] }).to_string())
        }
        _ => {
            let metadata = json!({"created_time": "", "deletion_time": "", "destroyed": false, "version": 4});
            let data = json!({"data": {"password": stored}, "metadata": metadata});
            (200, "", wrapped(&data))
        }
    })
    .await
}

#[tokio::test]
async fn a_write_that_came_through_and_whose_answer_did_not_is_no_version_of_somebody_else() {
    let bench = Bench::start().await;
    let fake = forgetful(502, CANARY).await;
    assert_eq!(write(&fake.vault(), REPO, CANARY, Some("3")).await.unwrap(), "4");
    let fake = forgetful(502, "theirs").await;
    let error = write(&fake.vault(), REPO, CANARY, Some("3")).await.unwrap_err();
    // The server quotes the value in its refusal; nobody else does.
    bench.expect(&error, ErrorKind::Moved, &["version 4 is there", "«secret»"]);
    // Where no answer came at all it is not sent again, and said.
    let fake = forgetful(0, CANARY).await;
    let error = write(&fake.vault(), REPO, CANARY, Some("3")).await.unwrap_err();
    let words = ["the connection broke", "`bao kv metadata get secret/dr/repo`"];
    bench.expect(&error, ErrorKind::Unreachable, &words);
    assert_eq!(fake.asked().len(), 2);
}
