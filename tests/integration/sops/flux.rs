//! Before an outage it is known whether the age key that is restored opens what Flux will decrypt, file by file, without decrypting any.

use serde_json::Value;
use testbed::git_server::{GitServerOptions, Repository};
use testbed::{GitServer, Ran, Tool};

use super::drawer::{CANARY, Drawer, Key};

const FLUX: &str = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: NAME, namespace: flux-system}\n\
                    spec: {interval: 10m, prune: true, path: ./NAME, sourceRef: {kind: GitRepository, name: flux-system}MORE}\n";

const DECRYPTS: &str = ", decryption: {provider: sops, secretRef: {name: sops-age}}";

/// Three apps: `cart` is encrypted for the key of the platform, `search` for that of somebody who left, and `legacy` is not decrypted.
fn files(drawer: &Drawer, stranger: &Key) -> Vec<(String, String)> {
    let secret = format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: db}}\nstringData: {{password: {CANARY}}}\n");
    let only = ["--encrypted-regex", "^(data|stringData)$"];
    drawer.encrypt("cart/db.yaml", &secret, &only).unwrap();
    let theirs = ["--age", stranger.public.as_str(), only[0], only[1]];
    drawer.encrypt_for("search/db.yaml", &secret, &theirs).unwrap();
    drawer
        .encrypt_for("search/vars.env", format!("A={CANARY}\n"), &theirs[..2])
        .unwrap();
    drawer.encrypt("legacy/db.yaml", &secret, &only).unwrap();
    let flux = |name: &str, more: &str| {
        let text = FLUX.replace("NAME", name).replace("MORE", more);
        (format!("clusters/prod/{name}.yaml"), text)
    };
    let sealed = ["cart/db.yaml", "search/db.yaml", "search/vars.env", "legacy/db.yaml"];
    let sealed = sealed.map(|name| (name.to_owned(), drawer.text(name)));
    let mut all = vec![flux("cart", DECRYPTS), flux("search", DECRYPTS), flux("legacy", "")];
    all.extend(sealed);
    all
}

fn runbook(repository: &Repository, secrets: &str) -> String {
    format!(
        "apiVersion: gitops-dr/v1\nkind: Runbook\nname: fluxed\ntarget: {{context: new}}\n\
         sources:\n  platform: {{git: \"{}\", revision: main}}\nstores:\n  - env: {{}}\n\
         agent: {{flux: {{from: {{source: platform, path: clusters/prod}}}}}}\n\
         secrets:\n{secrets}roots:\n  - {{id: prod, source: platform, path: clusters/prod}}\n",
        repository.url_http()
    )
}

async fn check(tool: &Tool, drawer: &Drawer, text: &str, flags: &[&str]) -> Ran {
    let file = drawer.path("runbook.yaml");
    std::fs::write(&file, text).unwrap();
    let arguments = [&["secrets", "check", file.to_str().unwrap()], flags].concat();
    let ran = tool.run(&arguments).await.unwrap();
    for value in [CANARY, &drawer.key.secret] {
        assert!(!ran.said().contains(value), "{}", ran.said());
    }
    ran
}

#[tokio::test]
async fn whether_the_key_that_is_restored_opens_what_flux_decrypts_is_told_without_decrypting_anything() {
    let (drawer, stranger) = (Drawer::new(), Key::new());
    let git = GitServer::start(GitServerOptions::default()).await.unwrap();
    let repository = git.create_public("shop/platform").await.unwrap();
    repository
        .commit("the platform", files(&drawer, &stranger))
        .await
        .unwrap();
    let mut tool = Tool::new(env!("CARGO_BIN_EXE_gitops-dr")).unwrap();
    tool.set("AGE_KEY", &drawer.key.secret);
    let other = "  webhook: {as: {namespace: flux-system, type: Opaque}, from: {env: AGE_KEY, keys: {token: value}}}\n";
    let key =
        "  sops-age: {as: {namespace: flux-system, type: Opaque}, from: {env: AGE_KEY, keys: {prod.agekey: value}}}\n";

    let text = runbook(&repository, &format!("{key}{other}"));
    let ran = check(&tool, &drawer, &text, &[]).await;
    let told = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(ran.code, 1, "{}", ran.said());
    for words in [
        "1 of 2 cannot be restored as it is: sops-age",
        "flux-system/search decrypts with it what is encrypted for others: platform:search/db.yaml, platform:search/vars.env",
        &drawer.key.public,
        &stranger.public,
        "flux-system/legacy has no `spec.decryption`, and applies what SOPS has encrypted: platform:legacy/db.yaml",
    ] {
        assert!(told.contains(words), "{words}: {}", ran.said());
    }
    assert!(!told.contains("platform:cart/db.yaml"), "{}", ran.said());

    // The other key is put beside ours, and the third app is decrypted, too.
    tool.set("AGE_KEY", format!("{}\n{}\n", drawer.key.secret, stranger.secret));
    let legacy = FLUX.replace("NAME", "legacy").replace("MORE", DECRYPTS);
    repository
        .commit("decrypt", [("clusters/prod/legacy.yaml", legacy)])
        .await
        .unwrap();
    let ran = check(&tool, &drawer, &text, &["--strict", "--output", "json"]).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(told["findings"], serde_json::json!([]), "{told:#}");

    // A runbook that forgets the key.
    let ran = check(&tool, &drawer, &runbook(&repository, other), &["--strict"]).await;
    let told = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(ran.code, 1, "{}", ran.said());
    assert!(
        told.contains("flux-system/cart decrypts with Secret flux-system/sops-age, which the runbook does not restore: platform:cart/db.yaml"),
        "{}",
        ran.said()
    );

    // A restore of Flux is still refused, before it looks at anything.
    let file = drawer.path("runbook.yaml");
    let ran = tool.run(&["restore", file.to_str().unwrap()]).await.unwrap();
    assert_eq!(ran.code, 2, "{}", ran.said());
    assert!(ran.said().contains("Argo CD only"), "{}", ran.said());
}
