//! How an earlier run went.

use std::path::Path;
use std::time::Duration;

use crate::engine::journal;
use crate::event::{RunOutcome, RunState};
use crate::graph::Seen;
use crate::plan::Took;

/// How many journals are looked into: whoever has run so often without recovering learns nothing from the ones before.
const NEWEST: usize = 20;

/// Returns how the newest run of a runbook went that recovered and was begun on an empty cluster as a whole; nothing where this
/// machine knows of none. On a cluster that was well already nothing took any time.
pub(super) fn took(journals: &Path, runbook: &str) -> Took {
    let states = journal::newest_first(journals)
        .into_iter()
        .take(NEWEST)
        .filter_map(|path| journal::read(&path).ok())
        .map(|events| RunState::of(&events));
    let recovered = states.into_iter().find(|state| {
        let is_well = matches!(state.finished, Some((RunOutcome::Recovered, _)));
        let was_empty = state.cluster.as_ref().is_some_and(|cluster| cluster.state == "empty");
        state.runbook == runbook && is_well && was_empty && state.goes_on_with.is_none()
    });
    recovered.map(|state| of(&state)).unwrap_or_default()
}

fn of(state: &RunState) -> Took {
    let apps = state.nodes.iter().map(|(id, node)| {
        let seen = Seen {
            begun: node.begun_ms.map(Duration::from_millis),
            ready: node.ready_ms.map(Duration::from_millis),
        };
        (id.clone(), seen)
    });
    let steps = state.steps.iter().filter_map(|step| {
        let took = step.finished_ms?.checked_sub(step.started_ms?)?;
        Some((step.step.id.clone(), Duration::from_millis(took)))
    });
    let last = state.nodes.values().filter_map(|node| node.ready_ms).max();
    let waited = state.steps.iter().find(|step| step.step.id == "apps");
    let settled = waited.and_then(|step| step.finished_ms);
    let settling = settled.zip(last).map(|(settled, last)| settled.saturating_sub(last));
    Took {
        settling: Duration::from_millis(settling.unwrap_or_default()),
        apps: apps.collect(),
        steps: steps.collect(),
    }
}
