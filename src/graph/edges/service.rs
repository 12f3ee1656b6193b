//! A Service answers when pods that it selects are ready. It is there before, and well by itself: nobody waits for a Service but who
//! calls it.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::super::draft::{Draft, Gate, Point};
use super::super::kinds::{template, text};
use super::super::reason::Reason;
use super::super::whole::{Subject, Whole};

/// A workload with the labels of its pods.
type Labelled<'w, 'p> = (&'w Subject<'p>, &'p Map<String, Value>);

/// Puts what each Service that is called answers with behind it.
pub(super) fn draw<'p>(whole: &Whole<'p>, draft: &mut Draft<'p>) {
    let mut pods: HashMap<(&str, &str), Vec<Labelled<'_, 'p>>> = HashMap::new();
    for subject in &whole.subjects {
        let template = template(subject.group, subject.kind);
        let labels =
            template.and_then(|template| subject.manifest.value().pointer(&format!("{template}/metadata/labels")));
        if let Some(labels) = labels.and_then(Value::as_object) {
            pods.entry((subject.cluster, subject.namespace))
                .or_default()
                .push((subject, labels));
        }
    }
    // Only those that are called on the API server's behalf: all others keep nobody waiting.
    let called: HashSet<(&str, &str, &str)> = super::admission::services(whole)
        .chain(super::api::services(whole))
        .map(|(caller, to)| (caller.cluster, text(to, "/namespace"), text(to, "/name")))
        .collect();
    for service in whole.of_kind("", "Service") {
        if !called.contains(&(service.cluster, service.namespace, service.name)) {
            continue;
        }
        let selector = service
            .manifest
            .value()
            .pointer("/spec/selector")
            .and_then(Value::as_object);
        let Some(selector) = selector.filter(|selector| !selector.is_empty()) else {
            continue;
        };
        let around = pods.get(&(service.cluster, service.namespace)).into_iter().flatten();
        let behind = around.filter(|(_, labels)| selector.iter().all(|(key, value)| labels.get(key) == Some(value)));
        for (workload, _) in behind {
            let runs = draft.of(workload);
            let answers = answers(draft, service.cluster, service.namespace, service.name);
            draft.must(answers, runs.healthy(), Reason::Backs, service);
        }
    }
}

/// Returns the point at which a Service answers.
pub(super) fn answers<'p>(draft: &mut Draft<'p>, cluster: &'p str, namespace: &'p str, name: &'p str) -> Point {
    draft.gate(Gate {
        rule: "service",
        about: 0,
        is_sync: false,
        key: (0, cluster.into(), namespace.into(), name.into()),
    })
}

/// Puts something behind the answers of a Service that an object names.
pub(super) fn call<'p>(draft: &mut Draft<'p>, caller: &Subject<'p>, reference: &'p Value) {
    let (namespace, name) = (text(reference, "/namespace"), text(reference, "/name"));
    if name.is_empty() {
        return;
    }
    let object = draft.of(caller);
    let service = draft.object(caller.cluster, ("", "Service"), namespace, name);
    let answers = answers(draft, caller.cluster, namespace, name);
    draft.must(answers, service.exists(), Reason::Answers, caller);
    draft.must(object.healthy(), answers, Reason::Answers, caller);
}
