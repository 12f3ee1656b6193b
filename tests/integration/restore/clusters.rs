//! The other clusters that the agent drives: one that lives on, one that was built anew, one that is not there.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::Client;
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};
use testbed::control_plane::AuditEvent;
use testbed::{Ran, Remote};

use super::scene::{Scene, application, deployment, files};

/// The clusters of the runbook.
const CLUSTERS: &str = "clusters:
  edge: {state: survives, secret: cluster-edge}
  lab: {state: rebuilt, context: lab-new, labels: {tier: lab}}
  far: {state: absent, secret: cluster-far}
";

/// The secrets of those that had one.
const SECRETS: &str = "secrets:
  cluster-edge: {as: argocd/cluster, from: [{vault: dr/cluster-edge}]}
  cluster-far: {as: argocd/cluster, from: [{vault: dr/cluster-far}]}
";

/// Lives with more data on `edge` than Git holds.
const HOURS: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hours}\ndata: {monday: \"9-18\"}\n";

/// Makes an app for every cluster of the lab's tier.
const PROBES: &str = r#"
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: probes, namespace: argocd}
spec:
  goTemplate: true
  generators:
    - clusters: {selector: {matchLabels: {tier: lab}}}
  template:
    metadata: {name: "probe-{{.name}}"}
    spec:
      project: default
      source: {repoURL: "https://git.example.com/shop/platform.git", targetRevision: main, path: probe}
      destination: {server: "{{.server}}", namespace: probe}
      syncPolicy:
        automated: {prune: true, selfHeal: true}
        syncOptions: [CreateNamespace=true]
"#;

/// A living cluster, one that was built anew, and the platform that drives them.
struct Fleet {
    scene: Scene,
    edge: Remote,
    lab: Remote,
}

fn at(cluster: &str, app: &str) -> String {
    application(app, app, app).replace(
        "server: \"https://kubernetes.default.svc\"",
        &format!("name: {cluster}"),
    )
}

fn platform() -> Vec<(String, String)> {
    let mut all = files();
    let mut file = |name: &str, text: String| all.push((name.to_owned(), text));
    for (cluster, app) in [("edge", "till"), ("lab", "trial"), ("far", "mirror")] {
        file(&format!("apps/{app}.yaml"), at(cluster, app));
        file(&format!("{app}/deployment.yaml"), deployment(app));
    }
    file("till/hours.yaml", HOURS.to_owned());
    file("apps/probes.yaml", PROBES.to_owned());
    file("probe/deployment.yaml", deployment("probe"));
    all
}

fn with_clusters(runbook: &str) -> String {
    runbook.replace("secrets:\n", SECRETS) + CLUSTERS
}

async fn put(client: &Client, object: Value) {
    let name = object["metadata"]["name"].as_str().unwrap().to_owned();
    let namespace = object["metadata"]["namespace"].as_str().map(str::to_owned);
    let apply = PatchParams::apply("argocd-controller").force();
    let patch = Patch::Apply(&object);
    match (object["kind"].as_str().unwrap(), namespace) {
        ("Namespace", _) => drop(
            Api::<Namespace>::all(client.clone())
                .patch(&name, &apply, &patch)
                .await
                .unwrap(),
        ),
        ("ConfigMap", Some(namespace)) => {
            drop(
                Api::<ConfigMap>::namespaced(client.clone(), &namespace)
                    .patch(&name, &apply, &patch)
                    .await
                    .unwrap(),
            );
        }
        ("Deployment", Some(namespace)) => {
            drop(
                Api::<Deployment>::namespaced(client.clone(), &namespace)
                    .patch(&name, &apply, &patch)
                    .await
                    .unwrap(),
            );
        }
        (kind, _) => panic!("no test needs a {kind}"),
    }
}

fn config_map(name: &str, mark: Option<&str>) -> Value {
    let mut object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "till"}});
    if let Some(app) = mark {
        let id = format!("{app}:/ConfigMap:till/{name}");
        object["metadata"]["annotations"] = json!({"argocd.argoproj.io/tracking-id": id});
    }
    object
}

/// What [`deployment`] says, as it lives in a namespace of its own name.
fn running(name: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": name}, "spec": {
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": {
            "containers": [{"name": "main", "image": format!("registry.example.com/{name}:1")}],
        }},
    }})
}

impl Fleet {
    /// On `edge` is what the old platform left there: what Git still holds, and what it no longer holds.
    async fn start() -> Self {
        let (mut scene, edge, lab) = tokio::join!(
            Scene::with(platform()),
            Remote::start("edge-admin"),
            Remote::start("lab-new")
        );
        let (edge, lab) = (edge.unwrap(), lab.unwrap());
        let client = edge.admin();
        put(
            &client,
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "till"}}),
        )
        .await;
        put(&client, config_map("takings", Some("till"))).await;
        let mut hours = config_map("hours", Some("till"));
        hours["data"] = json!({"monday": "9-18", "sunday": "10-12"});
        put(&client, hours).await;
        put(&client, config_map("of-nobody", None)).await;
        put(&client, config_map("of-a-former-app", Some("former"))).await;
        let mut live = running("till");
        live["metadata"]["annotations"] = json!({"argocd.argoproj.io/tracking-id": "till:apps/Deployment:till/till"});
        live["spec"]["template"]["spec"]["containers"][0]["image"] = json!("registry.example.com/till:hotfix");
        put(&client, live).await;
        let config = edge.register().await.unwrap();
        let store = scene.outage.vault.root();
        let server = edge.server();
        let secret = [
            ("name", "edge"),
            ("server", server.as_str()),
            ("config", config.as_str()),
        ];
        store.put("dr/cluster-edge", secret).await.unwrap();
        let far = [
            ("name", "far"),
            ("server", "https://127.0.0.1:1"),
            ("config", "{\"bearerToken\": \"c4n4ry-far-token\"}"),
        ];
        store.put("dr/cluster-far", far).await.unwrap();
        let files: Vec<_> = [scene.outage.bed.kubeconfig(), edge.kubeconfig(), lab.kubeconfig()]
            .map(|path| path.display().to_string())
            .into();
        scene.tool.set("KUBECONFIG", files.join(":"));
        Self { scene, edge, lab }
    }

    async fn restore(&self, arguments: &[&str]) -> Ran {
        self.scene.restore_with(with_clusters, arguments).await
    }

    async fn takings_are_there(&self) -> bool {
        let maps: Api<ConfigMap> = Api::namespaced(self.edge.admin(), "till");
        maps.get_opt("takings").await.unwrap().is_some()
    }

    async fn image_on_edge(&self) -> String {
        let till: Api<Deployment> = Api::namespaced(self.edge.admin(), "till");
        let till = serde_json::to_value(till.get("till").await.unwrap()).unwrap();
        till["spec"]["template"]["spec"]["containers"][0]["image"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

/// Text is wrapped to the width of a page, so words are sought across line breaks.
fn flat(ran: &Ran) -> String {
    ran.said().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn says(ran: &Ran, words: &[&str]) {
    let flat = flat(ran);
    for word in words {
        assert!(flat.contains(word), "does not say “{word}”: {}", ran.said());
    }
}

#[tokio::test]
async fn a_surviving_cluster_is_untouched_until_a_person_approves() {
    let fleet = Box::pin(Fleet::start()).await;
    let first = fleet.restore(&["--deadline", "9m"]).await;
    assert_eq!(first.code, 0, "{}", first.said());
    nobody_approved(&fleet, &first).await;
    the_rebuilt_cluster_has_its_app(&fleet, &first).await;

    let second = fleet
        .restore(&[
            "--resume",
            "--approve",
            "cluster/edge=the takings are exported",
            "--deadline",
            "9m",
        ])
        .await;
    assert_eq!(second.code, 0, "{}", second.said());
    assert!(
        !fleet.takings_are_there().await,
        "it was approved that the agent deletes it: {}",
        second.said()
    );
    assert_eq!(fleet.image_on_edge().await, "registry.example.com/till:1");
    let maps: Api<ConfigMap> = Api::namespaced(fleet.edge.admin(), "till");
    for kept in ["of-nobody", "of-a-former-app"] {
        assert!(maps.get_opt(kept).await.unwrap().is_some(), "{kept}");
    }
    says(&second, &["the takings are exported", "recovered with"]);
    assert!(
        !flat(&second).contains("cluster edge is not connected"),
        "{}",
        second.said()
    );
}

/// Without an answer the cluster is left as it is, and what would be lost there is said.
async fn nobody_approved(fleet: &Fleet, ran: &Ran) {
    assert_eq!(fleet.edge.mutations().await.unwrap(), [], "{}", ran.said());
    assert!(fleet.takings_are_there().await);
    assert_eq!(fleet.image_on_edge().await, "registry.example.com/till:hotfix");
    let reads = |event: &AuditEvent| {
        event.user.ends_with("argocd-manager") && !event.is_mutation() && event.uri.contains("dryRun")
    };
    assert!(
        fleet.edge.audit().await.unwrap().iter().any(reads),
        "the audit log saw the dry runs"
    );
    says(
        ran,
        &[
            "would be deleted: ConfigMap till/takings (of app till",
            "would be changed: ConfigMap till/hours (of app till)",
            "would be changed: Deployment.apps till/till (of app till)",
            "left alone: ConfigMap till/of-a-former-app",
            "cluster edge is not connected: nobody was there to approve it",
            "--approve cluster/edge=COMMENT",
            "cluster far is absent",
        ],
    );
    for word in ["ConfigMap till/of-nobody", "c4n4ry-far-token"] {
        assert!(!ran.said().contains(word), "{word}: {}", ran.said());
    }
    let secrets: Api<k8s_openapi::api::core::v1::Secret> = Api::namespaced(fleet.scene.outage.bed.admin(), "argocd");
    for absent in ["cluster-edge", "cluster-far"] {
        assert!(secrets.get_opt(absent).await.unwrap().is_none(), "{absent}");
    }
}

async fn the_rebuilt_cluster_has_its_app(fleet: &Fleet, ran: &Ran) {
    says(ran, &[&format!("rebuilt cluster lab: {}", fleet.lab.server())]);
    for name in ["trial", "probe"] {
        let deployments: Api<Deployment> = Api::namespaced(fleet.lab.admin(), name);
        assert!(deployments.get_opt(name).await.unwrap().is_some(), "{name}");
    }
    let secrets: Api<k8s_openapi::api::core::v1::Secret> = Api::namespaced(fleet.scene.outage.bed.admin(), "argocd");
    let secret = secrets.get("cluster-lab").await.unwrap();
    assert_eq!(secret.metadata.labels.unwrap()["tier"], "lab");
    assert_eq!(secret.data.unwrap()["server"].0, fleet.lab.server().into_bytes());
}

/// A runbook whose rebuilt cluster is reached by `context`, with `more` beside it, and what is then said.
struct Wrong {
    name: &'static str,
    context: &'static str,
    changes: Vec<(&'static str, String)>,
    words: Vec<&'static str>,
}

fn wrong(name: &'static str, context: &'static str, words: &[&'static str]) -> Wrong {
    let (changes, words) = (Vec::new(), words.to_vec());
    Wrong {
        name,
        context,
        changes,
        words,
    }
}

impl Wrong {
    fn with(mut self, from: &'static str, to: impl Into<String>) -> Self {
        self.changes.push((from, to.into()));
        self
    }
}

#[tokio::test]
async fn a_wrong_rebuilt_cluster_is_refused() {
    let fleet = Box::pin(Fleet::start()).await;
    let server = fleet.lab.server();
    let namespaces: Api<Namespace> = Api::all(fleet.lab.admin());
    let uid = namespaces.get("kube-system").await.unwrap().metadata.uid.unwrap();
    let twin = "  twin: {state: rebuilt, context: lab-new}\n";
    let mut cases = vec![
        wrong("no context", "none", &["was rebuilt, but no context leads to it"]).with(", context: none", ""),
        wrong("unknown context", "lab-old", &["no context `lab-old`"]),
        wrong("the target", "shop-new", &["leads to the target itself"]),
        wrong("a survivor", "edge-admin", &["leads to cluster edge, which lives on"]),
        wrong("another rebuilt one", "lab-new", &["leads to the rebuilt cluster lab"])
            .with("  far:", format!("{twin}  far:")),
        wrong("never", "lab-new", &["which the runbook never restores onto"])
            .with("expect: empty", format!("expect: empty, never: [\"{uid}\"]")),
        wrong("never by server", "lab-new", &["which the runbook never restores onto"])
            .with("expect: empty", format!("expect: empty, never: [\"{server}/\"]")),
    ];
    // Argo CD takes a secret by its label, whatever shape it has in the runbook.
    let spare = "secrets:\n  spare: {as: {namespace: argocd, type: Opaque, labels: {argocd.argoproj.io/secret-type: cluster}}, from: [{vault: dr/cluster-edge}]}\n";
    cases.push(
        wrong(
            "connected by another secret",
            "lab-new",
            &["leads to cluster edge, which lives on", "before anybody approves it"],
        )
        .with("secrets:\n", spare),
    );
    for case in cases.drain(..) {
        refused(&fleet, &case).await;
    }
    let foreign = running("billing");
    let client = fleet.lab.admin();
    put(
        &client,
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "billing"}}),
    )
    .await;
    put(&client, foreign).await;
    let words = [
        "the cluster is not empty",
        "Deployment billing/billing",
        "`state: survives`",
    ];
    refused(&fleet, &wrong("not empty", "lab-new", &words)).await;
    a_forbidden_survivor_is_given_no_credentials(&fleet).await;
}

/// Whoever answers at an address that must not be driven would learn the stored token by the first request.
async fn a_forbidden_survivor_is_given_no_credentials(fleet: &Fleet) {
    let impostor = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("https://{}", impostor.local_addr().unwrap());
    let secret = [
        ("name", "edge"),
        ("server", server.as_str()),
        (
            "config",
            "{\"bearerToken\": \"c4n4ry-edge-token\", \"tlsClientConfig\": {\"insecure\": true}}",
        ),
    ];
    let store = fleet.scene.outage.vault.root();
    store.put("dr/cluster-edge", secret).await.unwrap();
    let words = ["in step interlock/clusters", "it is on the runbook's `never` list"];
    let forbidden = wrong("a survivor that must not be driven", "lab-new", &words)
        .with("expect: empty", format!("expect: empty, never: [\"{server}\"]"));
    refused(fleet, &forbidden).await;
    let nobody = tokio::time::timeout(Duration::ZERO, impostor.accept()).await;
    assert!(nobody.is_err(), "it was connected to");
}

async fn refused(fleet: &Fleet, case: &Wrong) {
    let change = |runbook: &str| {
        let text = with_clusters(runbook).replace("context: lab-new", &format!("context: {}", case.context));
        case.changes.iter().fold(text, |text, (from, to)| {
            assert!(text.contains(from), "{}: the runbook has no `{from}`", case.name);
            text.replace(from, to)
        })
    };
    // A flag that approves answers no interlock.
    let ran = fleet
        .scene
        .restore_with(change, &["--approve", "cluster/edge=whatever", "--yes"])
        .await;
    assert_eq!(ran.code, 2, "{}: {}", case.name, ran.said());
    says(&ran, &case.words);
    assert_eq!(fleet.scene.mutations().await, [], "{}", case.name);
    assert_eq!(fleet.edge.mutations().await.unwrap(), [], "{}", case.name);
    assert_eq!(fleet.lab.mutations().await.unwrap(), [], "{}", case.name);
}
