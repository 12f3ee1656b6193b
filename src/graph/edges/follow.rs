//! A good order for a set that we apply ourselves: nothing enforces it, and each step of it saves the cluster a failure that would
//! pass by itself.

use std::collections::HashMap;

use super::super::draft::{Draft, Gate, Point};
use super::super::kinds::{GATEWAY, NETWORKING, NODE, RBAC, SCHEDULING, STORAGE, is_ground, is_webhook, is_workload};
use super::super::reason::Reason;
use super::super::whole::Whole;

/// What pods of a namespace stand on, or are bounded by.
const INPUTS: &[(&str, &str)] = &[
    ("", "ConfigMap"),
    ("", "LimitRange"),
    ("", "ResourceQuota"),
    ("", "Secret"),
    ("", "ServiceAccount"),
    (RBAC, "Role"),
];

/// Puts workloads behind what their namespace holds for them, everything behind the classes that it may be of, and webhooks behind
/// all else: they would stand in the way of the pods that answer them.
pub(super) fn draw<'p>(whole: &Whole<'p>, draft: &mut Draft<'p>) {
    let has_webhooks = whole
        .subjects
        .iter()
        .any(|subject| is_webhook(subject.group, subject.kind));
    let mut gates: HashMap<(&str, &str), Point> = HashMap::new();
    let mut gate = |draft: &mut Draft<'p>, thing: &'static str, namespace: &'p str| {
        *gates
            .entry((thing, namespace))
            .or_insert_with(|| gate(draft, thing, namespace))
    };
    for subject in &whole.subjects {
        let (group, kind) = (subject.group, subject.kind);
        let object = draft.of(subject);
        let provided = [
            INPUTS.contains(&(group, kind)).then_some(("inputs", subject.namespace)),
            class(group, kind).map(|class| (class, "")),
            (has_webhooks && !is_webhook(group, kind)).then_some(("rest", "")),
        ];
        for (thing, of) in provided.into_iter().flatten() {
            let gate = gate(draft, thing, of);
            draft.better(gate, object.exists(), Reason::KindOrder, subject);
        }
        if is_ground(group, kind) {
            continue;
        }
        if is_webhook(group, kind) {
            let rest = gate(draft, "rest", "");
            draft.better(object.exists(), rest, Reason::KindOrder, subject);
            continue;
        }
        let is_workload = is_workload(group, kind);
        let needed = [
            is_workload.then_some(("inputs", subject.namespace)),
            is_workload.then_some(("pods", "")),
            match (group, kind) {
                ("", "PersistentVolumeClaim" | "PersistentVolume") | ("apps", "StatefulSet") => Some(("storage", "")),
                (NETWORKING, "Ingress") => Some(("ingresses", "")),
                (GATEWAY, "Gateway") => Some(("gateways", "")),
                _ => None,
            },
        ];
        for (thing, of) in needed.into_iter().flatten() {
            let gate = gate(draft, thing, of);
            draft.better(object.exists(), gate, Reason::KindOrder, subject);
        }
    }
}

fn class(group: &str, kind: &str) -> Option<&'static str> {
    match (group, kind) {
        (SCHEDULING, "PriorityClass") | (NODE, "RuntimeClass") => Some("pods"),
        (STORAGE, "StorageClass") => Some("storage"),
        (NETWORKING, "IngressClass") => Some("ingresses"),
        (GATEWAY, "GatewayClass") => Some("gateways"),
        _ => None,
    }
}

fn gate<'p>(draft: &mut Draft<'p>, thing: &'static str, namespace: &'p str) -> Point {
    draft.gate(Gate {
        rule: thing,
        about: 0,
        is_sync: false,
        key: (0, namespace.into(), "".into(), "".into()),
    })
}
