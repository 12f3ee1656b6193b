//! Secrets that the platform keeps sealed in its own repository, by kubeseal: the controller that the platform brings opens
//! them, if it finds all of its keys when it starts.

use std::process::Command;

use jiff::{ToSpan as _, Zoned};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, ListParams};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, date_time_ymd};
use serde_json::json;
use testbed::Programs;

use super::scene::{RUNBOOK, Scene, application, files, flat, platform_only};

/// The namespace of the controller; the audit log knows it.
const NAMESPACE: &str = "sealed-secrets";

/// A value with all that gets lost on the way: no line break at its end, a CRLF, bytes that are no text.
const BYTES: &[u8] = b"c4n4ry-sealed\r\n\xff\x00 end";

/// The controller as upstream installs it, with keys that are made faster.
const CONTROLLER: &str = r"apiVersion: v1
kind: ServiceAccount
metadata: {name: sealed-secrets-controller}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: secrets-unsealer}
rules:
- {apiGroups: [bitnami.com], resources: [sealedsecrets], verbs: [get, list, watch]}
- {apiGroups: [bitnami.com], resources: [sealedsecrets/status], verbs: [update]}
- {apiGroups: [''], resources: [secrets], verbs: [get, list, create, update, delete, watch]}
- {apiGroups: [''], resources: [events], verbs: [create, patch]}
- {apiGroups: [''], resources: [namespaces], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: sealed-secrets-controller}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: secrets-unsealer}
subjects: [{kind: ServiceAccount, name: sealed-secrets-controller, namespace: sealed-secrets}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: sealed-secrets-controller}
spec:
  selector: {matchLabels: {name: sealed-secrets-controller}}
  template:
    metadata: {labels: {name: sealed-secrets-controller}}
    spec:
      serviceAccountName: sealed-secrets-controller
      containers:
      - name: sealed-secrets-controller
        image: registry.example.com/bitnami/sealed-secrets-controller:0.27.1
        command: [controller]
        args: [--key-size, '2048']
        ports: [{name: http, containerPort: 8080}]
        readinessProbe: {httpGet: {path: /healthz, port: http}}
";

/// The runbook with the keys that a place of the store holds.
fn runbook(place: &'static str) -> impl Fn(&str) -> String {
    move |text| {
        let keys = format!(
            "secrets:\n  sealing-keys: {{as: {{namespace: {NAMESPACE}, type: sealed-secrets/keys}}, from: {{vault: {place}}}}}\n"
        );
        text.replace("secrets:\n", &keys)
    }
}

/// One generation of the controller's keys.
struct Generation {
    /// The name of its Secret.
    name: &'static str,
    certificate: String,
    key: String,
}

impl Generation {
    /// Makes one that began some days ago.
    fn of(name: &'static str, days: i64) -> Self {
        let begun = Zoned::now().checked_sub(days.days()).unwrap();
        let part = |number: i8| u8::try_from(number).unwrap();
        let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
        let mut params = CertificateParams::default();
        params.not_before = date_time_ymd(i32::from(begun.year()), part(begun.month()), part(begun.day()));
        Self {
            name,
            certificate: params.self_signed(&key).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }

    fn pair(&self) -> [(&'static str, &str); 2] {
        [("tls.crt", &self.certificate), ("tls.key", &self.key)]
    }

    /// Seals a Secret for it, as people do, and returns the file for the repository.
    #[expect(clippy::disallowed_methods, reason = "the program is run as people do")]
    fn seal(&self, name: &str) -> (String, String) {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, secret) = (folder.path().join("cert.pem"), folder.path().join("secret.json"));
        std::fs::write(&certificate, &self.certificate).unwrap();
        let blob = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, BYTES);
        let plain = json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": name, "namespace": "shop"},
            "data": {"blob": blob}, "stringData": {"sealed-by": self.name},
        });
        std::fs::write(&secret, plain.to_string()).unwrap();
        let mut command = Command::new(Programs::find().unwrap().built("kubeseal").unwrap());
        let ran = command
            .env_clear()
            .env("HOME", folder.path())
            .args(["--format", "yaml", "--namespace", "shop"])
            .arg("--cert")
            .arg(&certificate)
            .arg("--secret-file")
            .arg(&secret)
            .output()
            .unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        (format!("shop/{name}.yaml"), String::from_utf8(ran.stdout).unwrap())
    }
}

/// A platform with the controller, and one sealed Secret for each generation.
async fn platform(old: &Generation, newest: &Generation) -> Scene {
    let definition = Programs::find().unwrap().shared("sealed-secrets/crd.yaml").unwrap();
    let more = [
        (
            "apps/sealing.yaml".to_owned(),
            application("sealing", "sealing", NAMESPACE),
        ),
        ("apps/shop.yaml".to_owned(), application("shop", "shop", "shop")),
        (
            "sealing/crd.yaml".to_owned(),
            std::fs::read_to_string(definition).unwrap(),
        ),
        ("sealing/controller.yaml".to_owned(), CONTROLLER.to_owned()),
        old.seal("from-old"),
        newest.seal("from-newest"),
    ];
    Scene::with(files().into_iter().chain(more).collect()).await
}

fn secrets(scene: &Scene, namespace: &str) -> Api<Secret> {
    Api::namespaced(scene.outage.bed.admin(), namespace)
}

/// What the controller has made of a sealed Secret: its bytes, and by which generation it was sealed.
async fn unsealed(scene: &Scene, name: &str) -> Option<(Vec<u8>, String)> {
    let mut data = secrets(scene, "shop").get_opt(name).await.unwrap()?.data?;
    let mut value = |key: &str| data.remove(key).map(|value| value.0);
    Some((value("blob")?, String::from_utf8(value("sealed-by")?).unwrap()))
}

/// The names of the keys in the cluster.
async fn keys(scene: &Scene) -> Vec<String> {
    let active = ListParams::default().labels("sealedsecrets.bitnami.com/sealed-secrets-key=active");
    let found = secrets(scene, NAMESPACE).list(&active).await.unwrap();
    found.items.into_iter().filter_map(|key| key.metadata.name).collect()
}

#[tokio::test]
async fn all_that_was_ever_sealed_is_opened_again_and_a_key_that_no_store_has_is_named() {
    let (old, newest) = (
        Generation::of("sealed-secrets-keyaaaaa", 80),
        Generation::of("sealed-secrets-keybbbbb", 45),
    );
    let scene = platform(&old, &newest).await;
    let store = scene.outage.vault.root();
    // A folder with a secret for each generation.
    let rules =
        "path \"dr/data/*\" { capabilities = [\"read\"] }\npath \"dr/metadata/*\" { capabilities = [\"list\"] }";
    store.policy("recovery", rules).await.unwrap();
    for generation in [&old, &newest] {
        let path = format!("dr/sealing/{}", generation.name);
        store.put(&path, generation.pair()).await.unwrap();
    }
    let runbook = runbook("dr/sealing/");

    let ran = scene.restore_with(&runbook, &["--deadline", "10m"]).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    let of = |generation: &Generation| Some((BYTES.to_vec(), generation.name.to_owned()));
    assert_eq!(unsealed(&scene, "from-old").await, of(&old));
    assert_eq!(unsealed(&scene, "from-newest").await, of(&newest));
    let kept = secrets(&scene, NAMESPACE).get(old.name).await.unwrap();
    assert_eq!(kept.type_.as_deref(), Some("kubernetes.io/tls"));
    assert_eq!(kept.data.unwrap()["tls.key"].0, old.key.as_bytes());

    // The controller takes its keys once, when it starts.
    let events = scene.outage.bed.audit().await.unwrap();
    let is_list = |event: &testbed::control_plane::AuditEvent| {
        event.verb == "list" && event.user == "system:serviceaccount:sealed-secrets:sealed-secrets-controller"
    };
    let listed = events.iter().position(is_list).expect("the controller lists its keys");
    for generation in [&old, &newest] {
        let is_it =
            |event: &testbed::control_plane::AuditEvent| event.resource == "secrets" && event.name == generation.name;
        let made = events.iter().position(is_it).unwrap();
        assert!(
            made < listed,
            "{} came after the controller had looked",
            generation.name
        );
    }

    // The newest is older than a month, so that the controller has made another.
    let made = keys(&scene).await;
    let made: Vec<_> = made
        .iter()
        .filter(|name| ![old.name, newest.name].contains(&name.as_str()))
        .collect();
    let [made] = made.as_slice() else { panic!("{made:?}") };
    let told = format!("Sealed Secrets made the key {made} in {NAMESPACE}, which no store has: capture it");
    assert!(flat(&ran.out).contains(&told), "{}", ran.said());
    assert!(flat(&ran.out).contains("its newest key is of "), "{}", ran.said());

    // Captured, it is like the others, and there is nothing left to do.
    let live = secrets(&scene, NAMESPACE).get(made).await.unwrap().data.unwrap();
    let pair = ["tls.crt", "tls.key"].map(|half| (half, String::from_utf8(live[half].0.clone()).unwrap()));
    store.put(&format!("dr/sealing/{made}"), pair).await.unwrap();
    let before = scene.mutations().await.len();
    let second = scene
        .restore_with(
            |text| runbook(text).replace("expect: empty", "expect: adopt"),
            &["--deadline", "10m"],
        )
        .await;
    assert_eq!(second.code, 0, "{}", second.said());
    assert!(
        !flat(&second.said()).contains("Sealed Secrets made"),
        "{}",
        second.said()
    );
    let after = scene.mutations().await.split_off(before);
    assert_eq!(platform_only(after), [], "{}", second.said());
}

#[tokio::test]
async fn a_generation_that_is_not_stored_leaves_what_was_sealed_for_it_sealed_and_nothing_is_called_recovered() {
    let (old, newest) = (
        Generation::of("sealed-secrets-keyaaaaa", 20),
        Generation::of("sealed-secrets-keybbbbb", 5),
    );
    let scene = platform(&old, &newest).await;
    let store = scene.outage.vault.root();
    let key = |generation: &Generation, half: &str| format!("{}.{half}", generation.name);

    // Halves of two pairs are no set: known before anything is touched.
    let mixed = [
        (key(&newest, "tls.crt"), &newest.certificate),
        (key(&newest, "tls.key"), &old.key),
        (key(&old, "tls.crt"), &old.certificate),
    ];
    store.put("dr/sealing", mixed).await.unwrap();
    let refused = scene.restore_with(runbook("dr/sealing"), &[]).await;
    assert_eq!(refused.code, 2, "{}", refused.said());
    for words in [
        "secret `sealing-keys`, key `sealed-secrets-keyaaaaa`: `tls.key` is missing",
        "secret `sealing-keys`, key `sealed-secrets-keybbbbb`: `tls.key` is not the key of the certificate",
    ] {
        assert!(
            flat(&refused.out).contains(words),
            "“{words}” is not said:\n{}",
            refused.said()
        );
    }
    // On an ordinary day it is seen likewise.
    let path = scene
        .outage
        .runbook("check.yaml", &runbook("dr/sealing")(RUNBOOK))
        .unwrap();
    let checked = scene
        .tool
        .run(&["secrets", "check", "--output", "json", &path.display().to_string()])
        .await
        .unwrap();
    assert_eq!(checked.code, 1, "{}", checked.said());
    for words in [
        "sealed-secrets/keys",
        "key `sealed-secrets-keyaaaaa`: `tls.key` is missing",
    ] {
        assert!(
            flat(&checked.out).contains(words),
            "“{words}” is not said:\n{}",
            checked.said()
        );
    }
    assert!(scene.mutations().await.is_empty());

    let only_newest = newest.pair().map(|(half, value)| (key(&newest, half), value));
    store.put("dr/sealing", only_newest).await.unwrap();
    let ran = scene.restore_with(runbook("dr/sealing"), &["--deadline", "100s"]).await;
    assert_ne!(ran.code, 0, "{}", ran.said());
    assert!(!ran.out.contains("recovered in"), "{}", ran.said());
    let opened = Some((BYTES.to_vec(), newest.name.to_owned()));
    assert_eq!(unsealed(&scene, "from-newest").await, opened);
    assert_eq!(unsealed(&scene, "from-old").await, None);
    let said = flat(&ran.out);
    assert!(
        said.contains("from-old") && said.contains("no key could decrypt"),
        "{}",
        ran.said()
    );
    assert_eq!(
        keys(&scene).await,
        [newest.name],
        "no key is made while the newest is young"
    );
}
