//! A webhook that must answer stands before every object that its rules match.

use std::collections::HashMap;

use serde_json::Value;

use super::super::draft::{Draft, Gate, Point};
use super::super::kinds::{ADMISSION, is_built_in, items, plural, template, text};
use super::super::reason::Reason;
use super::super::whole::{Subject, Whole, brings};
use super::service::call;

const CONFIGURATIONS: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// A kind in a namespace, of one app and cluster: what all webhooks but those that look at labels treat alike.
type Alike<'p> = (usize, &'p str, &'p str, &'p str, &'p str);

/// Puts objects behind the webhooks that must admit them, and these behind what answers for them. The cluster's own kinds in the
/// app of the webhook itself are not put behind it: a sync applies the configurations of webhooks after them.
pub(super) fn draw<'p>(whole: &Whole<'p>, draft: &mut Draft<'p>) {
    let callers: Vec<_> = services(whole).collect();
    for (configuration, reference) in callers {
        call(draft, configuration, reference);
    }
    let webhooks = webhooks(whole);
    if webhooks.is_empty() {
        return;
    }
    let resources = resources(whole);
    let namespaces: HashMap<(&str, &str), &Value> = whole
        .of_kind("", "Namespace")
        .filter_map(|one| {
            Some((
                (one.cluster, one.name),
                one.manifest.value().pointer("/metadata/labels")?,
            ))
        })
        .collect();
    let mut gates: HashMap<(Alike<'p>, bool), Option<Point>> = HashMap::new();
    for subject in &whole.subjects {
        let resource = resources.get(&(subject.cluster, subject.group, subject.kind));
        let resource = resource.map_or_else(|| plural(subject.kind), |plural| (*plural).to_owned());
        let own = Asked {
            group: subject.group,
            resource: &resource,
            labels: subject.manifest.value().pointer("/metadata/labels"),
        };
        let labels = template(subject.group, subject.kind)
            .map(|template| subject.manifest.value().pointer(&format!("{template}/metadata/labels")));
        let pods = labels.map(|labels| Asked {
            group: "",
            resource: "pods",
            labels,
        });
        for (asked, is_pod) in [(Some(own), false), (pods, true)] {
            let Some(asked) = asked else { continue };
            let namespace = namespaces.get(&(subject.cluster, subject.namespace)).copied();
            let object = draft.of(subject);
            let later = if is_pod { object.healthy() } else { object.exists() };
            let alike = (
                subject.app,
                subject.cluster,
                subject.group,
                subject.kind,
                subject.namespace,
            );
            let matching = |webhook: &&Webhook<'_, 'p>| webhook.matches(subject, &asked, namespace);
            if let Some(gate) = gates.get(&(alike, is_pod)) {
                if let Some(gate) = *gate {
                    draft.may(later, gate, Reason::Admission, subject);
                }
            } else {
                let asked_of_all: Vec<_> = webhooks
                    .iter()
                    .filter(|webhook| !webhook.looks_at_labels)
                    .filter(matching)
                    .collect();
                let gate = (!asked_of_all.is_empty()).then(|| gate(draft, alike, is_pod));
                for webhook in asked_of_all {
                    let answers = draft.of(webhook.configuration).healthy();
                    if let Some(gate) = gate {
                        draft.may(gate, answers, Reason::Admission, webhook.configuration);
                    }
                }
                gates.insert((alike, is_pod), gate);
                if let Some(gate) = gate {
                    draft.may(later, gate, Reason::Admission, subject);
                }
            }
            for webhook in webhooks
                .iter()
                .filter(|webhook| webhook.looks_at_labels)
                .filter(matching)
            {
                let answers = draft.of(webhook.configuration).healthy();
                draft.may(later, answers, Reason::Admission, webhook.configuration);
            }
        }
    }
}

/// Returns the configurations of webhooks that Services answer for, each with the Services that it names.
pub(super) fn services<'w, 'p>(whole: &'w Whole<'p>) -> impl Iterator<Item = (&'w Subject<'p>, &'p Value)> {
    configurations(whole).flat_map(|configuration| {
        let webhooks = items(configuration.manifest.value(), "/webhooks");
        let services = webhooks.filter_map(|webhook| webhook.pointer("/clientConfig/service"));
        services
            .filter(|service| service.is_object())
            .map(move |service| (configuration, service))
    })
}

fn configurations<'w, 'p>(whole: &'w Whole<'p>) -> impl Iterator<Item = &'w Subject<'p>> {
    CONFIGURATIONS
        .into_iter()
        .flat_map(|kind| whole.of_kind(ADMISSION, kind))
}

/// Returns the webhooks without which nothing goes, `failurePolicy: Fail`, which is what holds where nothing is said.
fn webhooks<'w, 'p>(whole: &'w Whole<'p>) -> Vec<Webhook<'w, 'p>> {
    let all = configurations(whole).flat_map(|configuration| {
        items(configuration.manifest.value(), "/webhooks").map(move |webhook| (configuration, webhook))
    });
    let must = all.filter(|(_, webhook)| text(webhook, "/failurePolicy") != "Ignore");
    must.map(|(configuration, webhook)| Webhook {
        configuration,
        spec: webhook,
        looks_at_labels: webhook
            .get("objectSelector")
            .is_some_and(|selector| !is_empty(selector)),
    })
    .collect()
}

/// Returns the resources of the kinds that CRDs bring.
fn resources<'p>(whole: &Whole<'p>) -> HashMap<(&'p str, &'p str, &'p str), &'p str> {
    let crds = whole.of_kind("apiextensions.k8s.io", "CustomResourceDefinition");
    let named = crds.filter_map(|crd| {
        let (group, kind) = brings(crd.manifest)?;
        let resource = crd.manifest.text("/spec/names/plural");
        (!resource.is_empty()).then_some(((crd.cluster, group, kind), resource))
    });
    named.collect()
}

fn gate<'p>(draft: &mut Draft<'p>, (app, cluster, group, kind, namespace): Alike<'p>, is_pod: bool) -> Point {
    draft.gate(Gate {
        rule: if is_pod { "admission of pods" } else { "admission" },
        about: app,
        is_sync: false,
        key: (0, cluster.into(), format!("{group}/{kind}").into(), namespace.into()),
    })
}

struct Webhook<'w, 'p> {
    configuration: &'w Subject<'p>,
    spec: &'p Value,
    looks_at_labels: bool,
}

/// What a webhook is asked about.
struct Asked<'a> {
    group: &'a str,
    resource: &'a str,
    labels: Option<&'a Value>,
}

impl Webhook<'_, '_> {
    fn matches(&self, subject: &Subject<'_>, asked: &Asked<'_>, namespace: Option<&Value>) -> bool {
        let is_applied_before = subject.app == self.configuration.app && is_built_in(subject.group);
        if is_applied_before || subject.cluster != self.configuration.cluster || subject.group == ADMISSION {
            return false;
        }
        let has = |rule: &Value, field: &str, word: &str| {
            items(rule, field)
                .filter_map(Value::as_str)
                .any(|one| one == "*" || one == word)
        };
        let by_rule = items(self.spec, "/rules").any(|rule| {
            let scope = text(rule, "/scope");
            has(rule, "/apiGroups", asked.group)
                && (has(rule, "/resources", asked.resource) || items(rule, "/resources").any(|one| one == "*/*"))
                && has(rule, "/operations", "CREATE")
                && (matches!(scope, "" | "*") || (scope == "Namespaced") != subject.namespace.is_empty())
        });
        if !by_rule {
            return false;
        }
        let (of_namespace, of_object) = (self.spec.get("namespaceSelector"), self.spec.get("objectSelector"));
        let by_namespace = match (subject.is("", "Namespace"), subject.namespace) {
            (true, _) => selects(of_namespace, asked.labels, subject.name),
            (false, "") => true,
            (false, name) => selects(of_namespace, namespace, name),
        };
        by_namespace && selects(of_object, asked.labels, "")
    }
}

fn is_empty(selector: &Value) -> bool {
    items(selector, "/matchExpressions").next().is_none()
        && selector
            .get("matchLabels")
            .and_then(Value::as_object)
            .is_none_or(serde_json::Map::is_empty)
}

/// Whether a selector takes labels. A namespace has its name as a label by itself.
pub(super) fn selects(selector: Option<&Value>, labels: Option<&Value>, namespace: &str) -> bool {
    let Some(selector) = selector else { return true };
    let label = |key: &str| match labels.and_then(|labels| labels.get(key)).and_then(Value::as_str) {
        None if key == "kubernetes.io/metadata.name" && !namespace.is_empty() => Some(namespace),
        found => found,
    };
    let mut exact = selector
        .get("matchLabels")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    exact.all(|(key, value)| label(key) == value.as_str())
        && items(selector, "/matchExpressions").all(|expression| {
            let found = label(text(expression, "/key"));
            let is_listed = || items(expression, "/values").any(|value| value.as_str() == found);
            match text(expression, "/operator") {
                "In" => found.is_some() && is_listed(),
                "NotIn" => found.is_none() || !is_listed(),
                "Exists" => found.is_some(),
                "DoesNotExist" => found.is_none(),
                _ => true,
            }
        })
}
