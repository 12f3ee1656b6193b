//! From a live platform into two stores, and from each of them onto a new cluster: byte by byte, and old tokens still open.

use std::collections::BTreeMap;

use kube::Client;
use testbed::{Bed, BedOptions, Moto, Tool};

use super::platform::{bytes, capture, keeper, put, runbook};
use super::server::Server;
use crate::restore::scene::{Scene, files};

const REGION: &str = "eu-central-1";

/// The full install, with an account for programs.
const KUSTOMIZATION: &str = r"
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: argocd
resources: [install.yaml]
patches:
  - target: {kind: ConfigMap, name: argocd-cm}
    patch: |
      - {op: add, path: /data, value: {accounts.ci: apiKey, admin.enabled: 'true'}}
";

/// What the runbook restores beside the platform's own: values of every sort.
const SECRETS: &str = r"secrets:
  license: {as: {namespace: shop, type: Opaque}, from: [{vault: dr/license, keys: {license.bin: {key: license, base64: true}}}, {aws: prod/license, keys: {license.bin: {key: license, base64: true}}}]}
  edge: {as: {namespace: shop, type: Opaque}, from: [{vault: dr/edge}, {aws: prod/edge}]}
  db: {as: {namespace: shop, type: Opaque}, from: [{vault: dr/db, keys: {password: {key: config, field: /db/password}}}, {aws: prod/db, keys: {password: {key: config, field: /db/password}}}]}
  writer: {as: argocd/repo-write-creds, from: [{vault: dr/writer}, {aws: prod/writer}]}
  scm: {as: argocd/scm-creds, from: [{vault: dr/scm}, {aws: prod/scm}]}
";

/// The Secrets of the runbook, by namespace and name.
const NAMES: [(&str, &str); 7] = [
    ("argocd", "argocd-secret"),
    ("argocd", "repo-platform"),
    ("argocd", "scm"),
    ("argocd", "writer"),
    ("shop", "db"),
    ("shop", "edge"),
    ("shop", "license"),
];

type Contents = BTreeMap<String, BTreeMap<String, Vec<u8>>>;

#[tokio::test]
async fn what_is_captured_comes_back_byte_by_byte_through_either_store_and_old_tokens_still_open() {
    let mut all = files();
    all.retain(|(name, _)| !name.starts_with("bootstrap/"));
    let install = testbed::Programs::find()
        .unwrap()
        .shared("argocd/install.yaml")
        .unwrap();
    all.push((
        "bootstrap/argocd/install.yaml".into(),
        std::fs::read_to_string(install).unwrap(),
    ));
    all.push(("bootstrap/argocd/kustomization.yaml".into(), KUSTOMIZATION.into()));
    let mut scene = Scene::with(all).await;
    let ran = scene.restore(&["--deadline", "10m"]).await;
    assert_eq!(ran.code, 0, "{}", ran.said());

    // The platform lives: somebody logs in, a pipeline gets a token, secrets are made by hand.
    let server = Server::of(&scene.outage.bed).await;
    let session = server.session(&scene.outage.bed).await;
    let token = server.token(&session, "ci").await;
    assert_eq!(server.who(&token).await.as_deref(), Some("ci"));
    let live = scene.outage.bed.admin();
    make_by_hand(&live).await;

    let moto = Moto::start().await.unwrap();
    let aws = format!(
        "stores:\n  - aws: {{region: {REGION}, endpoint: \"{}\"}}\n",
        moto.address()
    );
    let mut keeper = keeper(&scene).await;
    for tool in [&mut keeper, &mut scene.tool] {
        tool.set("AWS_ACCESS_KEY_ID", "AKIAGITOPSDRTEST");
        tool.set("AWS_SECRET_ACCESS_KEY", "c4n4ry-secret-of-the-access-key");
    }
    let mut both = runbook().replace("stores:\n", &aws).replace("secrets:\n", SECRETS);
    for name in ["repo-platform", "argocd-secret"] {
        both = both.replace(
            &format!("[{{vault: dr/{name}}}]"),
            &format!("[{{vault: dr/{name}}}, {{aws: prod/{name}}}]"),
        );
    }
    let ran = capture(&scene, &keeper, &both, &["--write", "--replace", "argocd-secret"]).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    let ran = capture(&scene, &keeper, &both, &["--check"]).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    let expected = contents(&live).await;

    let through_vault = restored(&scene, &scene.tool, &both).await;
    comes_back(&through_vault, &expected, &session, &token).await;
    is_not_captured_by_mistake(&scene, &keeper, &both, &through_vault).await;
    drop(through_vault);

    // Vault is lost as well.
    scene.outage.vault.stop().await.unwrap();
    let through_aws = restored(&scene, &scene.tool, &both).await;
    comes_back(&through_aws, &expected, &session, &token).await;
}

/// A Secret of each sort, as people make them.
async fn make_by_hand(live: &Client) {
    let namespaces: kube::Api<k8s_openapi::api::core::v1::Namespace> = kube::Api::all(live.clone());
    let shop = serde_json::from_value(serde_json::json!({"metadata": {"name": "shop"}})).unwrap();
    namespaces
        .create(&kube::api::PostParams::default(), &shop)
        .await
        .unwrap();
    put(
        live,
        "shop",
        "license",
        "Opaque",
        &[("license.bin", &[0, 159, 146, 150, 13, 10])],
    )
    .await;
    let pem = b"-----BEGIN CERTIFICATE-----\r\nYzRuNHJ5\r\n-----END CERTIFICATE-----";
    put(
        live,
        "shop",
        "edge",
        "Opaque",
        &[("ca.crt", pem), ("empty", b""), ("note", "p\u{e4}ss\n".as_bytes())],
    )
    .await;
    put(live, "shop", "db", "Opaque", &[("password", b"hunter2 \"hunter2\"")]).await;
    let writer: [(&str, &[u8]); 3] = [
        ("url", b"https://git.example.com/shop"),
        ("username", b"hydrator"),
        ("password", b"c4n4ry-of-the-hydrator"),
    ];
    labelled(live, "writer", "repo-write-creds", &writer).await;
    labelled(live, "scm", "scm-creds", &[("token", b"c4n4ry-of-the-generators")]).await;
}

/// A Secret that Argo CD knows by its label.
async fn labelled(live: &Client, name: &str, mark: &str, data: &[(&str, &[u8])]) {
    put(live, "argocd", name, "Opaque", data).await;
    let secrets: kube::Api<k8s_openapi::api::core::v1::Secret> = kube::Api::namespaced(live.clone(), "argocd");
    let label = serde_json::json!({"metadata": {"labels": {"argocd.argoproj.io/secret-type": mark}}});
    let merge = kube::api::Patch::Merge(label);
    secrets
        .patch(name, &kube::api::PatchParams::default(), &merge)
        .await
        .unwrap();
}

async fn contents(client: &Client) -> Contents {
    let mut all = Contents::new();
    for (namespace, name) in NAMES {
        all.insert(format!("{namespace}/{name}"), bytes(client, namespace, name).await);
    }
    all
}

/// Restores onto a new cluster.
async fn restored(scene: &Scene, tool: &Tool, runbook: &str) -> Bed {
    let options = BedOptions {
        context: "shop-next".to_owned(),
        ..BedOptions::default()
    };
    let bed = Bed::start(options).await.unwrap();
    let runbook = scene.outage.runbook("next.yaml", runbook).unwrap();
    let kubeconfig = bed.kubeconfig().display().to_string();
    let arguments = [
        "restore",
        runbook.to_str().unwrap(),
        "--kubeconfig",
        &kubeconfig,
        "--context",
        "shop-next",
        "--deadline",
        "10m",
    ];
    let ran = tool.run(&arguments).await.unwrap();
    assert_eq!(ran.code, 0, "{}", ran.said());
    bed
}

async fn comes_back(bed: &Bed, expected: &Contents, session: &str, token: &str) {
    let server = Server::of(bed).await;
    assert_eq!(
        server.who(session).await.as_deref(),
        Some("admin"),
        "a session of before"
    );
    assert_eq!(server.who(token).await.as_deref(), Some("ci"), "a token of before");
    assert_eq!(server.who("nobody").await, None);
    assert_eq!(contents(&bed.admin()).await, *expected);
}

/// Another cluster than the last is captured only if a person says so.
async fn is_not_captured_by_mistake(scene: &Scene, keeper: &Tool, runbook: &str, bed: &Bed) {
    let kubeconfig = bed.kubeconfig().display().to_string();
    let next = ["--kubeconfig", &kubeconfig, "--context", "shop-next"];
    let ran = capture(scene, keeper, runbook, &[&next[..], &["--write"]].concat()).await;
    assert_eq!(ran.code, 2, "{}", ran.said());
    assert!(
        ran.said()
            .contains("this is another cluster than the one that was captured last"),
        "{}",
        ran.said()
    );
    let said = ["--check", "--other-cluster", "the old one burnt down"];
    let ran = capture(scene, keeper, runbook, &[&next[..], &said].concat()).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
}
