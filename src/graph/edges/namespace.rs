//! An object needs its namespace.

use super::super::draft::Draft;
use super::super::reason::Reason;
use super::super::whole::Whole;

/// Puts each object behind its namespace.
pub(super) fn draw<'p>(whole: &Whole<'p>, draft: &mut Draft<'p>) {
    for subject in whole.subjects.iter().filter(|subject| !subject.namespace.is_empty()) {
        let object = draft.of(subject);
        let namespace = draft.object(subject.cluster, ("", "Namespace"), "", subject.namespace);
        draft.must(object.exists(), namespace.exists(), Reason::Namespace, subject);
    }
}
