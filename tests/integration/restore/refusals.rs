//! What a restore refuses, and in which words. A refusal leaves the cluster as it was, so one cluster serves them all; at
//! the end the judge is its audit log, and a correct restore shows that the judge can see.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use k8s_openapi::api::rbac::v1::PolicyRule;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::discovery::ApiResource;
use serde_json::{Value, json};
use testbed::{Port, Ran};

use super::scene::Scene;

/// The addresses as the scene's runbook has them.
const GIT: &str = "https://git.example.com/shop/platform.git";
const VAULT: &str = "https://vault.example.com:8200";
const AGENT: &str = "agent: {argocd: {from: {source: platform, path: bootstrap/argocd}}}";
const REPOSITORY: &str = "from: [{vault: dr/repo-platform}]";
const KEY: &str = "from: [{vault: dr/argocd-secret}]";

/// A runbook with one passage put in place of another, and what is then said.
struct Case {
    name: &'static str,
    from: &'static str,
    to: String,
    arguments: Vec<String>,
    words: Vec<String>,
}

fn case(name: &'static str, from: &'static str, to: impl Into<String>, words: &[&str]) -> Case {
    let words = words.iter().map(|word| (*word).to_owned()).collect();
    Case {
        name,
        from,
        to: to.into(),
        arguments: Vec::new(),
        words,
    }
}

fn with(name: &'static str, arguments: &[&str], words: &[&str]) -> Case {
    let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    Case {
        arguments,
        ..case(name, "", "", words)
    }
}

#[tokio::test]
async fn what_is_refused_is_explained_and_changes_nothing() {
    let mut scene = Scene::start().await;
    let mut judge = Judge::default();

    the_wrong_cluster(&mut scene, &mut judge).await;
    a_cluster_that_is_not_empty(&scene, &mut judge).await;
    a_user_without_rights(&scene, &mut judge).await;
    the_wrong_sources(&scene, &mut judge).await;
    the_wrong_secrets(&mut scene, &mut judge).await;
    what_this_version_cannot_do(&scene, &mut judge).await;

    let changed = scene.mutations().await;
    assert!(changed.is_empty(), "a refusal changed something: {changed:#?}");
    judge.verdict();

    let ran = scene.restore(&["--deadline", "5m"]).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    assert!(!scene.mutations().await.is_empty(), "a restore went by unseen");
}

async fn the_wrong_cluster(scene: &mut Scene, judge: &mut Judge) {
    let server = scene.outage.bed.control_plane().server();
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(scene.outage.bed.admin());
    let uid = namespaces.get("kube-system").await.unwrap().metadata.uid.unwrap();
    let never = |cluster: &str| format!("expect: empty, never: [\"{cluster}\"]");
    let folder = scene.tool.home().to_owned();
    let file = |name: &str, text: &str| -> String {
        let path: PathBuf = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let good = std::fs::read_to_string(scene.outage.bed.kubeconfig()).unwrap();
    let stopped = Port::free().unwrap();
    let dead = good.replace(&server, &format!("https://127.0.0.1:{}", stopped.number()));
    // It takes connections, and never says a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mute = good.replace(&server, &format!("https://{}", silent.local_addr().unwrap()));
    let broken = "apiVersion: v1\nusers:\n- name: a\n  user: {token: c4n4ry-kubeconfig-token\n  oops: [}\n";
    let missing = folder.join("no-such-kubeconfig").display().to_string();

    for case in [
        case(
            "unknown context",
            "context: shop-new",
            "context: shop-old",
            &["no context `shop-old`", " has: shop-new"],
        ),
        case(
            "no context",
            "context: shop-new, ",
            "",
            &["no context is named", "--context"],
        ),
        with(
            "missing kubeconfig",
            &["--kubeconfig", &missing],
            &["no-such-kubeconfig", "No such file", "--kubeconfig"],
        ),
        with(
            "broken kubeconfig",
            &["--kubeconfig", &file("broken", broken)],
            &["broken", "not valid YAML at line 5", "--kubeconfig"],
        ),
        with(
            "empty kubeconfig",
            &["--kubeconfig", &file("empty", "")],
            &["empty has no contexts at all", "--kubeconfig"],
        ),
        with(
            "dead server",
            &["--kubeconfig", &file("dead", &dead)],
            &["reach the API server", "refused", "is the API server up"],
        ),
        with(
            "mute server",
            &["--kubeconfig", &file("mute", &mute)],
            &["reach the API server", "no answer came in time", "is the API server up"],
        ),
        case(
            "never by uid",
            "expect: empty",
            never(&uid),
            &[&uid, "never restores onto", "shop-new", "--context"],
        ),
        case(
            "never by server",
            "expect: empty",
            never(&server),
            &[&server, "never restores onto"],
        ),
        case(
            "never by server, written otherwise",
            "expect: empty",
            never(&format!("{}/", server.replace("https", "HTTPS"))),
            &["never restores onto"],
        ),
    ] {
        let began = Instant::now();
        judge.refused(scene, &case).await;
        let took = began.elapsed();
        judge.that(took < Duration::from_secs(15), || {
            format!("{} took {took:?}", case.name)
        });
    }
}

async fn a_cluster_that_is_not_empty(scene: &Scene, judge: &mut Judge) {
    let admin = scene.outage.bed.admin();
    let foreign = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "billing", "namespace": "billing"}, "spec": {
        "selector": {"matchLabels": {"app": "billing"}},
        "template": {"metadata": {"labels": {"app": "billing"}}, "spec": {"containers": [{"name": "main", "image": "registry.example.com/billing:1"}]}},
    }});
    put(
        &admin,
        &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "billing"}}),
    )
    .await;
    put(&admin, &foreign).await;
    judge
        .refused(
            scene,
            &case(
                "foreign workload",
                "",
                "",
                &[
                    "not empty",
                    "1 workload: Deployment billing/billing",
                    "namespaces: [billing]",
                ],
            ),
        )
        .await;
    // With its namespace expected the next thing that is wrong is what stops the restore.
    let expected = "expect: empty, namespaces: [billing], never: []";
    let wrong = format!("target: {{context: shop-new, {expected}, rto: 10m}}");
    judge
        .refused_without(
            scene,
            &[
                ("target: {context: shop-new, expect: empty, rto: 10m}", &wrong),
                (AGENT, &pinned()),
            ],
            ("expected workload", &["digest"]),
            "not empty",
        )
        .await;

    let volume = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "ledger"}, "spec": {
        "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": "manual", "hostPath": {"path": "/nowhere"},
        "claimRef": {"namespace": "billing", "name": "ledger"},
    }});
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "ledger", "namespace": "billing"}, "spec": {
        "accessModes": ["ReadWriteOnce"], "storageClassName": "manual", "volumeName": "ledger", "resources": {"requests": {"storage": "1Gi"}},
    }});
    put(&admin, &volume).await;
    put(&admin, &claim).await;
    let volumes: Api<k8s_openapi::api::core::v1::PersistentVolume> = Api::all(admin.clone());
    let bound = kube::runtime::wait::await_condition(
        volumes,
        "ledger",
        |volume: Option<&k8s_openapi::api::core::v1::PersistentVolume>| {
            volume.and_then(|volume| volume.status.as_ref()?.phase.as_deref()) == Some("Bound")
        },
    );
    tokio::time::timeout(Duration::from_secs(30), bound)
        .await
        .unwrap()
        .unwrap();
    judge
        .refused(
            scene,
            &case(
                "bound volume",
                "expect: empty",
                "expect: empty, namespaces: [billing]",
                &["not empty", "1 bound volume: ledger"],
            ),
        )
        .await;
    for object in [&claim, &volume, &foreign] {
        remove(&admin, object).await;
    }
}

async fn a_user_without_rights(scene: &Scene, judge: &mut Judge) {
    let rule = |groups: &[&str], verbs: &[&str]| {
        let all = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        PolicyRule {
            api_groups: Some(all(groups)),
            resources: Some(all(&["*"])),
            verbs: all(verbs),
            ..PolicyRule::default()
        }
    };
    let bed = &scene.outage.bed;
    let (_, nobody) = bed.limited_user("nobody", Vec::new()).await.unwrap();
    let (_, reader) = bed
        .limited_user("reader", vec![rule(&["*"], &["get", "list", "watch"])])
        .await
        .unwrap();
    let groups = [
        "",
        "apps",
        "rbac.authorization.k8s.io",
        "apiextensions.k8s.io",
        "networking.k8s.io",
        "argoproj.io",
    ];
    let (_, builder) = bed
        .limited_user(
            "builder",
            vec![
                rule(&["*"], &["get", "list", "watch"]),
                rule(&groups, &["create", "patch"]),
            ],
        )
        .await
        .unwrap();
    for (user, kubeconfig, words) in [
        ("nobody", nobody, &["kube-system", "forbidden", "grant it"][..]),
        (
            "reader",
            reader,
            &[
                "may not do what a restore does",
                "may not create and patch deployments.apps in namespace argocd",
                "may not create and patch customresourcedefinitions.apiextensions.k8s.io in the whole cluster",
                "may not create and patch namespaces in the whole cluster",
                "may not create and patch secrets in namespace argocd",
                // Its CRD comes with the install.
                "may not create and patch applications.argoproj.io in namespace argocd",
                "cluster-admin",
            ][..],
        ),
        (
            "builder",
            builder,
            &[
                "the server would refuse",
                "ClusterRole",
                "attempting to grant RBAC permissions",
            ][..],
        ),
    ] {
        let kubeconfig = kubeconfig.display().to_string();
        judge
            .refused(
                scene,
                &with(user, &["--kubeconfig", &kubeconfig, "--context", user], words),
            )
            .await;
        let changed = bed.mutations_by(user).await.unwrap();
        judge.that(changed.is_empty(), || format!("{user} changed something: {changed:#?}"));
    }
}

async fn the_wrong_sources(scene: &Scene, judge: &mut Judge) {
    let stopped = format!("http://127.0.0.1:{}/shop/platform.git", Port::free().unwrap().number());
    let store = scene.outage.vault.root();
    let url = scene.platform.url_http();
    store
        .put(
            "dr/wrong-password",
            [("url", url), ("username", "dr"), ("password", "c4n4ry-wrong-password")],
        )
        .await
        .unwrap();
    for case in [
        case(
            "wrong digest",
            AGENT,
            pinned(),
            &["digest", "sha256:0000", "the runbook pins", "put the new digest"],
        ),
        case(
            "wrong path of the agent",
            "bootstrap/argocd}",
            "bootstrap/argo}",
            &[
                "cannot render platform:bootstrap/argo",
                "there is no `bootstrap/argo`",
                "did you mean `argocd`?",
            ],
        ),
        case(
            "wrong path of a root",
            "clusters/prod/root.yaml",
            "clusters/prod/rot.yaml",
            &[
                "cannot read root `root`",
                "there is no `clusters/prod/rot.yaml`",
                "did you mean `root.yaml`?",
            ],
        ),
        case(
            "wrong password",
            REPOSITORY,
            "from: [{vault: dr/wrong-password}]",
            &[
                "cannot fetch source platform",
                "access denied",
                "the secret repo-platform, read from dr/wrong-password in store vault",
            ],
        ),
        case(
            "no Git server",
            GIT,
            stopped,
            &[
                "cannot fetch source platform",
                "unreachable",
                "Connection refused",
                "check that the Git server runs",
                "`mirrors` of source platform",
            ],
        ),
        case(
            "no such repository",
            "shop/platform.git",
            "shop/plattform.git",
            &["no such repository", "check the spelling"],
        ),
        with(
            "no such revision",
            &["--revision", "platform=mian"],
            &[
                "no branch or tag `mian`",
                "did you mean `main`?",
                "--revision platform=…",
            ],
        ),
        with(
            "no such commit",
            &["--revision", "platform=0123456789012345678901234567890123456789"],
            &["there is no commit"],
        ),
    ] {
        judge.refused(scene, &case).await;
    }
}

async fn the_wrong_secrets(scene: &mut Scene, judge: &mut Judge) {
    let stopped = format!("http://127.0.0.1:{}", Port::free().unwrap().number());
    scene.tool.set("WRONG_SECRET_ID", "c4n4ry-wrong-secret-id");
    scene
        .outage
        .vault
        .root()
        .put("secret/keys/argocd", [("server.secretkey", "c4n4ry-elsewhere")])
        .await
        .unwrap();
    for case in [
        case(
            "no role id",
            "{env: VAULT_ROLE_ID}",
            "{env: NO_ROLE_ID}",
            &["NO_ROLE_ID is not set", "export NO_ROLE_ID"],
        ),
        case(
            "Vault is down",
            VAULT,
            stopped,
            &[
                "2 secrets cannot be read",
                "does not answer",
                "connection refused",
                "check that the server runs",
            ],
        ),
        case(
            "wrong secret id",
            "{env: VAULT_SECRET_ID}",
            "{env: WRONG_SECRET_ID}",
            &["store vault does not let us in by AppRole", "the secret id is wrong"],
        ),
        case(
            "denied path",
            KEY,
            "from: [{vault: secret/keys/argocd}]",
            &[
                "does not allow us to read secret/keys/argocd",
                "policies default, recovery",
                "path \"secret/data/keys/argocd\" { capabilities = [\"read\"] }",
            ],
        ),
        case(
            "missing path",
            KEY,
            "from: [{vault: dr/argo-secret}]",
            &["no secret at dr/argo-secret", "bao kv list dr/"],
        ),
        case(
            "missing key",
            KEY,
            "from: [{vault: dr/argocd-secret, keys: {server.secretkey: server.secretky}}]",
            &[
                "has no key server.secretky",
                "did you mean server.secretkey? Name it under `keys` as `server.secretkey: server.secretkey`",
            ],
        ),
    ] {
        judge.refused(scene, &case).await;
    }
    scene.outage.vault.seal().await.unwrap();
    judge
        .refused(
            scene,
            &case("sealed", "", "", &["2 secrets cannot be read", "is sealed", "unseal"]),
        )
        .await;
    scene.outage.vault.unseal().await.unwrap();
    misspelt(scene, judge).await;
}

/// What Argo CD would silently not understand is found before anything is touched, all of it at once.
async fn misspelt(scene: &Scene, judge: &mut Judge) {
    let store = scene.outage.vault.root();
    let url = |name: &str| format!("https://git.example.com/shop/{name}.git");
    let config = "{\"bearerToken\": \"c4n4ry-bearer\", \"tlsClientConfig\": {\"insecure\": true}}";
    for (path, data) in [
        (
            "dr/spelling",
            vec![
                ("url", url("a")),
                ("username", "dr".into()),
                ("pasword", "c4n4ry-misspelt".into()),
            ],
        ),
        ("dr/boolean", vec![("url", url("b")), ("insecure", String::new())]),
        (
            "dr/azure",
            vec![
                ("url", "https://dev.azure.com/shop".into()),
                ("azureServicePrincipalClientId", "c4n4ry-azure".into()),
            ],
        ),
        (
            "dr/east",
            vec![
                ("name", "edge".into()),
                ("server", "https://10.0.0.8:6443".into()),
                ("config", config.into()),
            ],
        ),
        (
            "dr/west",
            vec![
                ("name", "edge".into()),
                ("server", "https://10.0.0.9:6443".into()),
                ("config", config.into()),
            ],
        ),
    ] {
        store.put(path, data).await.unwrap();
    }
    let more = format!(
        "{KEY}}}\n  spelling: {{as: argocd/repository, from: [{{vault: dr/spelling}}]}}
  boolean: {{as: argocd/repository, from: [{{vault: dr/boolean}}]}}
  azure: {{as: argocd/repo-creds, from: [{{vault: dr/azure}}]}}
  east: {{as: argocd/cluster, from: [{{vault: dr/east}}]}}
  west: {{as: argocd/cluster, from: [{{vault: dr/west}}]"
    );
    let words = [
        "Argo CD would not understand what the stores hold",
        "secret `spelling`: `pasword` is not read by Argo CD: did you mean `password`?",
        "secret `boolean`: `insecure` is empty, and Argo CD then refuses the whole secret: give it a value",
        "secret `azure`: `azureServicePrincipalClientId` is not read by Argo CD: did you mean `azureServicePrincipalClientID`?",
        "secrets `east`, `west` name a cluster alike",
        "give each cluster a name of its own",
    ];
    judge.refused(scene, &case("misspelt secrets", KEY, more, &words)).await;
}

async fn what_this_version_cannot_do(scene: &Scene, judge: &mut Judge) {
    let steps = "roots:\n  - {id: root, source: platform, path: clusters/prod/root.yaml}\nsteps:\n  - {id: mail, after: root, run: {command: [mail]}}";
    let root = "roots:\n  - {id: root, source: platform, path: clusters/prod/root.yaml}";
    for case in [
        case("Flux", "agent: {argocd:", "agent: {flux:", &["Argo CD only", "Flux"]),
        case(
            "a program to run",
            root,
            steps,
            &["step mail", "does not carry out `run`", "by hand"],
        ),
        case(
            "a bad runbook",
            "sources:\n  platform: {git:",
            "sauces: {}\nsources:\n  plaftorm: {git:",
            &[
                "unknown",
                "sauces",
                "did you mean `sources`?",
                "no source",
                "did you mean `plaftorm`?",
                "^^^",
                "small.yaml:",
                "refused, nothing was changed",
            ],
        ),
        with(
            "a deadline without unit",
            &["--deadline", "90"],
            &["--deadline", "90s, 30m or 1h 30m"],
        ),
        with(
            "nothing to resume",
            &["--resume", "01ARZ3NDEKTSV4RRFFQ69G5FAV"],
            &["the run to go on with cannot be read", "01ARZ3NDEKTSV4RRFFQ69G5FAV"],
        ),
        with(
            "a revision of nothing",
            &["--revision", "apps=main"],
            &["--revision names the source `apps`", "it has: platform"],
        ),
    ] {
        judge.refused(scene, &case).await;
    }
}

fn pinned() -> String {
    let digest = format!("sha256:{}", "0".repeat(64));
    AGENT.replace("from: {", &format!("digest: \"{digest}\", from: {{"))
}

async fn put(client: &kube::Client, object: &Value) {
    let (api, name) = api(client, object);
    api.patch(&name, &PatchParams::apply("somebody-else"), &Patch::Apply(object))
        .await
        .unwrap();
}

async fn remove(client: &kube::Client, object: &Value) {
    let (api, name) = api(client, object);
    api.delete(&name, &DeleteParams::foreground()).await.unwrap();
    let gone = kube::runtime::wait::await_condition(api, &name, |object: Option<&DynamicObject>| object.is_none());
    tokio::time::timeout(Duration::from_secs(60), gone)
        .await
        .unwrap()
        .unwrap();
}

fn api(client: &kube::Client, object: &Value) -> (Api<DynamicObject>, String) {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (group, version) = text("/apiVersion").split_once('/').unwrap_or(("", text("/apiVersion")));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, text("/kind")));
    let api = match text("/metadata/namespace") {
        "" => Api::all_with(client.clone(), &resource),
        namespace => Api::namespaced_with(client.clone(), namespace, &resource),
    };
    (api, text("/metadata/name").to_owned())
}

/// Collects what is not as it should be, so that one run tells everything.
#[derive(Default)]
struct Judge {
    complaints: Vec<String>,
}

impl Judge {
    fn that(&mut self, holds: bool, complaint: impl FnOnce() -> String) {
        if !holds {
            self.complaints.push(complaint());
        }
    }

    async fn refused(&mut self, scene: &Scene, case: &Case) {
        let arguments: Vec<&str> = case.arguments.iter().map(String::as_str).collect();
        let ran = scene
            .restore_with(|runbook| changed(runbook, case.from, &case.to), &arguments)
            .await;
        let words: Vec<&str> = case.words.iter().map(String::as_str).collect();
        self.look_at(case.name, scene.tool.journals().as_path(), &ran, &words);
    }

    async fn refused_without(
        &mut self,
        scene: &Scene,
        changes: &[(&str, &str)],
        (name, words): (&str, &[&str]),
        absent: &str,
    ) {
        let change = |runbook: &str| {
            changes
                .iter()
                .fold(runbook.to_owned(), |text, (from, to)| changed(&text, from, to))
        };
        let ran = scene.restore_with(change, &[]).await;
        self.look_at(name, scene.tool.journals().as_path(), &ran, words);
        self.that(!ran.said().contains(absent), || {
            format!("{name} says “{absent}”: {}", ran.said())
        });
    }

    fn look_at(&mut self, name: &str, journals: &Path, ran: &Ran, words: &[&str]) {
        let said = ran.said();
        self.that(ran.code == 2, || format!("{name}: exit code {}, not 2", ran.code));
        // Text is wrapped to the width of a page, so words are sought across line breaks.
        let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (out, err) = (flat(&ran.out), flat(&ran.err));
        for word in words {
            self.that(out.contains(word) || err.contains(word), || {
                format!("{name} does not say “{word}”:\n{said}")
            });
        }
        self.that(!said.contains("c4n4ry"), || format!("{name} shows a secret:\n{said}"));
        // A run that began is written down, and as refused.
        if ran.out.contains("journal") {
            let journal = newest(journals);
            self.that(journal.contains("\"outcome\":\"refused\""), || {
                format!("{name}: the journal says otherwise:\n{journal}")
            });
            self.that(!journal.contains("c4n4ry"), || {
                format!("{name}: the journal holds a secret:\n{journal}")
            });
        }
    }

    fn verdict(&self) {
        assert!(
            self.complaints.is_empty(),
            "{} complaints:\n{}",
            self.complaints.len(),
            self.complaints.join("\n\n")
        );
    }
}

fn changed(runbook: &str, from: &str, to: &str) -> String {
    assert!(runbook.contains(from), "the runbook has no `{from}`");
    if from.is_empty() {
        runbook.to_owned()
    } else {
        runbook.replace(from, to)
    }
}

/// Returns the journal of the run that began last: names sort by time.
fn newest(journals: &Path) -> String {
    let mut files: Vec<PathBuf> = std::fs::read_dir(journals)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    std::fs::read_to_string(files.last().unwrap()).unwrap()
}
