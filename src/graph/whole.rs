//! All objects of a platform in one list, found by their kind.

use std::collections::{HashMap, HashSet};

use super::input::Known;
use super::kinds::{EXTENSIONS, REGISTRATION, is_cluster_scoped};
use super::node::Place;
use super::platform::{App, Platform};
use crate::object::Manifest;

/// All objects of a platform, as the [rules](super::Row) look at them.
#[derive(Debug)]
pub struct Whole<'p> {
    /// The apps, parents before their children.
    pub apps: &'p [App],
    /// The objects, app by app, in the order in which they are written.
    pub subjects: Vec<Subject<'p>>,
    /// Whether a wave waits for child apps to be well.
    pub children_are_awaited: bool,
    /// What else is known.
    pub known: &'p Known,
    by_kind: HashMap<&'p str, HashMap<&'p str, Vec<usize>>>,
}

/// One object in one app.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'p> {
    /// Its place in [`Whole::subjects`].
    pub index: usize,
    /// Its app, by its place in [`Whole::apps`].
    pub app: usize,
    /// The cluster that it goes to; empty for the target.
    pub cluster: &'p str,
    /// The API group; empty for the core group.
    pub group: &'p str,
    /// The kind.
    pub kind: &'p str,
    /// The namespace that it goes into; empty where it is in none.
    pub namespace: &'p str,
    /// The name.
    pub name: &'p str,
    /// The object.
    pub manifest: &'p Manifest,
    /// The source that holds it.
    pub source: &'p str,
}

impl<'p> Whole<'p> {
    /// Looks at a platform. `is_brought` says whether an app brings an object at all: a hook that no sync runs is not.
    pub(super) fn new(platform: &'p Platform, known: &'p Known, is_brought: impl Fn(&Manifest) -> bool) -> Self {
        let listed = platform.apps.iter().enumerate().flat_map(|(app, of)| {
            of.contents.objects().iter().map(move |object| Listed {
                app,
                cluster: &of.cluster,
                namespace: &of.namespace,
                manifest: &object.manifest,
                source: &object.source,
            })
        });
        let brought = listed.filter(|one| is_brought(one.manifest)).collect();
        let whole = Self::of(&platform.apps, known, brought);
        Self {
            children_are_awaited: platform.children_are_awaited,
            ..whole
        }
    }

    /// Looks at one set of objects, which go to one cluster; those that name no namespace into this one.
    pub(super) fn of_set(manifests: &'p [Manifest], namespace: &'p str, known: &'p Known) -> Self {
        let listed = manifests.iter().map(|manifest| Listed {
            app: 0,
            cluster: "",
            namespace,
            manifest,
            source: "",
        });
        Self::of(&[], known, listed.collect())
    }

    fn of(apps: &'p [App], known: &'p Known, listed: Vec<Listed<'p>>) -> Self {
        let unscoped: HashSet<(&str, &str)> = listed
            .iter()
            .filter(|one| one.manifest.text("/spec/scope") == "Cluster")
            .filter_map(|one| brings(one.manifest))
            .collect();
        let mut by_kind: HashMap<_, HashMap<_, Vec<usize>>> = HashMap::new();
        let subject = |(index, one): (usize, Listed<'p>)| {
            let (group, kind) = (one.manifest.group(), one.manifest.kind());
            by_kind.entry(group).or_default().entry(kind).or_default().push(index);
            let namespace = if is_cluster_scoped(group, kind) || unscoped.contains(&(group, kind)) {
                ""
            } else {
                match one.manifest.text("/metadata/namespace") {
                    "" => one.namespace,
                    named => named,
                }
            };
            Subject {
                index,
                app: one.app,
                cluster: one.cluster,
                group,
                kind,
                namespace,
                name: one.manifest.text("/metadata/name"),
                manifest: one.manifest,
                source: one.source,
            }
        };
        Self {
            apps,
            subjects: listed.into_iter().enumerate().map(subject).collect(),
            children_are_awaited: false,
            known,
            by_kind,
        }
    }

    /// Returns the objects of a kind, in whatever version.
    pub fn of_kind<'w>(&'w self, group: &str, kind: &str) -> impl Iterator<Item = &'w Subject<'p>> + use<'w, 'p> {
        let found: &'w [usize] = self
            .by_kind
            .get(group)
            .and_then(|kinds| kinds.get(kind))
            .map(Vec::as_slice)
            .unwrap_or_default();
        let subjects: &'w [Subject<'p>] = &self.subjects;
        found.iter().map(move |index| &subjects[*index])
    }
}

impl Subject<'_> {
    /// Returns where it is written.
    pub fn place(&self) -> Place {
        let origin = self.manifest.origin();
        Place {
            source: self.source.to_owned(),
            file: origin.file.clone(),
            line: origin.line,
        }
    }

    /// Whether it is of this group and kind.
    pub fn is(&self, group: &str, kind: &str) -> bool {
        self.group == group && self.kind == kind
    }
}

/// Returns the group and the kind that a CRD brings; `None` for other objects.
pub fn brings(manifest: &Manifest) -> Option<(&str, &str)> {
    manifest
        .is(EXTENSIONS, "CustomResourceDefinition")
        .then(|| (manifest.text("/spec/group"), manifest.text("/spec/names/kind")))
}

/// Returns the group for which an API service answers; `None` for other objects.
pub fn answers_for(manifest: &Manifest) -> Option<&str> {
    manifest
        .is(REGISTRATION, "APIService")
        .then(|| manifest.text("/spec/group"))
}

struct Listed<'p> {
    app: usize,
    cluster: &'p str,
    namespace: &'p str,
    manifest: &'p Manifest,
    source: &'p str,
}
