//! Secrets that the platform keeps in its own repository, encrypted by SOPS: what opens the repository, and the age key, come
//! from the store that outlived the cluster.

use std::process::Command;

use age::secrecy::ExposeSecret as _;
use k8s_openapi::api::core::v1::Secret;
use kube::api::Api;
use testbed::Programs;

use super::scene::{SIGNING_KEY, Scene, files, flat};

/// A value with all that gets lost on the way: no line break at its end, a CRLF, bytes that are no text.
const BYTES: &[u8] = b"c4n4ry-payments\r\n\xff\x00 end";

/// The stores and secrets of the runbook. The signing key is in the repository alone, and what opens the repository is there
/// first of all, where it cannot be read in time.
const SECRETS: &str = r"  - name: sealed
    sops: {source: platform, path: secrets, age-key: {store: vault, path: dr/age, key: prod}, program: /nowhere/sops}
agent: {argocd: {from: {source: platform, path: bootstrap/argocd}}}
secrets:
  repo-platform: {as: argocd/repository, from: [{sealed: repo.yaml}, {vault: dr/repo-platform}]}
  argocd-secret: {as: argocd/argocd-secret, from: [{vault: dr/lost}, {sealed: argocd.env, keys: {server.secretkey: SECRETKEY}}]}
  payments: {as: {namespace: shop, type: Opaque}, from: {sealed: payments.yaml}}
  license: {as: {namespace: shop, type: Opaque}, from: {sealed: license.pem, keys: {license: value}}}
roots:
";

fn runbook(text: &str) -> String {
    let (before, _) = text.split_once("agent:").unwrap();
    let (_, after) = text.split_once("roots:\n").unwrap();
    format!("{before}{SECRETS}{after}")
}

/// Encrypts a file of the repository by the program.
#[expect(clippy::disallowed_methods, reason = "the program is run as people do")]
fn encrypted(public: &str, name: &str, text: &[u8], arguments: &[&str]) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, text).unwrap();
    let mut command = Command::new(Programs::find().unwrap().built("sops").unwrap());
    let ran = command
        .env_clear()
        .args(["encrypt", "--in-place", "--age", public])
        .args(arguments)
        .arg(&file)
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    (format!("secrets/{name}"), std::fs::read_to_string(&file).unwrap())
}

#[tokio::test]
async fn what_the_repository_keeps_encrypted_is_read_once_it_is_fetched_and_comes_back_byte_by_byte() {
    let identity = age::x25519::Identity::generate();
    let public = identity.to_public().to_string();
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, BYTES);
    let manifest = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: payments}}\ndata: {{blob: {encoded}}}\nstringData: {{user: me}}\n"
    );
    let sealed = [
        encrypted(
            &public,
            "payments.yaml",
            manifest.as_bytes(),
            &["--encrypted-regex", "^(data|stringData)$"],
        ),
        encrypted(
            &public,
            "argocd.env",
            format!("SECRETKEY={SIGNING_KEY}\n").as_bytes(),
            &[],
        ),
        encrypted(&public, "license.pem", BYTES, &[]),
    ];
    let scene = Scene::with(files().into_iter().chain(sealed.clone()).collect()).await;
    let store = scene.outage.vault.root();

    // The age key is not there: that is known before anything is touched.
    let refused = scene.restore_with(runbook, &[]).await;
    assert_eq!(refused.code, 2, "{}", refused.said());
    let said = flat(&refused.out);
    for words in [
        "store sealed: its age key cannot be had: store vault has no secret at dr/age",
        "argocd-secret, license, payments",
    ] {
        assert!(said.contains(words), "“{words}” is not said:\n{}", refused.said());
    }

    // Neither does anything come of a file that somebody changed.
    let secret = identity.to_string();
    store
        .put("dr/age", [("prod", secret.expose_secret()), ("test", "x")])
        .await
        .unwrap();
    let (name, text) = &sealed[0];
    let tampered = text.replace("name: payments", "name: other");
    assert_ne!(&tampered, text);
    scene
        .platform
        .commit("change it by hand", [(name.clone(), tampered)])
        .await
        .unwrap();
    let refused = scene.restore_with(runbook, &[]).await;
    assert_eq!(refused.code, 2, "{}", refused.said());
    assert!(
        flat(&refused.out).contains("payments.yaml in store sealed was changed by other means than SOPS"),
        "{}",
        refused.said()
    );
    assert!(scene.mutations().await.is_empty());

    scene
        .platform
        .commit("bring it back", [(name.clone(), text.clone())])
        .await
        .unwrap();
    let ran = scene.restore_with(runbook, &["--deadline", "10m"]).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    let said = flat(&ran.said());
    for words in [
        "Secret repo-platform came from its fallback, vault dr/repo-platform",
        "Secret argocd-secret came from its fallback, sealed argocd.env",
        "read the secrets in the sources",
        "3 from sealed",
    ] {
        assert!(said.contains(words), "“{words}” is not said:\n{}", ran.said());
    }
    assert_eq!(value(&scene, "shop", "payments", "blob").await.as_deref(), Some(BYTES));
    assert_eq!(
        value(&scene, "shop", "payments", "user").await.as_deref(),
        Some(&b"me"[..])
    );
    assert_eq!(
        value(&scene, "shop", "license", "license").await.as_deref(),
        Some(BYTES)
    );
    assert_eq!(
        value(&scene, "argocd", "argocd-secret", "server.secretkey")
            .await
            .as_deref(),
        Some(SIGNING_KEY.as_bytes())
    );
    // Nothing of it lies about: neither the key nor a value, in what is shown and in what the run leaves behind.
    for secret in [secret.expose_secret(), "c4n4ry-payments", SIGNING_KEY] {
        assert!(!ran.said().contains(secret));
        let left = holds(scene.tool.home(), secret.as_bytes());
        assert_eq!(left, Vec::<std::path::PathBuf>::new());
    }
}

/// Returns the files below a folder that hold something.
fn holds(folder: &std::path::Path, wanted: &[u8]) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(holds(&path, wanted));
        } else if std::fs::read(&path).is_ok_and(|text| text.windows(wanted.len()).any(|part| part == wanted)) {
            found.push(path);
        }
    }
    found
}

async fn value(scene: &Scene, namespace: &str, name: &str, key: &str) -> Option<Vec<u8>> {
    let secrets: Api<Secret> = Api::namespaced(scene.outage.bed.admin(), namespace);
    let data = secrets.get_opt(name).await.unwrap()?.data?;
    Some(data.get(key)?.0.clone())
}
