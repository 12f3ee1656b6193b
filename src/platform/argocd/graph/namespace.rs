//! A sync makes the namespace of its app where it is told to.

use std::collections::{BTreeMap, HashSet};

use super::task::wave;
use crate::graph::{Draft, Firmness, Reason, Whole, Written};
use crate::platform::argocd::application::items;

/// Says of each namespace that no app brings which app makes it: of several the one that comes first, since any of them is enough.
pub(super) fn draw<'p>(whole: &Whole<'p>, draft: &mut Draft<'p>) {
    let brought: HashSet<(&str, &str)> = whole
        .of_kind("", "Namespace")
        .map(|one| (one.cluster, one.name))
        .collect();
    // What is there is made by nobody: the agent's own namespace, for one, into which every app of apps deploys.
    let given: HashSet<(&str, &str)> = whole
        .known
        .given
        .iter()
        .filter(|given| given.id.kind == "Namespace" && given.id.group.is_empty())
        .map(|given| (given.cluster.as_str(), given.id.name.as_str()))
        .collect();
    let mut makers: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (index, app) in whole.apps.iter().enumerate() {
        let Some(object) = &app.object else { continue };
        let mut options = items(object.manifest.value(), "/spec/syncPolicy/syncOptions");
        let key = (app.cluster.as_str(), app.namespace.as_str());
        if options.any(|option| option == "CreateNamespace=true")
            && !app.namespace.is_empty()
            && !brought.contains(&key)
            && !given.contains(&key)
        {
            makers.entry(key).or_default().push(index);
        }
    }
    for ((cluster, name), apps) in makers {
        let first = apps.into_iter().min_by_key(|app| {
            let one = &whole.apps[*app];
            let wave = one.object.as_ref().map_or(0, |object| wave(&object.manifest));
            (depth(whole, *app), wave, &one.id)
        });
        let Some(first) = first else { continue };
        let namespace = draft.object(cluster, ("", "Namespace"), "", name);
        let app = draft.app(whole, first);
        draft.wait(
            namespace.exists(),
            app.exists(),
            Reason::Makes,
            Firmness::Conditional,
            Written::App(first),
        );
    }
}

fn depth(whole: &Whole<'_>, mut app: usize) -> usize {
    let mut depth = 0;
    while let Some(parent) = whole
        .apps
        .get(app)
        .and_then(|one| one.parent)
        .filter(|_| depth < whole.apps.len())
    {
        (app, depth) = (parent, depth + 1);
    }
    depth
}
