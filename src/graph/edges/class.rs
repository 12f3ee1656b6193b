//! What is of a class needs the class: by its name, or the default one where it names none.

use std::collections::HashMap;

use serde_json::Value;

use super::super::draft::{Draft, Object};
use super::super::kinds::{GATEWAY, NETWORKING, NODE, SCHEDULING, STORAGE, items, template};
use super::super::reason::Reason;
use super::super::whole::{Subject, Whole};

/// A kind of class.
struct Class {
    kind: (&'static str, &'static str),
    /// Whether what names none of them is of the default one.
    has_default: bool,
}

const STORAGES: Class = Class {
    kind: (STORAGE, "StorageClass"),
    has_default: true,
};
const INGRESSES: Class = Class {
    kind: (NETWORKING, "IngressClass"),
    has_default: true,
};
const GATEWAYS: Class = Class {
    kind: (GATEWAY, "GatewayClass"),
    has_default: false,
};
/// `globalDefault` changes nothing for who waits.
const PRIORITIES: Class = Class {
    kind: (SCHEDULING, "PriorityClass"),
    has_default: false,
};
const RUNTIMES: Class = Class {
    kind: (NODE, "RuntimeClass"),
    has_default: false,
};

/// The annotations by which a class is the default one of its kind.
const DEFAULTS: [&str; 3] = [
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
    "ingressclass.kubernetes.io/is-default-class",
];

/// Puts claims, Ingresses, Gateways and pods behind their classes.
pub(super) fn draw<'p>(whole: &Whole<'p>, draft: &mut Draft<'p>) {
    let defaults = defaults(whole, draft);
    for subject in &whole.subjects {
        let object = subject.manifest.value();
        let mut of = |class: &Class, place: &str, spec: Option<&'p Value>, field: &str| {
            wait(draft, &defaults, subject, class, place, spec, field);
        };
        match (subject.group, subject.kind) {
            ("", "PersistentVolumeClaim") => of(&STORAGES, "spec", object.get("spec"), "storageClassName"),
            (NETWORKING, "Ingress") => of(&INGRESSES, "spec", object.get("spec"), "ingressClassName"),
            (GATEWAY, "Gateway") => of(&GATEWAYS, "spec", object.get("spec"), "gatewayClassName"),
            ("apps", "StatefulSet") => {
                for claim in items(object, "/spec/volumeClaimTemplates") {
                    of(
                        &STORAGES,
                        "spec.volumeClaimTemplates",
                        claim.get("spec"),
                        "storageClassName",
                    );
                }
            }
            _ => {}
        }
        if let Some(template) = template(subject.group, subject.kind) {
            let pods = object.pointer(&format!("{template}/spec"));
            let place = format!("{template}/spec").trim_start_matches('/').replace('/', ".");
            of(&PRIORITIES, &place, pods, "priorityClassName");
            of(&RUNTIMES, &place, pods, "runtimeClassName");
        }
    }
}

/// Returns the classes that are the default ones of their kind, by cluster.
fn defaults<'p>(whole: &Whole<'p>, draft: &mut Draft<'p>) -> HashMap<(&'p str, &'static str), Vec<Object>> {
    let mut defaults: HashMap<_, Vec<Object>> = HashMap::new();
    for (group, kind) in [STORAGES.kind, INGRESSES.kind] {
        for class in whole.of_kind(group, kind) {
            let annotations = class.manifest.value().pointer("/metadata/annotations");
            let says = |name: &str| {
                annotations
                    .and_then(|all| all.get(name))
                    .is_some_and(|value| value == "true")
            };
            if DEFAULTS.iter().any(|name| says(name)) {
                defaults.entry((class.cluster, kind)).or_default().push(draft.of(class));
            }
        }
    }
    defaults
}

fn wait<'p>(
    draft: &mut Draft<'p>,
    defaults: &HashMap<(&'p str, &'static str), Vec<Object>>,
    subject: &Subject<'p>,
    class: &Class,
    place: &str,
    spec: Option<&'p Value>,
    field: &str,
) {
    let Some(spec) = spec else { return };
    let later = draft.of(subject).healthy();
    let reason = |more: &str| Reason::Class(format!("{place}.{field}{more}"));
    match spec.get(field) {
        Some(Value::String(name)) if !name.is_empty() => {
            let class = draft.object(subject.cluster, class.kind, "", name.as_str());
            draft.must(later, class.exists(), reason(""), subject);
        }
        // An empty name says that there is none on purpose.
        None if class.has_default => {
            for default in defaults.get(&(subject.cluster, class.kind.1)).into_iter().flatten() {
                draft.may(later, default.exists(), reason(", by default"), subject);
            }
        }
        _ => {}
    }
}
