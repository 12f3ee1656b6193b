//! How long the graph of a big platform takes: 10,000 objects of 200 apps in 20 waves, which need each other's CRDs, Secrets and
//! namespaces.

use std::time::Instant;

use gitops_dr::graph::{App, Contents, Graph, Known, Platform, Sourced};
use gitops_dr::object::{Manifest, ObjectRef, Origin};
use gitops_dr::platform::argocd::graph::{ROWS, given, is_brought};
use serde_json::{Value, json};

use crate::Trouble;
use crate::entry::Wanted;
use crate::goal::Goal;
use crate::results::Row;

/// How many apps, ten in a wave.
const APPS: usize = 200;
/// How many objects each brings.
const OBJECTS: usize = 50;

/// Builds it, with its ranks, and looks whether everything is in it.
pub(crate) fn measure(wanted: &Wanted) -> Result<Vec<Row>, Trouble> {
    let platform = platform()?;
    let known = Known {
        given: given("argocd"),
        agent_namespace: "argocd".into(),
        ..Known::default()
    };
    let mut ours = Vec::new();
    for _ in 0..wanted.rounds(10) {
        let began = Instant::now();
        let graph = Graph::build(&platform, &known, ROWS, is_brought);
        let ranked: usize = graph.ranks().iter().map(Vec::len).sum();
        let apps = graph.app_lines();
        ours.push(began.elapsed().as_secs_f64() * 1000.0);
        let ranks = apps.ranks.iter().max().copied().unwrap_or_default();
        // The root, its app and all objects; a namespace of each app is among them.
        if ranked != APPS * OBJECTS + APPS + 2 || ranks < 20 || !graph.cycles().is_empty() {
            return Err(format!("{ranked} nodes in {ranks} ranks, {} circles", graph.cycles().len()).into());
        }
    }
    Ok(vec![Row {
        name: "graph-10000",
        does: "the graph of 10,000 objects in 200 apps: edges, circles, ranks of objects and apps",
        unit: "ms",
        ours,
        peer: None,
        goal: Goal::AtMost(300.0),
    }])
}

fn platform() -> Result<Platform, Trouble> {
    let application = |number: usize| {
        json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {
            "name": name(number), "namespace": "argocd",
            "annotations": {"argocd.argoproj.io/sync-wave": (number / 10).to_string()},
        }})
    };
    let top = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "top", "namespace": "argocd"}});
    let children = (0..APPS).map(application).collect::<Vec<_>>();
    let mut platform = Platform {
        children_are_awaited: true,
        ..Platform::default()
    };
    platform.apps.push(app(
        ObjectRef::new("", "Root", "", "root"),
        None,
        None,
        vec![top.clone()],
    )?);
    platform.apps.push(app(
        Manifest::new(top.clone(), Origin::default())?.id(),
        Some(0),
        Some(top),
        children.clone(),
    )?);
    for (number, child) in children.into_iter().enumerate() {
        let id = Manifest::new(child.clone(), Origin::default())?.id();
        platform.apps.push(app(id, Some(1), Some(child), objects(number))?);
    }
    Ok(platform)
}

fn name(number: usize) -> String {
    format!("app-{number:03}")
}

fn app(id: ObjectRef, parent: Option<usize>, object: Option<Value>, objects: Vec<Value>) -> Result<App, Trouble> {
    let file = format!("apps/{}.yaml", id.name);
    let sourced = |(number, value): (usize, Value)| -> Result<Sourced, Trouble> {
        let origin = Origin {
            file: file.clone(),
            line: number * 10 + 1,
        };
        Ok(Sourced {
            source: "platform".into(),
            manifest: Manifest::new(value, origin)?,
        })
    };
    Ok(App {
        namespace: if parent.is_none() {
            "argocd".into()
        } else {
            id.name.clone()
        },
        id,
        parent,
        object: object.map(|object| sourced((0, object))).transpose()?,
        cluster: String::new(),
        sources: Vec::new(),
        contents: Contents::Known(objects.into_iter().enumerate().map(sourced).collect::<Result<_, _>>()?),
    })
}

/// A namespace, a CRD, a resource of another app's CRD, and Deployments with what they read.
fn objects(number: usize) -> Vec<Value> {
    let group = |number: usize| format!("g{number}.example.com");
    // One of the wave before, or its own in the first.
    let other = if number < 10 { number } else { number - 7 - number % 3 };
    let mut objects = vec![
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name(number)}}),
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("things.{}", group(number))},
            "spec": {"group": group(number), "scope": "Namespaced", "names": {"kind": "Thing", "plural": "things"}}}),
        json!({"apiVersion": format!("{}/v1", group(other)), "kind": "Thing", "metadata": {"name": "thing"}}),
    ];
    for at in objects.len()..OBJECTS {
        let pair = at / 2;
        objects.push(if at % 2 == 0 {
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": format!("login-{pair}")}})
        } else {
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": format!("service-{pair}")}, "spec": {"template": {
                "metadata": {"labels": {"app": format!("service-{pair}")}},
                "spec": {"containers": [{"name": "a", "envFrom": [{"secretRef": {"name": format!("login-{}", pair.max(2))}}]}]},
            }}})
        });
    }
    objects
}
