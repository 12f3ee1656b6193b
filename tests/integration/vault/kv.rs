//! Reading KV: where, which version, and what is said when it is not there.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use gitops_dr::secrets::{Error, ErrorKind, Request, Store, Stored, Wanted, read_all};
use serde_json::json;

use super::bench::{Bench, CANARY, by, token};

const RULES: &str = r#"path "secret/data/dr/*" { capabilities = ["read"] }"#;

fn value<'stored>(stored: &'stored Stored, key: &str) -> Option<&'stored str> {
    stored.data.get(key)?.expose_str()
}

#[tokio::test]
async fn both_versions_of_the_engine_are_read_by_the_path_of_the_command_line() {
    let bench = Bench::start().await;
    let root = bench.bao.root();
    root.put("secret/dr/repo", [("password", CANARY)]).await.unwrap();
    root.put("kv1/dr/repo", [("password", CANARY)]).await.unwrap();
    root.mount_kv("teams/dr", 2).await.unwrap();
    root.put("teams/dr/with space ü", [("password", CANARY)]).await.unwrap();
    let vault = bench.as_root();
    for (path, version) in [
        ("secret/dr/repo", Some("1")),
        ("/secret/dr/repo", Some("1")),
        ("kv1/dr/repo", None),
        ("teams/dr/with space ü", Some("1")),
    ] {
        let stored = vault.read(path, None).await.unwrap();
        assert_eq!(value(&stored, "password"), Some(CANARY), "{path}");
        assert_eq!(stored.version.as_deref(), version, "{path}");
        assert!(!format!("{stored:?}").contains("canary"));
    }
}

#[tokio::test]
async fn values_that_are_no_strings_become_their_text() {
    let bench = Bench::start().await;
    let data = json!({"port": 5432, "tls": true, "ratio": 0.5, "list": [1, {"a": "<b>"}], "none": null, "text": "x"});
    bench
        .bao
        .root()
        .post("secret/data/dr/mixed", &json!({ "data": data }))
        .await
        .unwrap();
    bench.bao.root().post("kv1/dr/mixed", &data).await.unwrap();
    for path in ["secret/dr/mixed", "kv1/dr/mixed"] {
        let stored = bench.as_root().read(path, None).await.unwrap();
        let found: Vec<_> = stored
            .data
            .keys()
            .map(|key| (key.as_str(), value(&stored, key).unwrap()))
            .collect();
        let list = r#"[1,{"a":"<b>"}]"#;
        let expected = [
            ("list", list),
            ("port", "5432"),
            ("ratio", "0.5"),
            ("text", "x"),
            ("tls", "true"),
        ];
        assert_eq!(found, expected, "{path}");
    }
}

#[tokio::test]
async fn a_pinned_version_is_read_and_a_missing_one_is_told_from_a_missing_secret() {
    let bench = Bench::start().await;
    let root = bench.bao.root();
    for password in ["one", "two", "three"] {
        root.put("secret/dr/repo", [("password", password)]).await.unwrap();
    }
    let vault = bench.as_root();
    let first = vault.read("secret/dr/repo", Some("1")).await.unwrap();
    assert_eq!(
        (value(&first, "password"), first.version.as_deref()),
        (Some("one"), Some("1"))
    );

    let error = vault.read("secret/dr/repo", Some("9")).await.unwrap_err();
    let words = ["no version 9 of secret/dr/repo", "versions 1, 2, 3 are there"];
    bench.expect(&error, ErrorKind::MissingVersion, &words);
    let error = vault.read("secret/dr/nothing", Some("9")).await.unwrap_err();
    bench.expect(&error, ErrorKind::MissingPath, &["no secret at secret/dr/nothing"]);
    // The role may read the data and not the metadata, so the two cannot be told apart.
    let role = bench.role(RULES).await;
    let error = bench
        .vault(by(&role))
        .read("secret/dr/repo", Some("9"))
        .await
        .unwrap_err();
    bench.expect(
        &error,
        ErrorKind::MissingVersion,
        &["no version 9", "its metadata may not be read"],
    );

    root.put("kv1/dr/repo", [("password", CANARY)]).await.unwrap();
    let error = vault.read("kv1/dr/repo", Some("1")).await.unwrap_err();
    bench.expect(&error, ErrorKind::Configuration, &["KV version 1 keeps none"]);
}

#[tokio::test]
async fn a_deleted_version_can_be_brought_back_and_a_destroyed_one_cannot() {
    let bench = Bench::start().await;
    let root = bench.bao.root();
    root.put("secret/dr/repo", [("password", CANARY)]).await.unwrap();
    root.put("secret/dr/repo", [("password", CANARY)]).await.unwrap();
    root.delete("secret/dr/repo").await.unwrap();
    root.post("secret/destroy/dr/repo", &json!({"versions": [1]}))
        .await
        .unwrap();
    let vault = bench.as_root();

    let error = vault.read("secret/dr/repo", None).await.unwrap_err();
    let words = [
        "version 2 of secret/dr/repo",
        "was deleted at 20",
        "`bao kv undelete -versions=2 secret/dr/repo`",
    ];
    bench.expect(&error, ErrorKind::Deleted, &words);
    let error = vault.read("secret/dr/repo", Some("1")).await.unwrap_err();
    bench.expect(
        &error,
        ErrorKind::Destroyed,
        &["version 1 of secret/dr/repo", "destroyed for good"],
    );
    let error = vault.read("secret/dr/repo", Some("3")).await.unwrap_err();
    bench.expect(
        &error,
        ErrorKind::MissingVersion,
        &["version 2 (deletion 20", "is there"],
    );
}

#[tokio::test]
async fn a_path_that_is_not_there_is_named_with_the_likely_mistake() {
    let twin = "did you mean secret/dr/repo?";
    let bench = Bench::start().await;
    let root = bench.bao.root();
    root.put("secret/dr/repo", [("password", CANARY)]).await.unwrap();
    root.put("kv1/dr/repo", [("password", CANARY)]).await.unwrap();
    let vault = bench.as_root();
    let list = "`bao kv list secret/dr`";
    for (path, kind, words) in [
        (
            "secret/dr/nothing",
            ErrorKind::MissingPath,
            ["no secret at secret/dr/nothing", list],
        ),
        (
            "kv1/dr/nothing",
            ErrorKind::MissingPath,
            ["kv1/ is of KV version 1", "kv list kv1/dr"],
        ),
        (
            "secret/dr/rpeo",
            ErrorKind::MissingPath,
            ["no secret at secret/dr/rpeo", twin],
        ),
        (
            "kv1/dr/reqo",
            ErrorKind::MissingPath,
            ["no secret at kv1/dr/reqo", "did you mean kv1/dr/repo?"],
        ),
        (
            "secret/data/dr/repo",
            ErrorKind::MissingPath,
            ["without `data/`", ": secret/dr/repo"],
        ),
        (
            "nomount/dr/repo",
            ErrorKind::MissingPath,
            ["nomount/ may not be a mount", "nomount/dr/repo"],
        ),
        (
            "cubbyhole/x",
            ErrorKind::Configuration,
            ["a cubbyhole engine", "bao secrets list"],
        ),
        (
            "secret",
            ErrorKind::Configuration,
            ["names a mount and no secret", "MOUNT/PATH"],
        ),
        (
            "secret/../sys/seal",
            ErrorKind::Configuration,
            ["no path of a secret", "MOUNT/PATH"],
        ),
        ("", ErrorKind::Configuration, ["no path of a secret", "MOUNT/PATH"]),
    ] {
        let error = vault.read(path, None).await.unwrap_err();
        bench.expect(&error, kind, &words);
    }
}

#[tokio::test]
async fn a_denied_path_comes_with_the_line_of_policy_that_would_allow_it() {
    let bench = Bench::start().await;
    let root = bench.bao.root();
    root.put("secret/private/repo", [("password", CANARY)]).await.unwrap();
    root.put("kv1/private/repo", [("password", CANARY)]).await.unwrap();
    let rules = format!(r#"{RULES} path "kv1/dr/*" {{ capabilities = ["read"] }}"#);
    let role = bench.role(&rules).await;
    let vault = bench.vault(by(&role));

    let error = vault.read("secret/private/repo", None).await.unwrap_err();
    let stanza = r#"path "secret/data/private/repo" { capabilities = ["read"] }"#;
    let who = "we are approle, role recovery, with policies default, restore";
    bench.expect(
        &error,
        ErrorKind::Denied,
        &[
            "does not allow us to read secret/private/repo",
            "403: permission denied",
            who,
            stanza,
        ],
    );
    let error = vault.read("kv1/private/repo", None).await.unwrap_err();
    bench.expect(
        &error,
        ErrorKind::Denied,
        &[r#"path "kv1/private/repo" { capabilities = ["read"] }"#],
    );

    // What the hint says is enough.
    root.policy("restore", stanza).await.unwrap();
    vault.read("secret/private/repo", None).await.unwrap();
}

#[tokio::test]
async fn a_mount_that_may_not_be_looked_up_is_guessed_and_that_is_said() {
    let bench = Bench::start().await;
    bench
        .bao
        .root()
        .put("secret/dr/repo", [("password", CANARY)])
        .await
        .unwrap();
    let role = bench.role(r#"path "elsewhere/*" { capabilities = ["read"] }"#).await;
    let error = bench.vault(by(&role)).read("secret/dr/repo", None).await.unwrap_err();
    let words = [
        "would not say where secret/dr/repo is mounted",
        r#"path "secret/data/dr/repo" { capabilities = ["read"] }"#,
        r#"path "secret/dr/repo" { capabilities = ["read"] }"#,
    ];
    bench.expect(&error, ErrorKind::Denied, &words);

    // Some administrators close the look-up itself. The guess then finds what is there, in either version.
    let root = bench.bao.root();
    root.put("kv1/dr/repo", [("password", CANARY)]).await.unwrap();
    let closed = r#"path "sys/internal/ui/mounts/*" { capabilities = ["deny"] }"#;
    root.policy(
        "restore",
        &format!(r#"{RULES} path "kv1/dr/*" {{ capabilities = ["read"] }} {closed}"#),
    )
    .await
    .unwrap();
    let vault = bench.vault(by(&role));
    for path in ["secret/dr/repo", "kv1/dr/repo"] {
        assert_eq!(value(&vault.read(path, None).await.unwrap(), "password"), Some(CANARY));
    }
}

#[tokio::test]
async fn a_namespace_has_its_own_secrets_roles_and_policies() {
    let bench = Bench::start().await;
    let team = bench.bao.root().create_namespace("team").await.unwrap();
    team.put("secret/dr/repo", [("password", CANARY)]).await.unwrap();
    team.policy("restore", RULES).await.unwrap();
    let role = team
        .app_role("recovery", &["restore"], super::bench::DAY)
        .await
        .unwrap();
    let vault = |namespace: &str, auth| {
        let mut settings = bench.settings(auth);
        settings.namespace = Some(namespace.to_owned());
        gitops_dr::secrets::vault::Vault::new(settings, &gitops_dr::redact::Redactor::default()).unwrap()
    };

    let inside = vault("team", by(&role));
    inside.check().await.unwrap();
    assert_eq!(
        value(&inside.read("secret/dr/repo", None).await.unwrap(), "password"),
        Some(CANARY)
    );
    let error = inside.read("secret/private/repo", None).await.unwrap_err();
    bench.expect(
        &error,
        ErrorKind::Denied,
        &["policies in namespace team", r#"path "secret/data/private/repo""#],
    );
    let error = inside.read("secret/dr/nothing", None).await.unwrap_err();
    bench.expect(
        &error,
        ErrorKind::MissingPath,
        &["in namespace team", "bao kv list -namespace=team secret/dr"],
    );
    let error = bench.vault(by(&role)).check().await.unwrap_err();
    bench.expect(&error, ErrorKind::Login, &["AppRole at auth/approle"]);

    for auth in [by(&role), token(bench.bao.root().token())] {
        let nowhere = vault("nowhere", auth);
        for error in [
            nowhere.check().await.unwrap_err(),
            nowhere.read("secret/dr/repo", None).await.unwrap_err(),
        ] {
            bench.expect(
                &error,
                ErrorKind::Configuration,
                &["has no namespace nowhere", "bao namespace list"],
            );
        }
    }
}

/// Counts how many reads of a store are in flight.
struct Counted<'inner> {
    inner: &'inner dyn Store,
    now: AtomicUsize,
    most: AtomicUsize,
}

#[async_trait]
impl Store for Counted<'_> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn check(&self) -> Result<(), Error> {
        self.inner.check().await
    }

    async fn read(&self, path: &str, version: Option<&str>) -> Result<Stored, Error> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        let stored = self.inner.read(path, version).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
        stored
    }
}

#[tokio::test]
async fn twenty_secrets_are_read_at_once_by_one_login_and_each_has_its_answer() {
    let bench = Bench::start().await;
    let root = bench.bao.root();
    let paths: Vec<String> = (0..20).map(|number| format!("secret/dr/{number}")).collect();
    for (number, path) in paths.iter().enumerate().filter(|(number, _)| number % 7 != 3) {
        root.put(path, [("number", number.to_string())]).await.unwrap();
    }
    let role = bench.role(RULES).await;
    let vault = bench.vault(by(&role));
    let before = bench.tokens().await;
    let store = Counted {
        inner: &vault,
        now: AtomicUsize::new(0),
        most: AtomicUsize::new(0),
    };
    let requests: Vec<_> = paths
        .iter()
        .map(|path| Request {
            store: &store,
            wanted: Wanted { path, version: None },
        })
        .collect();
    let results = read_all(requests).await;

    assert_eq!(store.most.load(Ordering::SeqCst), 8);
    assert_eq!(bench.tokens().await, before + 1);
    assert_eq!(results.len(), 20);
    for (number, result) in results.iter().enumerate() {
        match result {
            Ok(stored) => assert_eq!(value(stored, "number"), Some(number.to_string().as_str())),
            Err(error) => {
                assert_eq!(number % 7, 3);
                bench.expect(error, ErrorKind::MissingPath, &[&paths[number]]);
            }
        }
    }
}
