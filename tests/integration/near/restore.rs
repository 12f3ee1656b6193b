//! A restore that reads one secret of each store that is near.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::{Api, PostParams};
use serde_json::{Value, json};
use testbed::{Ran, Remote};

use crate::restore::scene::Scene;

/// The values, each long and odd, with what is easily lost on the way.
const OF_FILE: &[u8] = b"c4n4ry-of-file\r\n\xff\x00 without an end";
const OF_VARIABLE: &str = "c4n4ry-of-variable\n";
const OF_PROGRAM: &str = "c4n4ry-of-program \"quoted\"";
const OF_CLUSTER: &str = "c4n4ry-of-cluster\r\nsecond line";

const SECRETS: &str = "secrets:
  license: {as: {namespace: shop, type: Opaque}, from: [{stick: license}]}
  mail: {as: {namespace: shop, type: Opaque}, from: [{env: MAIL, keys: {password: value}}]}
  payments: {as: {namespace: shop, type: Opaque}, from: [{safe: dr/payments}]}
  search: {as: {namespace: shop, type: Opaque}, from: [{mgmt: dr/search}]}
";

struct Near {
    scene: Scene,
    mgmt: Remote,
}

impl Near {
    async fn start() -> Self {
        let (mut scene, mgmt) = tokio::join!(Box::pin(Scene::start()), Remote::start("mgmt"));
        let mgmt = mgmt.unwrap();
        let home = scene.tool.home().to_owned();
        private(&home, "stick/license/..2026/key", OF_FILE);
        std::os::unix::fs::symlink("..2026", home.join("stick/license/..data")).unwrap();
        std::os::unix::fs::symlink("..data/key", home.join("stick/license/key")).unwrap();
        // A program that is told the path, logs in by a variable and prints JSON.
        let script = r#"case "$1" in dr/payments) ;; *) echo "no $1 for $SAFE_TOKEN" >&2; exit 4 ;; esac
grep -q '"path":"dr/payments"' || exit 5
printf '{"key": "c4n4ry-of-%s \\"quoted\\"", "note": ""}' "$SAFE_TOKEN"
"#;
        private(&home, "safe.sh", script.as_bytes());
        scene.tool.set("DR_MAIL", OF_VARIABLE);
        scene.tool.set("SAFE_TOKEN", "program");
        let files: Vec<_> = [scene.outage.bed.kubeconfig(), mgmt.kubeconfig()]
            .map(|path| path.display().to_string())
            .into();
        scene.tool.set("KUBECONFIG", files.join(":"));
        let client = mgmt.admin();
        let namespace = serde_json::from_value(json!({"metadata": {"name": "dr"}})).unwrap();
        let namespaces: Api<Namespace> = Api::all(client.clone());
        namespaces.create(&PostParams::default(), &namespace).await.unwrap();
        let secret = json!({"metadata": {"name": "search"}, "stringData": {"key": OF_CLUSTER}});
        let secrets: Api<Secret> = Api::namespaced(client, "dr");
        secrets
            .create(&PostParams::default(), &serde_json::from_value(secret).unwrap())
            .await
            .unwrap();
        Self { scene, mgmt }
    }

    fn runbook(&self, text: &str, cluster: &str) -> String {
        let home = self.scene.tool.home().display();
        let stores = format!(
            "stores:
  - {{name: stick, files: {{folder: {home}/stick}}}}
  - env: {{prefix: DR_}}
  - {{name: safe, exec: {{command: [sh, {home}/safe.sh], env: [SAFE_TOKEN], timeout: 1m}}}}
  - {{name: mgmt, kubernetes: {cluster}}}
"
        );
        text.replace("stores:\n", &stores).replace("secrets:\n", SECRETS)
    }

    async fn restore(&self, cluster: &str, change: impl Fn(String) -> String) -> Ran {
        let change = |text: &str| change(self.runbook(text, cluster));
        self.scene.restore_with(change, &["--deadline", "10m"]).await
    }

    async fn live(&self, name: &str) -> BTreeMap<String, Vec<u8>> {
        let secrets: Api<Secret> = Api::namespaced(self.scene.outage.bed.admin(), "shop");
        let data = secrets.get(name).await.unwrap().data.unwrap().into_iter();
        data.map(|(key, value)| (key, value.0)).collect()
    }
}

/// Writes a file that nobody else may read.
fn private(home: &Path, name: &str, content: &[u8]) {
    let path = home.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

fn says(ran: &Ran, words: &[&str]) {
    let flat = ran.said().split_whitespace().collect::<Vec<_>>().join(" ");
    for word in words {
        assert!(flat.contains(word), "does not say “{word}”: {}", ran.said());
    }
}

fn is_silent(ran: &Ran) {
    for value in ["c4n4ry-of-", "second line"] {
        assert!(!ran.said().contains(value), "a value was printed: {}", ran.said());
    }
}

#[tokio::test]
async fn each_store_that_is_near_gives_its_secret_byte_by_byte() {
    let near = Box::pin(Near::start()).await;
    what_cannot_be_read_is_refused(&near).await;
    a_store_in_the_target_is_refused(&near).await;

    let ran = near.restore("{context: mgmt}", |text| text).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    is_silent(&ran);
    let key = |value: &[u8]| ("key".to_owned(), value.to_vec());
    assert_eq!(near.live("license").await, [key(OF_FILE)].into());
    assert_eq!(
        near.live("mail").await,
        [("password".to_owned(), OF_VARIABLE.as_bytes().to_vec())].into()
    );
    let note = ("note".to_owned(), Vec::new());
    assert_eq!(near.live("payments").await, [key(OF_PROGRAM.as_bytes()), note].into());
    assert_eq!(near.live("search").await, [key(OF_CLUSTER.as_bytes())].into());
    // From a cluster that lives is only read.
    assert_eq!(near.mgmt.mutations().await.unwrap(), []);
    let journals = fs::read_dir(near.scene.tool.journals()).unwrap();
    let mut seen = 0;
    for journal in journals {
        let path = journal.unwrap().path();
        let files: Vec<_> = if path.is_dir() {
            fs::read_dir(&path).unwrap().map(|file| file.unwrap().path()).collect()
        } else {
            vec![path]
        };
        for file in files {
            let text = String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned();
            seen += text.len();
            assert!(!text.contains("c4n4ry-of-"), "a value is in the journal");
        }
    }
    assert!(seen > 0);
}

/// Everything that cannot be had is told at once, with what mends it, before anything is touched.
async fn what_cannot_be_read_is_refused(near: &Near) {
    let key = near.scene.tool.home().join("stick/license/..2026/key");
    fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    let ran = near
        .restore("{context: mgmt, namespace: dr}", |text| {
            text.replace("{env: MAIL,", "{env: POST,")
                .replace("{safe: dr/payments}", "{safe: dr/none}")
                .replace("{mgmt: dr/search}", "{mgmt: lost}")
        })
        .await;
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    assert_eq!(ran.code, 2, "{}", ran.said());
    let words = [
        "is open to others than its owner (mode 0644)",
        "chmod 600 ",
        "the variable DR_POST is not set",
        "`sh` gives nothing for dr/none",
        "it ended with exit status: 4",
        "no dr/none for «secret»",
        "store mgmt has no Secret dr/lost",
        "kubectl --context mgmt -n dr get secrets",
    ];
    says(&ran, &words);
    is_silent(&ran);
    assert_eq!(near.scene.mutations().await, []);
}

/// By its context's name, and by the address behind another name.
async fn a_store_in_the_target_is_refused(near: &Near) {
    let ran = near.restore("{context: shop-new}", |text| text).await;
    assert_eq!(ran.code, 2, "{}", ran.said());
    says(&ran, &["runbook/store-in-target", "this context leads to the target"]);

    let text = fs::read_to_string(near.scene.outage.bed.kubeconfig()).unwrap();
    let mut document: Value = gitops_dr::yaml::manifests(&text).unwrap().remove(0).1;
    document["contexts"][0]["name"] = json!("innocent");
    let path = near.scene.tool.home().join("innocent.kubeconfig");
    private(
        near.scene.tool.home(),
        "innocent.kubeconfig",
        document.to_string().as_bytes(),
    );
    let cluster = format!("{{context: innocent, kubeconfig: {}}}", path.display());
    let ran = near.restore(&cluster, |text| text).await;
    assert_eq!(ran.code, 2, "{}", ran.said());
    says(
        &ran,
        &["store mgmt leads to the target itself", "a cluster that lives on"],
    );
    assert_eq!(near.scene.mutations().await, []);
}
