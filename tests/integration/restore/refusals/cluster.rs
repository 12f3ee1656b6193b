//! The cluster: the wrong one, one that is not empty, one where we may not do what is needed.

use std::path::PathBuf;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace, PersistentVolume};
use k8s_openapi::api::rbac::v1::PolicyRule;
use kube::api::{Api, DeleteParams};
use serde_json::json;
use testbed::Port;

use super::super::scene::Scene;
use super::judge::{Judge, case, with};
use super::objects::{put, remove};
use super::table::{AGENT, pinned};

pub(super) async fn the_wrong_cluster(scene: &mut Scene, judge: &mut Judge) {
    let server = scene.outage.bed.control_plane().server();
    let namespaces: Api<Namespace> = Api::all(scene.outage.bed.admin());
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
        let soon = tokio::time::timeout(Duration::from_mins(1), judge.refused(scene, &case)).await;
        judge.that(soon.is_ok(), || format!("{} took longer than a minute", case.name));
    }
    let (change, words) = (
        never(&uid),
        ("never, before a login is spent", &["never restores onto"][..]),
    );
    judge
        .refused_without(scene, &[("expect: empty", &change)], words, "stores: ")
        .await;
}

pub(super) async fn a_cluster_that_is_not_empty(scene: &Scene, judge: &mut Judge) {
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
    let volumes: Api<PersistentVolume> = Api::all(admin.clone());
    let bound = kube::runtime::wait::await_condition(volumes, "ledger", |volume: Option<&PersistentVolume>| {
        volume.and_then(|volume| volume.status.as_ref()?.phase.as_deref()) == Some("Bound")
    });
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

/// It is no right that is missing: somebody deleted the namespace, and something in it holds it.
pub(super) async fn a_namespace_that_is_being_deleted(scene: &Scene, judge: &mut Judge) {
    let admin = scene.outage.bed.admin();
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argocd"}});
    let metadata = json!({"name": "held", "namespace": "argocd", "finalizers": ["shop.example.com/hold"]});
    let held = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata});
    put(&admin, &namespace).await;
    put(&admin, &held).await;
    let namespaces: Api<Namespace> = Api::all(admin.clone());
    namespaces.delete("argocd", &DeleteParams::default()).await.unwrap();
    let says_why =
        kube::runtime::wait::await_condition(namespaces.clone(), "argocd", |namespace: Option<&Namespace>| {
            let conditions = namespace.and_then(|namespace| namespace.status.as_ref()?.conditions.as_ref());
            conditions.is_some_and(|all| all.iter().any(|one| one.type_ == "NamespaceFinalizersRemaining"))
        });
    tokio::time::timeout(Duration::from_mins(2), says_why)
        .await
        .unwrap()
        .unwrap();
    let words = [
        "namespace argocd is being deleted (since 20",
        "shop.example.com/hold in 1 resource instances",
        "wait until it is gone, or remove what holds it: `kubectl get namespace argocd",
        "then resume",
    ];
    judge
        .refused_without(
            scene,
            &[("", "")],
            ("a namespace that is being deleted", &words),
            "cluster-admin",
        )
        .await;
    let metadata = json!({"name": "held", "namespace": "argocd"});
    put(
        &admin,
        &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}),
    )
    .await;
    let gone = kube::runtime::wait::await_condition(namespaces, "argocd", |namespace: Option<&Namespace>| {
        namespace.is_none()
    });
    tokio::time::timeout(Duration::from_mins(2), gone)
        .await
        .unwrap()
        .unwrap();
}

/// The groups of what a restore applies.
const GROUPS: [&str; 7] = [
    "",
    "apps",
    "rbac.authorization.k8s.io",
    "apiextensions.k8s.io",
    "networking.k8s.io",
    "argoproj.io",
    "coordination.k8s.io",
];

pub(super) async fn a_user_without_rights(scene: &Scene, judge: &mut Judge) {
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
    let (_, builder) = bed
        .limited_user(
            "builder",
            vec![
                rule(&["*"], &["get", "list", "watch"]),
                rule(&GROUPS, &["create", "patch"]),
            ],
        )
        .await
        .unwrap();
    // What is of the whole cluster it may grant; nothing tells but a dry run that the roles of a namespace it may not.
    let mut grants = rule(&["rbac.authorization.k8s.io"], &["escalate", "bind"]);
    grants.resources = Some(vec!["clusterroles".into()]);
    let mut others = rule(&GROUPS, &["create", "patch"]);
    others.resources = Some(
        [
            "namespaces",
            "configmaps",
            "services",
            "serviceaccounts",
            "deployments",
            "statefulsets",
            "networkpolicies",
            "roles",
            "rolebindings",
            "clusterroles",
            "clusterrolebindings",
            "customresourcedefinitions",
            "applications",
            "appprojects",
            "leases",
        ]
        .map(str::to_owned)
        .to_vec(),
    );
    let (_, halfway) = bed
        .limited_user("halfway", vec![rule(&["*"], &["get", "list", "watch"]), others, grants])
        .await
        .unwrap();
    // It could do everything, and would never see an app become ready.
    let (_, blind) = bed
        .limited_user(
            "blind",
            vec![
                rule(&["*"], &["get", "create", "patch"]),
                rule(&["", "apps", "batch", "apiextensions.k8s.io"], &["list", "watch"]),
            ],
        )
        .await
        .unwrap();
    for (user, kubeconfig) in [
        ("blind", blind),
        ("nobody", nobody),
        ("reader", reader),
        ("builder", builder),
        ("halfway", halfway),
    ] {
        let words = words_for(user);
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

/// Returns what this user is told.
fn words_for(user: &str) -> &'static [&'static str] {
    match user {
        "blind" => &[
            "may not do what a restore does",
            "may not list and watch applications.argoproj.io in the whole cluster",
        ],
        "nobody" => &["kube-system", "forbidden", "grant it"],
        "reader" => &[
            "may not do what a restore does",
            "may not create and patch deployments.apps in namespace argocd",
            "may not create and patch customresourcedefinitions.apiextensions.k8s.io in the whole cluster",
            "may not create and patch namespaces in the whole cluster",
            "may not create and patch secrets in namespace argocd",
            // Its CRD comes with the install.
            "may not create and patch applications.argoproj.io in namespace argocd",
            "cluster-admin",
        ],
        "builder" => &[
            "the server would refuse ClusterRole.",
            // Its namespace does not exist yet.
            "the server would refuse Role.rbac.authorization.k8s.io argocd/",
            "attempting to grant RBAC permissions",
        ],
        "halfway" => &[
            "the server would refuse Role.rbac.authorization.k8s.io argocd/",
            "attempting to grant RBAC permissions",
            "may not create and patch secrets in namespace argocd",
        ],
        _ => panic!("there is no user {user}"),
    }
}
