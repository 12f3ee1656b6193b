use serde_json::json;

use super::*;
use crate::graph::Sourced;
use crate::object::Origin;

fn sourced(value: Value) -> Sourced {
    Sourced {
        source: "platform".into(),
        manifest: Manifest::new(value, Origin::default()).unwrap(),
    }
}

fn root() -> App {
    App {
        id: ObjectRef::new("", "Root", "", "apps"),
        parent: None,
        object: None,
        cluster: String::new(),
        namespace: "argocd".into(),
        sources: Vec::new(),
        contents: Contents::Known(Vec::new()),
    }
}

/// An app below the root that is synced by itself.
fn app(name: &str, objects: impl IntoIterator<Item = Value>) -> App {
    let written = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": name, "namespace": "argocd"},
        "spec": {
            "source": {"repoURL": "https://git.example.com/p.git"}, "syncPolicy": {"automated": {}},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": name},
        },
    });
    App {
        id: ObjectRef::new("argoproj.io/v1alpha1", "Application", "argocd", name),
        parent: Some(0),
        object: Some(sourced(written)),
        namespace: name.into(),
        contents: Contents::Known(objects.into_iter().map(sourced).collect()),
        ..root()
    }
}

fn crd() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "channels.shop.io"},
        "spec": {"group": "shop.io", "names": {"kind": "Channel"}},
    })
}

fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

fn channel(namespace: &str) -> Value {
    json!({"apiVersion": "shop.io/v1", "kind": "Channel", "metadata": {"name": "orders", "namespace": namespace}})
}

fn lines(apps: impl IntoIterator<Item = App>) -> Vec<String> {
    let apps = std::iter::once(root()).chain(apps).collect();
    preloaded(
        &Platform {
            apps,
            ..Platform::default()
        },
        &[],
        "argocd",
    )
    .iter()
    .map(ToString::to_string)
    .collect()
}

fn changed(mut app: App, pointer: &str, to: Value) -> App {
    let object = app.object.as_mut().unwrap();
    *object.manifest.value_mut().pointer_mut(pointer).unwrap() = to;
    app
}

#[test]
fn what_one_app_brings_and_others_need_is_there_first() {
    assert_eq!(
        lines([
            app("crds", [crd(), namespace("shop"), namespace("alone")]),
            app("payments", [channel("")]),
            app("channels", [channel("shop")]),
        ]),
        [
            "Namespace shop of crds, which channels needs",
            "CustomResourceDefinition.apiextensions.k8s.io channels.shop.io of crds, which channels, payments need",
        ]
    );
}

#[test]
fn what_an_app_needs_of_itself_the_agent_orders() {
    assert!(lines([app("all", [crd(), namespace("shop"), channel("shop")])]).is_empty());
}

#[test]
fn what_the_agent_would_not_bring_by_itself_is_left_to_it() {
    let needs = || app("payments", [channel("")]);
    let with = |field: &str, value: Value| {
        let mut crd = crd();
        crd[field] = value;
        crd
    };
    let conversion = {
        let mut crd = crd();
        crd["spec"]["conversion"] = json!({"strategy": "Webhook"});
        crd
    };
    let hook = with(
        "metadata",
        json!({"name": "channels.shop.io", "annotations": {"helm.sh/hook": "pre-install"}}),
    );
    let manual = changed(app("crds", [crd()]), "/spec/syncPolicy", json!({}));
    let skipped = changed(
        app("crds", [crd()]),
        "/metadata",
        json!({"name": "crds", "annotations": {"argocd.argoproj.io/skip-reconcile": "true"}}),
    );
    let mut elsewhere_written = app("crds", [crd()]);
    elsewhere_written.id.namespace = "teams".into();
    let elsewhere = App {
        cluster: "edge".into(),
        ..app("crds", [crd()])
    };
    for (why, apps) in [
        ("synced by hand", vec![manual, needs()]),
        ("skipped", vec![skipped, needs()]),
        ("another cluster", vec![elsewhere, needs()]),
        ("a webhook converts", vec![app("crds", [conversion]), needs()]),
        ("a hook", vec![app("crds", [hook]), needs()]),
        (
            "two apps bring it",
            vec![app("crds", [crd()]), app("more", [crd()]), needs()],
        ),
        (
            "every cluster has it",
            vec![app("base", [namespace("default")]), app("x", [channel("default")])],
        ),
    ] {
        assert_eq!(lines(apps), Vec::<String>::new(), "{why}");
    }
    let parent = changed(app("parent", []), "/spec/syncPolicy", json!({}));
    let child = App {
        parent: Some(1),
        ..app("crds", [crd()])
    };
    assert_eq!(
        lines([parent, child, needs()]),
        Vec::<String>::new(),
        "below one that is synced by hand"
    );
}

#[test]
fn it_bears_the_mark_of_an_app_that_will_sync_all_the_same() {
    let mark = |objects: &[Value], id: &str| {
        let other = app("crds", objects.iter().cloned());
        let apps = vec![root(), other, app("payments", [channel("shop")])];
        let platform = Platform {
            apps,
            ..Platform::default()
        };
        let all = preloaded(&platform, &[], "argocd");
        let found = all.iter().find(|one| one.id().name == id);
        found.map(|one| {
            let object = one.object(&Tracking::of(None));
            object
                .text("/metadata/annotations/argocd.argoproj.io~1tracking-id")
                .to_owned()
        })
    };
    let mut hook = namespace("alone");
    hook["metadata"]["annotations"] = json!({"helm.sh/hook": "post-install"});
    let shop = "crds:/Namespace:crds/shop".to_owned();
    assert_eq!(mark(&[namespace("shop"), namespace("alone")], "shop"), Some(shop));
    for nothing_else in [vec![namespace("shop")], vec![namespace("shop"), hook.clone()]] {
        assert_eq!(mark(&nothing_else, "shop"), Some(String::new()));
    }
    // One that bore a mark would be pruned when Git has it no more, which Argo CD does with no CRD.
    assert_eq!(
        mark(&[crd(), namespace("alone")], "channels.shop.io"),
        Some(String::new())
    );
    assert_eq!(mark(&[crd()], "channels.shop.io"), Some(String::new()));
    assert_eq!(
        mark(&[crd(), hook], "channels.shop.io"),
        None,
        "its hook would never run"
    );
}

/// Returns what is applied ahead of an app that brings the CRD of payments, and what is there in its place.
fn one_ahead(of: App) -> Vec<Preloaded> {
    let apps = vec![root(), of, app("payments", [channel("shop")])];
    let platform = Platform {
        apps,
        ..Platform::default()
    };
    preloaded(&platform, &[], "argocd")
}

#[test]
fn an_app_that_brings_crds_alone_is_to_be_synced_and_one_that_syncs_by_itself_is_not() {
    let alone = one_ahead(app("crds", [crd()]));
    let unsynced = alone[0].unsynced("argocd").unwrap();
    assert_eq!(unsynced.to_string(), "Application.argoproj.io argocd/crds");
    let with_others = one_ahead(app("crds", [crd(), namespace("alone")]));
    assert_eq!(with_others[0].unsynced("argocd"), None);
}

#[test]
fn of_an_app_that_syncs_only_what_differs_nothing_is_ahead() {
    let options = json!({"automated": {}, "syncOptions": ["ApplyOutOfSyncOnly=true"]});
    assert_eq!(one_ahead(app("crds", [crd()])).len(), 1);
    assert!(one_ahead(changed(app("crds", [crd()]), "/spec/syncPolicy", options)).is_empty());
}

#[test]
fn what_is_wrong_with_what_is_there_already_is_said() {
    let mut ours = crd();
    ours["spec"]["versions"] = json!([{"name": "v1", "served": true}, {"name": "v1beta1", "served": false}]);
    let ahead = one_ahead(app("crds", [ours.clone()]));
    let amiss = |change: &dyn Fn(&mut Value)| {
        let mut live = ours.clone();
        change(&mut live);
        ahead[0].amiss(&live, &Tracking::of(None)).unwrap_or_default()
    };
    assert_eq!(amiss(&|_| ()), "");
    let said = amiss(&|live| live["metadata"]["deletionTimestamp"] = json!("2026-11-22T01:02:03Z"));
    assert!(said.contains("is being deleted since 2026-11-22T01:02:03Z"), "{said}");
    let said = amiss(&|live| {
        let mark = "otherapp:apiextensions.k8s.io/CustomResourceDefinition:x/channels.shop.io";
        live["metadata"]["annotations"] = json!({"argocd.argoproj.io/tracking-id": mark});
    });
    assert!(
        said.contains("bears the mark of the app otherapp, and crds brings it too"),
        "{said}"
    );
    let said = amiss(&|live| live["spec"]["versions"] = json!([{"name": "v1alpha1", "served": true}]));
    assert!(said.contains("does not serve v1, which crds brings"), "{said}");
}
