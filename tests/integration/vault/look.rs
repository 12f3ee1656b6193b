//! What is known of a secret without its values.

use gitops_dr::secrets::{ErrorKind, Seen, Store as _};

use super::bench::{Bench, CANARY, by};

#[tokio::test]
async fn the_metadata_tells_version_and_time_and_no_value_is_read() {
    let bench = Bench::start().await;
    let root = bench.bao.root();
    for password in ["one", CANARY] {
        root.put("secret/dr/repo", [("password", password)]).await.unwrap();
    }
    // Whoever may not read a value can look all the same.
    let role = bench
        .role(r#"path "secret/metadata/dr/*" { capabilities = ["read"] }"#)
        .await;
    let vault = bench.vault(by(&role));
    let denied = vault.read("secret/dr/repo", None).await.unwrap_err();
    assert_eq!(denied.kind(), ErrorKind::Denied);
    for (version, seen) in [(None, "2"), (Some("1"), "1")] {
        let Seen {
            version: found,
            written,
            keys,
        } = vault.look("secret/dr/repo", version).await.unwrap();
        assert_eq!(found.as_deref(), Some(seen));
        assert!(written.is_some() && keys.is_none());
    }
    let missing = vault.look("secret/dr/none", None).await.unwrap_err();
    bench.expect(&missing, ErrorKind::MissingPath, &["no secret at secret/dr/none"]);
}

#[tokio::test]
async fn where_the_metadata_is_denied_or_says_too_little_the_secret_is_read() {
    let bench = Bench::start().await;
    let root = bench.bao.root();
    root.put("secret/dr/repo", [("password", CANARY)]).await.unwrap();
    root.put("secret/dr/gone", [("password", CANARY)]).await.unwrap();
    root.delete("secret/dr/gone").await.unwrap();
    root.put("kv1/dr/repo", [("password", CANARY)]).await.unwrap();
    let role = bench
        .role(r#"path "secret/data/dr/*" { capabilities = ["read"] } path "kv1/dr/*" { capabilities = ["read"] }"#)
        .await;
    let vault = bench.vault(by(&role));
    for (path, version) in [("secret/dr/repo", Some("1")), ("kv1/dr/repo", None)] {
        let seen = vault.look(path, None).await.unwrap();
        assert_eq!(seen.version.as_deref(), version, "{path}");
        assert_eq!(seen.keys, Some(vec!["password".to_owned()]), "{path}");
    }
    for vault in [vault, bench.as_root()] {
        let gone = vault.look("secret/dr/gone", None).await.unwrap_err();
        bench.expect(&gone, ErrorKind::Deleted, &["was deleted", "bao kv undelete"]);
    }
}
