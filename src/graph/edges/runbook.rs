//! What the runbook puts after what.

use super::super::draft::{Draft, Written};
use super::super::edge::Firmness;
use super::super::reason::Reason;
use super::super::whole::Whole;

/// Puts roots and steps behind what the runbook puts them after.
pub(super) fn draw<'p>(whole: &Whole<'p>, draft: &mut Draft<'p>) {
    for after in &whole.known.after {
        let [later, earlier] = [&after.later, &after.earlier]
            .map(|id| draft.object("", (&id.group, &id.kind), &id.namespace, id.name.as_str()));
        let place = Written::At(after.place.clone());
        draft.wait(
            later.exists(),
            earlier.healthy(),
            Reason::Runbook,
            Firmness::Mandatory,
            place,
        );
    }
}
