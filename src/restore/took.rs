//! How long apps took in an earlier run.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::engine::journal;
use crate::event::{RunOutcome, RunState};

/// Returns how long each app of a runbook took in the newest run that recovered and was begun on an empty cluster as a whole, by the
/// names of its nodes; nothing where this machine knows of none.
pub(super) fn took(journals: &Path, runbook: &str) -> BTreeMap<String, Duration> {
    let states = journal::newest_first(journals)
        .into_iter()
        .filter_map(|path| journal::read(&path).ok())
        .map(|events| RunState::of(&events));
    let recovered = states.into_iter().find(|state| {
        let is_well = matches!(state.finished, Some((RunOutcome::Recovered, _)));
        state.runbook == runbook && is_well && state.goes_on_with.is_none()
    });
    let nodes = recovered.into_iter().flat_map(|state| state.nodes);
    nodes
        .filter_map(|(id, node)| {
            let milliseconds = node.ready_ms?.checked_sub(node.begun_ms?)?;
            Some((id, Duration::from_millis(milliseconds)))
        })
        .collect()
}
