//! A person, or a job that runs each night, looks whether the credentials are where an outage will look for them.

use std::path::PathBuf;

use serde_json::{Value, json};
use testbed::{OpenBao, Ran, Tool};

const KEY: &str = "canary-of-the-night-shift";

/// A runbook that reads from two servers, the second of which is the fallback.
struct Scene {
    first: OpenBao,
    second: OpenBao,
    folder: tempfile::TempDir,
    tool: Tool,
}

impl Scene {
    async fn start(secrets: &str) -> Self {
        let (first, second) = tokio::join!(OpenBao::start(), OpenBao::start());
        let (first, second) = (first.unwrap(), second.unwrap());
        let folder = tempfile::tempdir().unwrap();
        let runbook = format!(
            "apiVersion: gitops-dr/v1\nkind: Runbook\nname: night\ntarget: {{context: new}}\n\
             sources:\n  platform: {{git: https://git.example.com/p.git, revision: main, credentials: repo}}\n\
             stores:\n  - vault: {{address: \"{}\", auth: {{token: {{env: FIRST}}}}}}\n  - name: old\n    vault: {{address: \"{}\", auth: {{token: {{env: SECOND}}}}}}\n\
             agent: {{argocd: {{from: {{source: platform, path: bootstrap}}}}}}\n\
             secrets:\n{secrets}\
             roots:\n  - {{id: apps, source: platform, path: apps}}\n",
            first.address(),
            second.address()
        );
        std::fs::write(folder.path().join("runbook.yaml"), runbook).unwrap();
        let mut tool = Tool::new(env!("CARGO_BIN_EXE_gitops-dr")).unwrap();
        tool.set("FIRST", first.root().token());
        tool.set("SECOND", second.root().token());
        Self {
            first,
            second,
            folder,
            tool,
        }
    }

    async fn check(&self, flags: &[&str]) -> Ran {
        let runbook: PathBuf = self.folder.path().join("runbook.yaml");
        let mut all = vec!["secrets", "check", runbook.to_str().unwrap()];
        all.extend(flags);
        let ran = self.tool.run(&all).await.unwrap();
        assert!(!ran.said().contains(KEY), "a value was told:\n{}", ran.said());
        ran
    }
}

const SECRETS: &str = "  repo:\n    as: argocd/repository\n    from: [{vault: secret/dr/repo}, {old: secret/dr/repo}]\n    set: {url: \"https://git.example.com/p.git\"}\n\
                       \x20 token:\n    as: {namespace: shop, type: Opaque}\n    from: {vault: secret/dr/token}\n";

async fn complete(scene: &Scene) {
    for bao in [&scene.first, &scene.second] {
        let login = [("username", "dr"), ("password", KEY)];
        bao.root().put("secret/dr/repo", login).await.unwrap();
    }
    scene
        .first
        .root()
        .put("secret/dr/token", [("token", KEY)])
        .await
        .unwrap();
}

#[tokio::test]
async fn what_is_there_is_told_with_version_and_age_and_what_need_not_be_read_is_not() {
    let mut scene = Scene::start(SECRETS).await;
    complete(&scene).await;
    // A token that the server does not tell what it may: it sees that a secret is there, and cannot read it.
    let rules = r#"path "secret/data/dr/repo" { capabilities = ["read"] }
                   path "secret/metadata/dr/*" { capabilities = ["read", "list"] }"#;
    let told = r#"path "sys/capabilities-self" { capabilities = ["update"] }"#;
    let root = scene.first.root();
    root.policy("looks", rules).await.unwrap();
    let body = json!({"policies": ["looks"], "no_default_policy": true, "ttl": "1h"});
    let made = root.post("auth/token/create", &body).await.unwrap();
    scene.tool.set("FIRST", made["auth"]["client_token"].as_str().unwrap());
    let ran = scene.check(&[]).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    assert!(
        ran.out
            .contains("of 1 it was not tried whether we may read them, which --read does: token"),
        "{}",
        ran.said()
    );
    let line = |ran: &Ran, begin: &str| {
        let mut lines = ran.out.lines();
        lines
            .find(|line| line.starts_with(begin))
            .unwrap_or_default()
            .to_owned()
    };
    let of_token = line(&ran, "token");
    assert!(
        of_token.contains("there, not read") && of_token.contains("just now"),
        "{}",
        ran.said()
    );
    assert!(line(&ran, "repo").contains("read"), "{}", ran.said());

    let ran = scene.check(&["--output", "json"]).await;
    let said: Value = serde_json::from_str(&ran.out).unwrap();
    let found = &said["secrets"][1]["places"][0]["found"];
    assert_eq!(
        (&found["read"], &found["readable"], &found["version"]),
        (&json!(false), &json!(false), &json!("1")),
        "{said:#}"
    );

    // That it is there does not prove that the restore may read it.
    let ran = scene.check(&["--read"]).await;
    assert_eq!(ran.code, 1, "{}", ran.said());
    assert!(ran.out.contains("DENIED"), "{}", ran.said());

    // Where the server tells, it need not be read for that.
    let root = scene.first.root();
    root.policy("looks", &format!("{rules} {told}")).await.unwrap();
    let ran = scene.check(&[]).await;
    assert_eq!(ran.code, 1, "{}", ran.said());
    let stanza = r#"path "secret/data/dr/token" { capabilities = ["read"] }"#;
    assert!(
        line(&ran, "token").contains("DENIED") && ran.out.contains(stanza),
        "{}",
        ran.said()
    );
    root.policy("looks", &format!("{rules} {told} {stanza}")).await.unwrap();
    let ran = scene.check(&[]).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    assert!(line(&ran, "token").contains("readable"), "{}", ran.said());
    assert!(
        ran.out.contains("all 2 secrets can be read from every place"),
        "{}",
        ran.said()
    );
}

#[tokio::test]
async fn a_fallback_that_is_gone_fails_the_check_although_a_restore_would_not_notice() {
    let mut scene = Scene::start(SECRETS).await;
    complete(&scene).await;
    scene.second.root().delete("secret/dr/repo").await.unwrap();
    let ran = scene.check(&[]).await;
    assert_eq!(ran.code, 1, "{}", ran.said());
    assert!(ran.out.contains("MISSING"), "{}", ran.said());
    assert!(
        ran.out.contains("1 of 2 cannot be read from every place: repo"),
        "{}",
        ran.said()
    );

    scene.second.seal().await.unwrap();
    let ran = scene.check(&[]).await;
    assert_eq!(ran.code, 1, "{}", ran.said());
    assert!(ran.out.contains("repo: store old is sealed"), "{}", ran.said());
    let told = |word: &str| ran.out.contains(word);
    assert!(told("UNREACHABLE") && !told("MISSING"), "{}", ran.said());

    scene.first.seal().await.unwrap();
    let ran = scene.check(&[]).await;
    assert_eq!(ran.code, 1, "{}", ran.said());
    assert!(
        ran.out.contains("2 of 2 cannot be read from anywhere: repo, token"),
        "{}",
        ran.said()
    );
}

#[tokio::test]
async fn places_that_differ_and_secrets_that_nobody_could_use_are_told() {
    let scene = Scene::start(SECRETS).await;
    complete(&scene).await;
    let stale = [("username", "dr"), ("password", "another one of them")];
    scene.second.root().put("secret/dr/repo", stale).await.unwrap();
    let ran = scene.check(&[]).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    let differs = "secret `repo`: secret/dr/repo in store old differs from secret/dr/repo in store vault: password";
    assert!(ran.out.contains(differs), "{}", ran.said());
    assert_eq!(scene.check(&["--strict"]).await.code, 1);

    scene
        .first
        .root()
        .put("secret/dr/repo", [("usrname", "dr")])
        .await
        .unwrap();
    let ran = scene.check(&[]).await;
    assert_eq!(ran.code, 1, "{}", ran.said());
    assert!(ran.out.contains("did you mean `username`?"), "{}", ran.said());
    assert!(
        ran.out.contains("1 of 2 cannot be restored as it is: repo"),
        "{}",
        ran.said()
    );
}

#[tokio::test]
async fn an_optional_secret_may_be_nowhere_and_that_nobody_can_tell_is_not_that() {
    let optional = format!("{SECRETS}    optional: true\n");
    let mut scene = Scene::start(&optional).await;
    complete(&scene).await;
    scene.first.root().delete("secret/dr/token").await.unwrap();
    let ran = scene.check(&[]).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    assert!(ran.out.contains("optional and nowhere: token"), "{}", ran.said());
    scene.first.seal().await.unwrap();
    assert_eq!(scene.check(&[]).await.code, 1);
}
