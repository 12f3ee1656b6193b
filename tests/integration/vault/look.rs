//! What is known of a secret without its values.

use gitops_dr::redact::Redactor;
use gitops_dr::secrets::vault::Vault;
use gitops_dr::secrets::{ErrorKind, Request, Seen, Store as _, Wanted, look_all};
use serde_json::json;

use super::bench::{Bench, CANARY, by, token};
use super::fake::Fake;
use super::wire::{mount, wrapped};

#[tokio::test]
async fn the_metadata_tells_version_and_time_and_the_server_whether_we_may_read_it() {
    let bench = Bench::start().await;
    let root = bench.bao.root();
    for password in ["one", CANARY] {
        root.put("secret/dr/repo", [("password", password)]).await.unwrap();
    }
    root.put("secret/dr/private", [("password", CANARY)]).await.unwrap();
    let team = root.create_namespace("team").await.unwrap();
    team.put("secret/dr/repo", [("password", CANARY)]).await.unwrap();
    let rules = r#"path "secret/metadata/dr/*" { capabilities = ["read"] }
        path "secret/data/dr/repo" { capabilities = ["read"] }
        path "secret/data/dr/private" { capabilities = ["update"] }"#;
    let role = bench.role(rules).await;
    let vault = bench.vault(by(&role));
    for (version, seen) in [(None, "2"), (Some("1"), "1")] {
        let Seen {
            version: found,
            written,
            keys,
            readable,
        } = vault.look("secret/dr/repo", version).await.unwrap();
        assert_eq!(found.as_deref(), Some(seen));
        assert!(written.is_some() && keys.is_none() && readable);
    }
    let missing = vault.look("secret/dr/none", None).await.unwrap_err();
    bench.expect(&missing, ErrorKind::MissingPath, &["no secret at secret/dr/none"]);
    // What can be seen and not read is of no use.
    let denied = vault.look("secret/dr/private", None).await.unwrap_err();
    let words = [
        "does not allow us to read secret/dr/private",
        "asked what we may do there, it says: update",
        r#"path "secret/data/dr/private" { capabilities = ["read"] }"#,
    ];
    bench.expect(&denied, ErrorKind::Denied, &words);

    let mut settings = bench.settings(token(root.token()));
    settings.namespace = Some("team".to_owned());
    let inside = Vault::new(settings, &Redactor::default()).unwrap();
    assert!(inside.look("secret/dr/repo", None).await.unwrap().readable);
}

#[tokio::test]
async fn where_the_server_does_not_say_what_we_may_that_is_not_known() {
    let bench = Bench::start().await;
    let root = bench.bao.root();
    root.put("secret/dr/repo", [("password", CANARY)]).await.unwrap();
    let rules = r#"path "secret/metadata/dr/*" { capabilities = ["read"] } path "secret/data/dr/*" { capabilities = ["read"] }"#;
    root.policy("restore", rules).await.unwrap();
    // The policy `default` is what lets every token ask.
    let body = json!({"policies": ["restore"], "no_default_policy": true, "ttl": "1h"});
    let made = root.post("auth/token/create", &body).await.unwrap();
    let vault = bench.vault(token(made["auth"]["client_token"].as_str().unwrap()));
    let seen = vault.look("secret/dr/repo", None).await.unwrap();
    assert_eq!((seen.version.as_deref(), seen.readable), (Some("1"), false));
}

#[tokio::test]
async fn for_many_secrets_it_is_asked_once_and_no_value_is_read() {
    let fake = Fake::start(|path, _| {
        let body = if path.contains("/mounts/") {
            mount()
        } else if path.ends_with("capabilities-self") {
            let rights = (0..20).map(|number| (format!("secret/data/dr/{number}"), json!(["read"])));
            wrapped(&json!(rights.collect::<serde_json::Map<_, _>>()))
        } else {
            let one = json!({"created_time": "", "deletion_time": "", "destroyed": false});
            wrapped(&json!({
                "cas_required": false, "created_time": "", "current_version": 1, "delete_version_after": "0s",
                "max_versions": 0, "oldest_version": 1, "updated_time": "", "custom_metadata": null, "versions": {"1": one},
            }))
        };
        (200, "", body)
    })
    .await;
    let vault = fake.vault();
    let paths: Vec<String> = (0..20).map(|number| format!("secret/dr/{number}")).collect();
    let requests = paths.iter().map(|path| Request {
        store: &vault,
        wanted: Wanted { path, version: None },
    });
    for seen in look_all(requests.collect()).await {
        assert!(seen.unwrap().readable);
    }
    let asked = fake.asked();
    let count = |part: &str| asked.iter().filter(|path| path.contains(part)).count();
    assert_eq!(
        (
            count("/secret/metadata/"),
            count("capabilities-self"),
            count("/secret/data/")
        ),
        (20, 1, 0),
        "{asked:?}"
    );
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
