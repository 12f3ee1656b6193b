//! What Argo CD trusts comes from the store: hosts, certificates of servers, signers.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::Api;

use super::scene::{Scene, files, flat, platform_only};

const GIT: &str = "https://git.example.com/shop/platform.git";

/// The settings beside the secrets of the runbook.
const SETTINGS: &str = "secrets:
  hosts: {as: argocd/ssh-known-hosts, from: {vault: dr/hosts}}
  certificates: {as: argocd/tls-certs, from: {vault: dr/certificates}}
  signers: {as: argocd/gpg-keys, from: {vault: dr/signers}}
";

/// A block that looks like a key; nobody opens it here.
const SIGNER: &str =
    "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEZzzzzxYJKwYBBAHaRw8BAQdA\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n";

/// A platform whose repository opens by SSH alone, from a server that the install of its Argo CD does not know.
async fn by_ssh() -> (Scene, String) {
    let scene = Scene::start().await;
    let url = scene.platform.url_ssh().unwrap().to_owned();
    let moved = files().into_iter().map(|(name, text)| (name, text.replace(GIT, &url)));
    scene.platform.commit("by SSH", moved).await.unwrap();
    let key = scene.platform.private_key().unwrap();
    let repository = [("url", url.as_str()), ("type", "git"), ("sshPrivateKey", key)];
    scene
        .outage
        .vault
        .root()
        .put("dr/repo-platform", repository)
        .await
        .unwrap();
    let folder = scene.tool.home().join(".ssh");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("known_hosts"), scene.outage.git.known_hosts().unwrap()).unwrap();
    (scene, url)
}

/// The data of a ConfigMap of Argo CD's.
async fn data(scene: &Scene, name: &str) -> BTreeMap<String, String> {
    let maps: Api<ConfigMap> = Api::namespaced(scene.outage.bed.admin(), "argocd");
    maps.get(name).await.unwrap().data.unwrap_or_default()
}

#[tokio::test]
async fn what_argo_cd_trusts_is_there_before_it_reads_and_a_second_restore_changes_nothing() {
    let (scene, url) = by_ssh().await;
    let runbook = |text: &str| text.replace(GIT, &url).replace("secrets:\n", SETTINGS);
    let store = scene.outage.vault.root();
    let certificate = rcgen::generate_simple_self_signed(["git.shop.example.com".to_owned()]).unwrap();
    let certificate = certificate.cert.pem();
    let hosts = format!("# hosts of ours\n{}", scene.outage.git.known_hosts().unwrap());

    // What is no such thing is known before anything is touched.
    store.put("dr/hosts", [("ssh_known_hosts", "nobody\n")]).await.unwrap();
    store
        .put("dr/certificates", [("git.shop.example.com", "MIIB")])
        .await
        .unwrap();
    store.put("dr/signers", [("4AEE18F83AFDEB23", "mDME")]).await.unwrap();
    let refused = scene.restore_with(runbook, &[]).await;
    assert_eq!(refused.code, 2, "{}", refused.said());
    let said = flat(&refused.out);
    for words in [
        "secret `hosts`: `ssh_known_hosts` holds no host with its key",
        "secret `certificates`: `git.shop.example.com` holds no PEM certificate",
        "secret `signers`: `4AEE18F83AFDEB23` holds no PGP public key",
    ] {
        assert!(said.contains(words), "“{words}” is not said:\n{}", refused.said());
    }
    assert!(scene.mutations().await.is_empty());

    store
        .put("dr/hosts", [("ssh_known_hosts", hosts.as_str())])
        .await
        .unwrap();
    store
        .put("dr/certificates", [("git.shop.example.com", certificate.as_str())])
        .await
        .unwrap();
    store.put("dr/signers", [("4AEE18F83AFDEB23", SIGNER)]).await.unwrap();
    let ran = scene.restore_with(runbook, &["--deadline", "10m"]).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    assert!(!ran.said().contains("Argo CD will know no key"), "{}", ran.said());
    for (name, key, value) in [
        // The install brings hosts of its own under this key; those of the store take their place.
        ("argocd-ssh-known-hosts-cm", "ssh_known_hosts", hosts.as_str()),
        ("argocd-tls-certs-cm", "git.shop.example.com", certificate.as_str()),
        ("argocd-gpg-keys-cm", "4AEE18F83AFDEB23", SIGNER),
    ] {
        let expected = BTreeMap::from([(key.to_owned(), value.to_owned())]);
        assert_eq!(data(&scene, name).await, expected, "{name}");
    }
    let events = scene.mutations().await;
    let first = |resource: &str, name: &str| {
        let is_it = |event: &testbed::control_plane::AuditEvent| event.resource == resource && event.name == name;
        events
            .iter()
            .position(is_it)
            .unwrap_or_else(|| panic!("nobody wrote {name}"))
    };
    let server = first("deployments", "argocd-repo-server");
    for name in ["argocd-ssh-known-hosts-cm", "argocd-tls-certs-cm", "argocd-gpg-keys-cm"] {
        assert!(first("configmaps", name) < server, "{name} came after the repo-server");
        let writes = events.iter().filter(|event| event.name == name).count();
        assert_eq!(writes, 1, "{name} is written once, with all that it is to hold");
    }

    let second = scene
        .restore_with(
            |text| runbook(text).replace("expect: empty", "expect: adopt"),
            &["--deadline", "10m"],
        )
        .await;
    assert_eq!(second.code, 0, "{}", second.said());
    let after = scene.mutations().await.split_off(events.len());
    assert!(!after.is_empty(), "the audit log saw the Lease");
    assert_eq!(platform_only(after), [], "{}", second.said());
}
