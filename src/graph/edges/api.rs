//! An API service answers through a Service, and objects of its group need it.

use std::collections::HashMap;

use serde_json::Value;

use super::super::draft::Draft;
use super::super::kinds::{REGISTRATION, is_built_in};
use super::super::reason::Reason;
use super::super::whole::{Subject, Whole};
use super::service::call;

const API_SERVICE: (&str, &str) = (REGISTRATION, "APIService");

/// Puts objects behind the API service of their group, and that behind its Service.
pub(super) fn draw<'p>(whole: &Whole<'p>, draft: &mut Draft<'p>) {
    let mut by_group: HashMap<(&str, &str), Vec<&Subject<'p>>> = HashMap::new();
    for service in whole.of_kind(API_SERVICE.0, API_SERVICE.1) {
        let group = service.manifest.text("/spec/group");
        // Those of the API server itself are there from the beginning.
        if !is_built_in(group) {
            by_group.entry((service.cluster, group)).or_default().push(service);
        }
    }
    for (service, reference) in services(whole) {
        call(draft, service, reference);
    }
    if by_group.is_empty() {
        return;
    }
    for subject in &whole.subjects {
        for service in by_group.get(&(subject.cluster, subject.group)).into_iter().flatten() {
            let (object, service) = (draft.of(subject), draft.of(service));
            draft.may(object.exists(), service.healthy(), Reason::Api, subject);
        }
    }
}

/// Returns the API services that others answer for, each with the Service that it names.
pub(super) fn services<'w, 'p>(whole: &'w Whole<'p>) -> impl Iterator<Item = (&'w Subject<'p>, &'p Value)> {
    whole.of_kind(API_SERVICE.0, API_SERVICE.1).filter_map(|service| {
        let reference = service.manifest.value().pointer("/spec/service")?;
        reference.is_object().then_some((service, reference))
    })
}
