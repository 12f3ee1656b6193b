//! A custom resource needs the CRD of its group and kind, never of its version, and is acted on by an operator.

use std::collections::{HashMap, HashSet};

use super::super::draft::{Draft, Gate};
use super::super::kinds::{EXTENSIONS, REGISTRATION, is_built_in, is_workload, plural};
use super::super::reason::Reason;
use super::super::whole::{Whole, brings};

const CRD: (&str, &str) = (EXTENSIONS, "CustomResourceDefinition");

/// Puts each custom resource behind its CRD, in whatever app that is. Where nothing brings one it is named as the API server
/// would have it, unless an API service serves the whole group.
pub(super) fn draw<'p>(whole: &Whole<'p>, draft: &mut Draft<'p>) {
    let mut crds: HashMap<(&str, &str, &str), Vec<&str>> = HashMap::new();
    for crd in whole.of_kind(CRD.0, CRD.1) {
        if let Some((group, kind)) = brings(crd.manifest) {
            crds.entry((crd.cluster, group, kind)).or_default().push(crd.name);
        }
    }
    let served: HashSet<(&str, &str)> = whole
        .of_kind(REGISTRATION, "APIService")
        .map(|service| (service.cluster, service.manifest.text("/spec/group")))
        .collect();
    let mut named: HashMap<(&str, &str, &str), String> = HashMap::new();
    for given in &whole.known.given {
        // A CRD is called by the resource and the group of what it brings.
        if (given.id.group.as_str(), given.id.kind.as_str()) == CRD
            && let Some((resource, group)) = given.id.name.split_once('.')
        {
            named.insert((&given.cluster, group, resource), given.id.name.clone());
        }
    }
    for subject in whole.subjects.iter().filter(|subject| !is_built_in(subject.group)) {
        let object = draft.of(subject);
        if let Some(names) = crds.get(&(subject.cluster, subject.group, subject.kind)) {
            for name in names {
                let crd = draft.object(subject.cluster, CRD, "", *name);
                draft.must(object.exists(), crd.healthy(), Reason::Definition, subject);
            }
        } else if !served.contains(&(subject.cluster, subject.group)) {
            let resource = plural(subject.kind);
            let name = named.get(&(subject.cluster, subject.group, resource.as_str())).cloned();
            let name = name.unwrap_or_else(|| format!("{resource}.{}", subject.group));
            let crd = draft.object(subject.cluster, CRD, "", name);
            draft.must(object.exists(), crd.healthy(), Reason::Definition, subject);
        }
    }
}

/// A custom resource is well only when what acts on it runs: the workloads of the app that brings its CRD, if it has some. That
/// nothing else acts on it is a guess, so it gives way to all that is known.
pub(super) fn draw_operators<'p>(whole: &Whole<'p>, draft: &mut Draft<'p>) {
    let gate = |app: usize, cluster: &'p str| Gate {
        rule: "operator",
        about: app,
        is_sync: false,
        key: (0, cluster.into(), "".into(), "".into()),
    };
    let mut operated: HashSet<(usize, &str)> = HashSet::new();
    let mut apps: HashMap<(&str, &str, &str), usize> = HashMap::new();
    for crd in whole.of_kind(CRD.0, CRD.1) {
        if let Some((group, kind)) = brings(crd.manifest) {
            let app = apps.entry((crd.cluster, group, kind)).or_insert(crd.app);
            // Of several the first by name, in whatever order they are given.
            let id = |app: usize| whole.apps.get(app).map(|app| &app.id);
            if id(crd.app) < id(*app) {
                *app = crd.app;
            }
        }
    }
    let with_crds: HashSet<usize> = apps.values().copied().collect();
    for workload in whole
        .subjects
        .iter()
        .filter(|one| is_workload(one.group, one.kind) && one.kind != "Job")
    {
        if with_crds.contains(&workload.app) {
            let runs = draft.of(workload);
            let gate = draft.gate(gate(workload.app, workload.cluster));
            draft.better(gate, runs.healthy(), Reason::Operator, workload);
            operated.insert((workload.app, workload.cluster));
        }
    }
    for subject in &whole.subjects {
        let app = apps.get(&(subject.cluster, subject.group, subject.kind)).copied();
        let Some(app) = app.filter(|app| operated.contains(&(*app, subject.cluster))) else {
            continue;
        };
        let object = draft.of(subject);
        if is_workload(subject.group, subject.kind) && subject.app == app {
            continue;
        }
        let gate = draft.gate(gate(app, subject.cluster));
        draft.better(object.healthy(), gate, Reason::Operator, subject);
    }
}
