//! Whole folders.

use gitops_dr::secrets::{Error, ErrorKind, Request, Store as _, Stored, Wanted, read_all};
use serde_json::json;

use super::bench::{Bench, CANARY, by};
use super::fake::{Fake, Scripted};
use super::wire::{mount, wrapped};

fn read(stored: &Stored) -> Vec<(&str, &str)> {
    let data = stored.data.iter();
    data.map(|(key, value)| (key.as_str(), value.expose_str().unwrap()))
        .collect()
}

#[tokio::test]
async fn a_folder_is_read_as_one_secret_in_both_versions_of_the_engine() {
    let bench = Bench::start().await;
    let root = bench.bao.root();
    for mount in ["secret", "kv1"] {
        let put = |path: &str, key: &'static str, value: &'static str| {
            let path = format!("{mount}/{path}");
            async move { root.put(&path, [(key, value)]).await.unwrap() }
        };
        put("dr/sealed/old", "tls.key", CANARY).await;
        put("dr/sealed/signing", "value", "s").await;
        put("dr/sealed/deeper/none", "value", "n").await;
        put("top", "value", "t").await;
    }
    root.put("secret/dr/sealed/gone", [("value", "g")]).await.unwrap();
    root.delete("secret/dr/sealed/gone").await.unwrap();
    let rules = r#"path "secret/metadata/dr/sealed/" { capabilities = ["list"] }
        path "secret/data/dr/sealed/*" { capabilities = ["read"] }
        path "kv1/dr/sealed/*" { capabilities = ["list", "read"] }"#;
    let role = bench.role(rules).await;
    let vault = bench.vault(by(&role));
    for (path, is_dated) in [("secret/dr/sealed/", true), ("kv1/dr/sealed/", false)] {
        let stored = vault.read(path, None).await.unwrap();
        assert_eq!(read(&stored), [("old.tls.key", CANARY), ("signing", "s")], "{path}");
        assert_eq!((stored.version.as_deref(), stored.written.is_some()), (None, is_dated));
        assert!(vault.look(path, None).await.unwrap().keys.is_some());
    }
    let whole_mount = bench.as_root().read("kv1/", None).await.unwrap();
    assert_eq!(read(&whole_mount), [("top", "t")]);
}

#[tokio::test]
async fn a_folder_that_cannot_be_read_as_a_whole_says_why() {
    let bench = Bench::start().await;
    let root = bench.bao.root();
    root.put("secret/dr/a", [("b.c", CANARY)]).await.unwrap();
    let vault = bench.as_root();
    let pinned = vault.read("secret/dr/", Some("1")).await.unwrap_err();
    bench.expect(&pinned, ErrorKind::Configuration, &["is a folder, and is pinned"]);
    let none = vault.read("secret/none/", None).await.unwrap_err();
    bench.expect(
        &none,
        ErrorKind::MissingPath,
        &["no secrets in the folder secret/none", "bao kv list"],
    );
    let strange = vault.read("secret//dr/", None).await.unwrap_err();
    bench.expect(&strange, ErrorKind::Configuration, &["is no path of a folder"]);

    let role = bench
        .role(r#"path "secret/metadata/dr/" { capabilities = ["list"] }"#)
        .await;
    let blind = bench.vault(by(&role));
    let denied = blind.read("secret/dr/", None).await.unwrap_err();
    bench.expect(
        &denied,
        ErrorKind::Denied,
        &[r#"path "secret/data/dr/a" { capabilities = ["read"] }"#],
    );
    let unlisted = blind.read("secret/other/", None).await.unwrap_err();
    let line = r#"path "secret/metadata/other/" { capabilities = ["list"] } path "secret/data/other/*" { capabilities = ["read"] }"#;
    bench.expect(
        &unlisted,
        ErrorKind::Denied,
        &["does not allow us to list the folder", line],
    );

    root.put("secret/dr/a.b", [("c", CANARY)]).await.unwrap();
    let twice = vault.read("secret/dr/", None).await.unwrap_err();
    bench.expect(&twice, ErrorKind::Configuration, &["give the key a.b.c"]);
    for name in ["a", "a.b"] {
        root.delete(&format!("secret/dr/{name}")).await.unwrap();
    }
    let deleted = vault.read("secret/dr/", None).await.unwrap_err();
    bench.expect(&deleted, ErrorKind::MissingPath, &["were deleted", "bao kv undelete"]);
}

#[tokio::test]
async fn a_folder_of_very_many_secrets_is_refused_before_they_are_read() {
    let bench = Bench::start().await;
    let root = bench.bao.root();
    let puts = (0..501).map(|number| async move {
        let path = format!("kv1/dr/{number}");
        root.put(&path, [("value", "x")]).await.unwrap()
    });
    futures::future::join_all(puts).await;
    let error = bench.as_root().read("kv1/dr/", None).await.unwrap_err();
    bench.expect(
        &error,
        ErrorKind::Configuration,
        &["holds 501 secrets, and 500 are read at the most"],
    );
}

/// Answers as a server whose folders hold forty secrets each.
fn folders(path: &str) -> Scripted {
    let body = if path.starts_with("/v1/sys/internal") {
        mount()
    } else if path.contains("/metadata/") {
        wrapped(&json!({"keys": (0..40).map(|number| number.to_string()).collect::<Vec<_>>()}))
    } else {
        let metadata = json!({"created_time": "", "deletion_time": "", "destroyed": false, "version": 1});
        wrapped(&json!({"data": {"value": CANARY}, "metadata": metadata}))
    };
    (200, "", body)
}

/// Reads six folders at once.
async fn read_six(fake: &Fake) -> Vec<Result<Stored, Error>> {
    let vault = fake.vault();
    let paths: Vec<String> = (0..6).map(|number| format!("secret/dr/{number}/")).collect();
    let requests = paths.iter().map(|path| Request {
        store: &vault,
        wanted: Wanted { path, version: None },
    });
    read_all(requests.collect()).await
}

#[tokio::test]
async fn the_secrets_of_all_folders_together_are_no_more_at_once_than_those_by_themselves() {
    let fake = Fake::start_slow(|path, _| folders(path)).await;
    for stored in read_six(&fake).await {
        assert_eq!(stored.unwrap().data.len(), 40);
    }
    assert!((2..=8).contains(&fake.most()), "{}", fake.most());
}

#[tokio::test]
async fn a_store_that_goes_down_amid_its_folders_is_not_asked_for_each_of_their_secrets() {
    let fake = Fake::start_slow(|path, _| {
        if path.contains("/data/") {
            (0, "", String::new())
        } else {
            folders(path)
        }
    })
    .await;
    for stored in read_six(&fake).await {
        let error = stored.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
        assert!(error.causes().len() < 3, "{:?}", error.causes());
    }
    let asked = fake.asked();
    let reads = asked.iter().filter(|path| path.contains("/data/")).count();
    // Those that were under way, five times each.
    assert!(reads <= 8 * 5, "{reads}");
}
