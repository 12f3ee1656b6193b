//! A platform whose Vault died with it: all that it needs comes from AWS, from a region with replicas.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::core::v1::Secret;
use kube::api::Api;
use serde_json::json;
use testbed::{Moto, Port};

use super::scene::{PASSWORD, SIGNING_KEY, Scene};

const REGION: &str = "eu-central-1";
/// A PEM block as Windows writes it, without a line break at its end.
const PEM: &str = "-----BEGIN CERTIFICATE-----\r\nYzRuNHJ5LWNlcnRpZmljYXRl\r\n-----END CERTIFICATE-----";
const LICENSE: [u8; 6] = [0, 159, 146, 150, 13, 10];

const SECRETS: &str = r"secrets:
  license: {as: {namespace: shop, type: Opaque}, from: [{aws: prod/license, keys: {license.bin: value}}]}
  edge-ca: {as: {namespace: shop, type: Opaque}, from: [{aws: prod/edge-ca, keys: {ca.crt: value}}]}
  payments: {as: {namespace: shop, type: Opaque}, from: [{aws: prod/payments, version: AWSPREVIOUS}]}
";

#[tokio::test]
async fn a_platform_whose_vault_is_down_comes_back_from_a_replica_in_aws() {
    let mut scene = Scene::start().await;
    let moto = moto(&scene).await;
    let nowhere = Port::free().unwrap();
    let store = format!(
        "stores:\n  - aws: {{region: eu-west-1, endpoint: \"http://127.0.0.1:{nowhere}\", replicas: [{{region: {REGION}, endpoint: \"{}\"}}]}}\n",
        moto.address()
    );
    scene.tool.set("AWS_ACCESS_KEY_ID", "AKIAGITOPSDRTEST");
    scene
        .tool
        .set("AWS_SECRET_ACCESS_KEY", "c4n4ry-secret-of-the-access-key");
    scene.outage.vault.stop().await.unwrap();
    let runbook = |text: &str| {
        let mut text = text.replace("stores:\n", &store).replace("secrets:\n", SECRETS);
        for name in ["repo-platform", "argocd-secret"] {
            text = text.replace(
                &format!("[{{vault: dr/{name}}}]"),
                &format!("[{{vault: dr/{name}}}, {{aws: prod/{name}}}]"),
            );
        }
        text
    };
    let ran = scene.restore_with(runbook, &["--deadline", "10m"]).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    let said = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "Secret repo-platform: store vault at",
        "does not answer; its next source is tried",
        "Secret repo-platform came from its fallback, aws prod/repo-platform",
        "Store aws is read in its replica region eu-central-1, whose values may be older",
        "connection refused",
    ] {
        assert!(said.contains(words), "“{words}” is not said:\n{}", ran.said());
    }
    for (namespace, name, key, expected) in [
        ("argocd", "repo-platform", "password", PASSWORD.as_bytes()),
        ("argocd", "argocd-secret", "server.secretkey", SIGNING_KEY.as_bytes()),
        ("shop", "license", "license.bin", &LICENSE),
        ("shop", "edge-ca", "ca.crt", PEM.as_bytes()),
        ("shop", "payments", "token", b"c4n4ry-older"),
        ("shop", "payments", "port", b"5432"),
    ] {
        let found = bytes(&scene, namespace, name, key).await;
        assert_eq!(
            found.as_deref(),
            Some(expected),
            "{namespace}/{name} {key}: every byte counts"
        );
    }
}

/// Starts an AWS that holds what the Vault holds, and some more.
async fn moto(scene: &Scene) -> Moto {
    let moto = Moto::start().await.unwrap();
    let url = scene.platform.url_http();
    let repository = json!({"url": url, "type": "git", "username": "dr", "password": PASSWORD});
    for (name, text) in [
        ("prod/repo-platform", repository.to_string()),
        (
            "prod/argocd-secret",
            json!({"server.secretkey": SIGNING_KEY}).to_string(),
        ),
        ("prod/edge-ca", PEM.to_owned()),
        (
            "prod/payments",
            json!({"token": "c4n4ry-older", "port": 5432}).to_string(),
        ),
    ] {
        moto.put(REGION, name, &text).await.unwrap();
    }
    moto.rewrite(REGION, "prod/payments", r#"{"token": "c4n4ry-newer"}"#)
        .await
        .unwrap();
    let license = json!({"Name": "prod/license", "SecretBinary": STANDARD.encode(LICENSE)});
    moto.ask(REGION, "CreateSecret", &license).await.unwrap();
    moto
}

async fn bytes(scene: &Scene, namespace: &str, name: &str, key: &str) -> Option<Vec<u8>> {
    let secrets: Api<Secret> = Api::namespaced(scene.outage.bed.admin(), namespace);
    let data = secrets.get_opt(name).await.unwrap()?.data?;
    Some(data.get(key)?.0.clone())
}
