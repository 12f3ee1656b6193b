//! Platforms on disk, and what is found to follow from them.

use std::collections::BTreeMap;
use std::fs;
use std::sync::OnceLock;

use serde_json::json;

use super::*;
use crate::git::Checkout;
use crate::object::Origin;
use crate::runbook;
use crate::steps::Options;

const RUNBOOK: &str = "apiVersion: gitops-dr/v1\nkind: Runbook\nname: shop\ntarget: {context: new}\n\
    sources:\n  platform: {git: \"http://127.0.0.1:1/p.git\", revision: main}\n\
    agent: {argocd: {from: {source: platform, path: argocd}}}\n\
    clusters:\n  far: {state: absent}\n  lab: {state: rebuilt, context: lab, server: \"https://10.0.0.9:6443\"}\n\
    roots:\n  - {id: apps, source: platform, path: apps}\n";

fn application(name: &str, path: &str) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": name, "namespace": "argocd"},
        "spec": {
            "project": "default", "destination": {"server": IN_CLUSTER, "namespace": name},
            "source": {"repoURL": "http://127.0.0.1:1/p.git", "targetRevision": "main", "path": path},
        },
    })
}

/// Follows what is on disk from these objects of the one root.
async fn followed(files: &[(&str, Value)], root: &[Value], limit: Duration) -> Tree {
    let folder = tempfile::tempdir().unwrap();
    for (name, value) in files {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, value.to_string()).unwrap();
    }
    let cache = tempfile::tempdir().unwrap();
    let checkout = Checkout {
        commit: "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00".to_owned(),
        directory: folder.path().to_owned(),
        url: "http://127.0.0.1:1/p.git".to_owned(),
        submodules: Vec::new(),
    };
    let world = Arc::new(World {
        runbook: OnceLock::from(runbook::parse("shop.yaml", RUNBOOK).0.unwrap()),
        checkouts: OnceLock::from(BTreeMap::from([("platform".to_owned(), checkout)])),
        secrets: OnceLock::from(BTreeMap::new()),
        options: Options {
            cache: cache.path().to_owned(),
            ..Options::default()
        },
        ..World::default()
    });
    let manifest = |value: &Value| Manifest::new(value.clone(), Origin::default()).unwrap();
    let roots = vec![root.iter().map(manifest).collect()];
    let ahead = Ahead {
        roots: &roots,
        settings: None,
        kube_version: None,
        served: BTreeSet::new(),
        limit,
    };
    follow(&world, ahead, &|_, _, _| {}).await.unwrap()
}

const LIMIT: Duration = Duration::from_mins(2);

/// Each app with its parent.
fn family(tree: &Tree) -> Vec<(&str, Option<&str>)> {
    let apps = &tree.platform.apps;
    let name = |place: usize| apps[place].id.name.as_str();
    apps.iter()
        .map(|app| (app.id.name.as_str(), app.parent.map(name)))
        .collect()
}

fn unknown<'tree>(tree: &'tree Tree, name: &str) -> &'tree str {
    let app = tree
        .platform
        .apps
        .iter()
        .find(|app| app.id.name == name && app.parent.is_some());
    match &app.unwrap().contents {
        Contents::Unknown(why) => &why[0],
        Contents::Known(objects) => panic!("{name} is known: {objects:?}"),
    }
}

#[tokio::test]
async fn parents_come_before_children_and_each_app_once() {
    let files = [
        ("apps/a.json", application("a", "apps")),
        ("apps/b.json", application("b", "b")),
        ("apps/c.json", application("c", "c")),
        ("b/d.json", application("d", "c")),
        (
            "c/map.json",
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}}),
        ),
    ];
    let tree = followed(&files, &[application("a", "apps")], LIMIT).await;
    assert_eq!(
        family(&tree),
        [
            ("apps", None),
            ("a", Some("apps")),
            ("b", Some("a")),
            ("c", Some("a")),
            ("d", Some("b"))
        ]
    );
    assert!(
        tree.notices.is_empty(),
        "an app that manages itself is no circle: {:?}",
        tree.notices
    );
    let Contents::Known(objects) = &tree.platform.apps[4].contents else {
        panic!()
    };
    assert_eq!(
        (objects[0].source.as_str(), objects[0].manifest.origin().file.as_str()),
        ("platform", "c/map.json")
    );
}

#[tokio::test]
async fn apps_that_follow_from_each_other_in_a_circle_are_told() {
    let files = [
        ("a/b.json", application("b", "b")),
        ("b/c.json", application("c", "c")),
        ("c/a.json", application("a", "a")),
    ];
    let tree = followed(&files, &[application("a", "a")], LIMIT).await;
    assert_eq!(family(&tree).len(), 4);
    assert_eq!(
        tree.notices,
        ["Applications follow from each other in a circle: a → b → c → a."]
    );
}

#[tokio::test]
async fn what_cannot_be_rendered_is_unknown_with_its_reason_and_the_rest_goes_on() {
    let mut plugin = application("plugin", "c");
    plugin["spec"]["source"]["plugin"] = json!({"name": "mine"});
    let mut elsewhere = application("elsewhere", "c");
    elsewhere["spec"]["source"]["repoURL"] = "http://127.0.0.1:1/other.git".into();
    let mut other = application("other", "c");
    other["spec"]["source"]["targetRevision"] = "v9".into();
    let set = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "metadata": {"name": "set"},
        "spec": {"generators": [{"scmProvider": {}}], "template": {}},
    });
    let root = [
        plugin,
        application("missing", "nowhere"),
        elsewhere,
        other,
        set,
        application("well", "c"),
    ];
    let files = [(
        "c/map.json",
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}}),
    )];
    let tree = followed(&files, &root, LIMIT).await;
    for (name, words) in [
        ("plugin", "`plugin`, which only the agent can render"),
        ("missing", "there is no `nowhere` in the repository"),
        ("elsewhere", "is no source of the runbook, and cannot be read"),
        ("other", "http://127.0.0.1:1/p.git at v9 cannot be read"),
        ("set", "`scmProvider` asks the hosts of code"),
    ] {
        let why = unknown(&tree, name);
        assert!(why.contains(words), "{name}: {why}");
    }
    let well = tree.platform.apps.iter().find(|app| app.id.name == "well").unwrap();
    assert!(matches!(&well.contents, Contents::Known(objects) if objects.len() == 1));
    assert!(unknown(&tree, "elsewhere").ends_with("name it under `sources`, with its credentials"));
}

#[tokio::test]
async fn what_takes_too_long_is_unknown() {
    let files = [(
        "c/map.json",
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}}),
    )];
    let mut elsewhere = application("a", "c");
    elsewhere["spec"]["source"]["repoURL"] = "http://127.0.0.1:1/other.git".into();
    let tree = followed(&files, &[elsewhere], Duration::ZERO).await;
    assert_eq!(
        unknown(&tree, "a"),
        "not rendered within 0 s, which is all that is looked ahead"
    );
}

#[tokio::test]
async fn a_chain_without_an_end_is_cut() {
    let names: Vec<String> = (0..40).map(|index| format!("a{index}")).collect();
    let files: Vec<(String, Value)> = names
        .windows(2)
        .map(|pair| (format!("{}/next.json", pair[0]), application(&pair[1], &pair[1])))
        .collect();
    let files: Vec<(&str, Value)> = files
        .iter()
        .map(|(name, value)| (name.as_str(), value.clone()))
        .collect();
    let tree = followed(&files, &[application("a0", "a0")], LIMIT).await;
    assert_eq!(tree.platform.apps.len(), 1 + DEPTH + 1);
    assert!(unknown(&tree, &format!("a{DEPTH}")).contains("deeper than"));
}

#[tokio::test]
async fn an_app_is_of_the_cluster_that_it_chooses_and_what_it_brings_there_is_not_followed() {
    let to = |name: &str, destination: Value| {
        let mut app = application(name, "b");
        app["spec"]["destination"] = destination;
        app
    };
    let root = [
        to("here", json!({"name": "in-cluster", "namespace": "x"})),
        to("lab", json!({"server": "https://10.0.0.9:6443/"})),
        to("far", json!({"name": "far"})),
    ];
    let files = [("b/next.json", application("next", "c"))];
    let tree = followed(&files, &root, LIMIT).await;
    let clusters: Vec<_> = tree
        .platform
        .apps
        .iter()
        .map(|app| (app.id.name.as_str(), app.cluster.as_str()))
        .collect();
    assert_eq!(
        clusters[1..],
        [("here", ""), ("lab", "lab"), ("far", "far"), ("next", "")]
    );
    assert_eq!(family(&tree)[4], ("next", Some("here")));
}
