//! Where credentials come from and what becomes of them: a repository that opens by SSH, fallbacks, what is optional, and
//! a login that ends before the run does.

use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::api::Api;

use super::scene::{SIGNING_KEY, Scene, files, flat};

const GIT: &str = "https://git.example.com/shop/platform.git";

/// The secrets of the runbook: one by its fallback, one that nobody has, one put together from store and runbook.
const SECRETS: &str = r#"secrets:
  argocd-secret: {as: argocd/argocd-secret, from: [{vault: dr/lost/argocd-secret}, {vault: dr/argocd-secret}]}
  license: {as: {namespace: shop, type: Opaque}, from: [{vault: dr/license}], optional: true}
  payments:
    as: {namespace: shop, type: Opaque, labels: {team: checkout}}
    from: [{vault: dr/payments, keys: {api-key: key}}]
    set: {endpoint: "https://pay.example.com"}
"#;

#[tokio::test]
async fn a_platform_whose_repository_opens_by_ssh_comes_back() {
    let mut scene = Scene::start().await;
    let url = by_ssh(&mut scene).await;
    let runbook = |text: &str| {
        text.replace(GIT, &url)
            .replace("secrets:\n", SECRETS)
            .replace(OLD_AGENT_SECRET, "")
    };

    // A host that nobody has vouched for is not spoken to, whoever it says it is.
    let unknown = scene.restore_with(runbook, &[]).await;
    assert_eq!(unknown.code, 2, "{}", unknown.said());
    let said = flat(&unknown.out);
    let known_hosts = scene.outage.git.known_hosts().unwrap();
    let line = known_hosts.trim();
    for words in [
        "host key of [127.0.0.1]:",
        "is not known: SHA256:",
        "compare the fingerprint",
        line,
        "~/.ssh/known_hosts",
    ] {
        assert!(said.contains(words), "“{words}” is not said:\n{}", unknown.said());
    }
    trust(&scene, &another_key(line));
    let changed = scene.restore_with(runbook, &[]).await;
    assert_eq!(changed.code, 2, "{}", changed.said());
    assert!(
        flat(&changed.out).contains("has changed: it is now SHA256:"),
        "{}",
        changed.said()
    );
    assert!(scene.mutations().await.is_empty());

    trust(&scene, line);
    let ran = scene.restore_with(runbook, &["--deadline", "10m"]).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    let said = flat(&ran.out);
    for words in [
        "Optional secret license is left out: store vault has no secret at dr/license",
        "Secret argocd-secret: store vault has no secret at dr/lost/argocd-secret; its next source is tried",
        "Secret argocd-secret came from its fallback, vault dr/argocd-secret",
    ] {
        assert!(said.contains(words), "“{words}” is not said:\n{}", ran.said());
    }
    let key = scene.platform.private_key().unwrap();
    assert_eq!(
        value(&scene, "argocd", "repo-platform", "sshPrivateKey")
            .await
            .as_deref(),
        Some(key),
        "every byte counts"
    );
    assert_eq!(
        value(&scene, "argocd", "argocd-secret", "server.secretkey")
            .await
            .as_deref(),
        Some(SIGNING_KEY)
    );
    assert_eq!(
        value(&scene, "shop", "payments", "api-key").await.as_deref(),
        Some("c4n4ry-payments-key")
    );
    assert_eq!(
        value(&scene, "shop", "payments", "endpoint").await.as_deref(),
        Some("https://pay.example.com")
    );
    assert_eq!(
        value(&scene, "shop", "payments", "key").await,
        None,
        "a key that was renamed keeps only its new name"
    );
    assert_eq!(value(&scene, "shop", "license", "key").await, None);
}

/// What [`SECRETS`] takes the place of.
const OLD_AGENT_SECRET: &str = "  argocd-secret: {as: argocd/argocd-secret, from: [{vault: dr/argocd-secret}]}\n";

/// Moves the platform to SSH: its Applications, the stored key, and the known hosts of its own Argo CD, which it has in its
/// install as real platforms do. The store's login ends after a second.
async fn by_ssh(scene: &mut Scene) -> String {
    let url = scene.platform.url_ssh().unwrap().to_owned();
    let hosts = scene.outage.git.known_hosts().unwrap();
    let trusting = format!(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: argocd\nresources: [install.yaml]\npatches:\n- patch: |\n    apiVersion: v1\n    kind: ConfigMap\n    metadata: {{name: argocd-ssh-known-hosts-cm}}\n    data: {{ssh_known_hosts: \"{}\"}}\n",
        hosts.trim()
    );
    let moved = files().into_iter().map(|(name, text)| match name.as_str() {
        "bootstrap/argocd/kustomization.yaml" => (name, trusting.clone()),
        _ => (name, text.replace(GIT, &url)),
    });
    scene.platform.commit("by SSH", moved).await.unwrap();
    let store = scene.outage.vault.root();
    let key = scene.platform.private_key().unwrap();
    store
        .put(
            "dr/repo-platform",
            [("url", url.as_str()), ("type", "git"), ("sshPrivateKey", key)],
        )
        .await
        .unwrap();
    store
        .put("dr/payments", [("key", "c4n4ry-payments-key"), ("other", "of no use")])
        .await
        .unwrap();
    let brief = store
        .app_role("brief", &["recovery"], Duration::from_secs(1))
        .await
        .unwrap();
    scene.tool.set("VAULT_ROLE_ID", brief.role_id);
    scene.tool.set("VAULT_SECRET_ID", brief.secret_id);
    url
}

/// Makes a host known to the tool's user, and no other one.
fn trust(scene: &Scene, line: &str) {
    let folder = scene.tool.home().join(".ssh");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("known_hosts"), format!("{line}\n")).unwrap();
}

/// Returns the line with a key of the same type that is not the host's.
fn another_key(line: &str) -> String {
    let (rest, key) = line.rsplit_once(' ').unwrap();
    // The last 32 bytes are the key itself; the tail of the text is far behind the length and type in front.
    let (head, tail) = key.split_at(key.len() - 10);
    format!("{rest} {head}{}", tail.chars().rev().collect::<String>())
}

async fn value(scene: &Scene, namespace: &str, name: &str, key: &str) -> Option<String> {
    let secrets: Api<Secret> = Api::namespaced(scene.outage.bed.admin(), namespace);
    let data = secrets.get_opt(name).await.unwrap()?.data?;
    Some(String::from_utf8(data.get(key)?.0.clone()).unwrap())
}
