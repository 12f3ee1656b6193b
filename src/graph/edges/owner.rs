//! What names owners needs them: one whose owner is not there is removed again.

use super::super::draft::Draft;
use super::super::kinds::{is_cluster_scoped, items, text};
use super::super::reason::Reason;
use super::super::whole::Whole;

/// Puts objects behind the owners that they name.
pub(super) fn draw<'p>(whole: &Whole<'p>, draft: &mut Draft<'p>) {
    for subject in &whole.subjects {
        for owner in items(subject.manifest.value(), "/metadata/ownerReferences") {
            let (kind, name) = (text(owner, "/kind"), text(owner, "/name"));
            if kind.is_empty() || name.is_empty() {
                continue;
            }
            let group = text(owner, "/apiVersion")
                .split_once('/')
                .map_or("", |(group, _)| group);
            let namespace = if is_cluster_scoped(group, kind) {
                ""
            } else {
                subject.namespace
            };
            let object = draft.of(subject);
            let owner = draft.object(subject.cluster, (group, kind), namespace, name);
            draft.may(object.exists(), owner.exists(), Reason::Owner, subject);
        }
    }
}
