//! An object needs its namespace.

use std::collections::HashMap;

use super::super::draft::{Draft, Object};
use super::super::reason::Reason;
use super::super::whole::Whole;

/// Puts each object behind its namespace.
pub(super) fn draw<'p>(whole: &Whole<'p>, draft: &mut Draft<'p>) {
    let mut known: HashMap<(&str, &str), Object> = HashMap::new();
    for subject in whole.subjects.iter().filter(|subject| !subject.namespace.is_empty()) {
        let object = draft.of(subject);
        let namespace = *known
            .entry((subject.cluster, subject.namespace))
            .or_insert_with(|| draft.object(subject.cluster, ("", "Namespace"), "", subject.namespace));
        draft.must(object.exists(), namespace.exists(), Reason::Namespace, subject);
    }
}
