//! How an earlier run went.

use std::path::Path;

use crate::engine::journal;
use crate::event::{RunOutcome, RunState};
use crate::plan::Took;

/// How many journals are looked into, of whatever runbooks.
const ALL: usize = 200;

/// How many of them are of the runbook: whoever has run so often without recovering learns nothing from the ones before.
const NEWEST: usize = 20;

/// Returns how the newest run of a runbook went that recovered and was begun on an empty cluster as a whole; nothing where this
/// machine knows of none. On a cluster that was well already nothing took any time.
pub(super) fn took(journals: &Path, runbook: &str) -> Took {
    let states = journal::newest_first(journals)
        .into_iter()
        .take(ALL)
        .filter_map(|path| journal::read(&path).ok())
        .map(|events| RunState::of(&events))
        .filter(|state| state.runbook == runbook);
    let recovered = states.take(NEWEST).find(|state| {
        let is_well = matches!(state.finished, Some((RunOutcome::Recovered, _)));
        let was_empty = state.cluster.as_ref().is_some_and(|cluster| cluster.state == "empty");
        is_well && was_empty && state.goes_on_with.is_none()
    });
    recovered.map(|state| Took::of(&state)).unwrap_or_default()
}
