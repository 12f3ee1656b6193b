//! Which CRDs and namespaces are there before the roots, because an app needs of another what it brings. Pure: a platform in.
//!
//! Argo CD orders what one app brings, and nothing across apps (argo-cd #3781): an app whose custom resources come before another
//! app's CRD fails, and begins again until its retries are used up.
//!
//! A namespace bears the mark of the app that brings it, so that this app finds it as its own. It is synced with what else the app brings,
//! which is how the agent comes to own its fields. An app that brings nothing else would find itself Synced and never sync; what is
//! applied for such a one bears no mark, and its first sync takes it over.
//!
//! A CRD never bears a mark: Argo CD gives it none (`reposerver/repository/repository.go`, `GenerateManifests`), so that it is never pruned,
//! and with one it would be. Where an app brings CRDs alone it is Synced at once; if it has hooks, its CRDs are left to the agent.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::GROUP;
use super::application::{Application, text};
use super::applicationset::ApplicationSet;
use super::hook::is_hook;
use super::install::default_project;
use super::project::{permits, permits_target};
use super::tracking::Tracking;
use crate::graph::{App, Contents, Platform, brings};
use crate::object::{Manifest, ObjectRef};

/// Namespaces that every cluster has.
const BUILT_IN: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// An object that is applied before the roots.
#[derive(Debug, Clone)]
pub struct Preloaded {
    /// As its app brings it, without a mark.
    manifest: Manifest,
    /// The name of the app that brings it, which its mark bears: it is in the agent's own namespace.
    pub app: String,
    /// Where that app deploys to.
    namespace: String,
    /// Whether the app brings anything else, by which it comes to sync.
    is_synced_with_others: bool,
    /// The apps that need it, by name and in order.
    pub needed_by: Vec<String>,
}

impl Preloaded {
    /// Returns its identity.
    pub fn id(&self) -> ObjectRef {
        self.manifest.id()
    }

    /// Takes a project, and how its app would mark it.
    pub(super) fn project(manifest: Manifest, app: &App, is_synced_with_others: bool, needed_by: Vec<String>) -> Self {
        Self {
            manifest,
            app: app.id.name.clone(),
            namespace: app.namespace.clone(),
            is_synced_with_others,
            needed_by,
        }
    }

    /// Returns the object as it is applied: with the mark that its app gives it, where that app comes to sync all the same.
    pub fn object(&self, tracking: &Tracking) -> Manifest {
        let mut manifest = self.manifest.clone();
        if self.is_synced_with_others && matches!(manifest.kind(), "Namespace" | "AppProject") {
            tracking.mark(manifest.value_mut(), &self.app, &self.namespace);
        }
        manifest
    }
}

impl std::fmt::Display for Preloaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const SHOWN: usize = 3;
        let (shown, more) = self.needed_by.split_at(self.needed_by.len().min(SHOWN));
        write!(f, "{} of {}, which {}", self.id(), self.app, shown.join(", "))?;
        if !more.is_empty() {
            write!(f, " and {} more", more.len())?;
        }
        let verb = if self.needed_by.len() == 1 { "needs" } else { "need" };
        write!(f, " {verb}")
    }
}

/// Returns what an app brings to the target and another app needs there, namespaces first.
///
/// Left to the agent is what it would not bring by itself, or not as it is written:
///
/// * of an app that is not synced automatically, or below one;
/// * of an app in another namespace than the agent's, or whose project is not known to permit it: our rights go further than those that the
///   agent gives to this app;
/// * a hook, and an object of two apps;
/// * a CRD whose objects a webhook converts: an Argo CD that cannot have them converted sees nothing of the cluster any more
///   (argo-cd #20828).
pub fn preloaded(platform: &Platform, projects: &[Value], agent_namespace: &str) -> Vec<Preloaded> {
    let projects = all_projects(platform, projects, agent_namespace);
    let mut brought: BTreeMap<ObjectRef, Vec<(usize, &Manifest)>> = BTreeMap::new();
    let mut kinds: HashMap<(&str, &str), BTreeSet<usize>> = HashMap::new();
    let mut namespaces: HashMap<&str, BTreeSet<usize>> = HashMap::new();
    for (index, app) in platform
        .apps
        .iter()
        .enumerate()
        .filter(|(_, app)| app.cluster.is_empty())
    {
        let Contents::Known(objects) = &app.contents else {
            continue;
        };
        for object in objects {
            let manifest = &object.manifest;
            if is_ground(manifest) {
                brought.entry(manifest.id()).or_default().push((index, manifest));
                continue;
            }
            kinds
                .entry((manifest.group(), manifest.kind()))
                .or_default()
                .insert(index);
            let home = Some(manifest.text("/metadata/namespace")).filter(|home| !home.is_empty());
            namespaces
                .entry(home.unwrap_or(&app.namespace))
                .or_default()
                .insert(index);
        }
    }
    let mut preloaded: Vec<_> = brought
        .into_values()
        .filter_map(|by| {
            let [(index, manifest)] = by[..] else { return None };
            let is_permitted = || is_permitted(&platform.apps[index], &projects, manifest, agent_namespace);
            let is_left = is_left(manifest) || (brings(manifest).is_some() && would_skip_hooks(&platform.apps[index]));
            if is_left || !is_brought_by_itself(platform, index) || !is_permitted() {
                return None;
            }
            let needed = match brings(manifest) {
                Some(kind) => kinds.get(&kind),
                None => namespaces.get(manifest.text("/metadata/name")),
            };
            let needed_by: BTreeSet<_> = needed?
                .iter()
                .filter(|other| **other != index)
                .map(|other| platform.apps[*other].id.name.clone())
                .collect();
            let app = &platform.apps[index];
            (!needed_by.is_empty()).then(|| Preloaded {
                manifest: manifest.clone(),
                app: app.id.name.clone(),
                namespace: app.namespace.clone(),
                is_synced_with_others: false,
                needed_by: needed_by.into_iter().collect(),
            })
        })
        .collect();
    let ids: BTreeSet<_> = preloaded.iter().map(Preloaded::id).collect();
    let with_others: BTreeSet<_> = platform
        .apps
        .iter()
        .filter(|app| brings_others(app, &ids))
        .map(|app| app.id.name.clone())
        .collect();
    for one in &mut preloaded {
        one.is_synced_with_others = with_others.contains(&one.app);
    }
    preloaded.sort_by_key(|preloaded| preloaded.manifest.kind() != "Namespace");
    preloaded
}

/// Returns the projects that there will be, by name: those of the install, the one that Argo CD makes itself, and those that apps of
/// such a project may bring into the agent's namespace.
pub(super) fn all_projects<'all>(
    platform: &'all Platform,
    installed: &'all [Value],
    agent_namespace: &str,
) -> HashMap<&'all str, Cow<'all, Value>> {
    let mut projects = HashMap::from([("default", Cow::Owned(default_project(agent_namespace)))]);
    projects.extend(
        installed
            .iter()
            .map(|project| (text(project, "/metadata/name"), Cow::Borrowed(project))),
    );
    let mut brought = Vec::new();
    for app in &platform.apps {
        let (Some(object), Contents::Known(objects)) = (&app.object, &app.contents) else {
            continue;
        };
        let of = projects.get(Application::new(object.manifest.value()).project());
        if app.id.namespace != agent_namespace || !of.is_some_and(|project| permits_target(project, agent_namespace)) {
            continue;
        }
        let found = objects
            .iter()
            .map(|object| &object.manifest)
            .filter(|manifest| manifest.is(GROUP, "AppProject"));
        brought.extend(found.map(|manifest| (manifest.text("/metadata/name"), Cow::Borrowed(manifest.value()))));
    }
    for (name, project) in brought {
        projects.entry(name).or_insert(project);
    }
    projects
}

/// Whether the project of an app is known, and permits what the app brings.
fn is_permitted(
    app: &App,
    projects: &HashMap<&str, Cow<'_, Value>>,
    manifest: &Manifest,
    agent_namespace: &str,
) -> bool {
    let Some(object) = &app.object else { return false };
    let live = Application::new(object.manifest.value());
    let project = projects.get(
        Some(live.project())
            .filter(|name| !name.is_empty())
            .unwrap_or("default"),
    );
    (app.id.namespace.is_empty() || app.id.namespace == agent_namespace)
        && project.is_some_and(|project| permits(project, live, manifest.group(), manifest.kind()))
}

/// Whether others may stand on an object of this kind before they can even be applied.
fn is_ground(manifest: &Manifest) -> bool {
    manifest.is("", "Namespace") || brings(manifest).is_some()
}

/// Whether an app brings an object that is neither a hook nor one of these.
fn brings_others(app: &App, ids: &BTreeSet<ObjectRef>) -> bool {
    let Contents::Known(objects) = &app.contents else {
        return false;
    };
    let mut manifests = objects.iter().map(|object| &object.manifest);
    manifests.any(|manifest| !is_hook(manifest.value()) && !ids.contains(&manifest.id()))
}

/// Whether an app brings CRDs and hooks, and nothing by which it would come to sync and run these.
fn would_skip_hooks(app: &App) -> bool {
    let Contents::Known(objects) = &app.contents else {
        return true;
    };
    let manifests = || objects.iter().map(|object| &object.manifest);
    manifests().any(|one| is_hook(one.value())) && manifests().all(|one| is_hook(one.value()) || brings(one).is_some())
}

/// Whether the agent alone may apply it.
fn is_left(manifest: &Manifest) -> bool {
    is_hook(manifest.value())
        || manifest.text("/spec/conversion/strategy") == "Webhook"
        || (manifest.kind() == "Namespace" && BUILT_IN.contains(&manifest.text("/metadata/name")))
}

/// Whether the agent syncs an app, and all that it follows from, without being asked.
pub(super) fn is_brought_by_itself(platform: &Platform, index: usize) -> bool {
    let mut at = Some(index);
    while let Some(index) = at {
        let app = &platform.apps[index];
        if let Some(object) = &app.object {
            let value = object.manifest.value();
            let is_synced = match app.id.kind.as_str() {
                "Application" => {
                    let app = Application::new(value);
                    app.is_automated() && !app.is_skipped()
                }
                "ApplicationSet" => !ApplicationSet::new(value).is_rolling(),
                _ => false,
            };
            if app.id.group != GROUP || !is_synced {
                return false;
            }
        }
        at = app.parent;
    }
    // A root by itself is applied as a whole, before or behind this; it lends nothing.
    platform.apps[index].object.is_some()
}

#[cfg(test)]
mod tests {
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
}
