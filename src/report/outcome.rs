//! How a run ended, in one sentence.

use super::text;
use crate::event::{Failure, Outcome, RunOutcome, RunState, StepStatus};
use crate::rto::{Verdict, chosen, duration};

/// Says how a run ended, in one sentence without a full stop.
pub fn outcome(state: &RunState) -> String {
    let took = duration(state.recovery_ms());
    let Some((outcome, _)) = &state.finished else {
        return format!("not finished: its record ends after {took}");
    };
    let because = cause(state).map_or_else(String::new, |failure| format!(": {}", text::line(&failure.message)));
    match outcome {
        RunOutcome::Recovered => recovered(state, &took),
        RunOutcome::Failed => format!("failed after {took}{because}"),
        // A resumed run may have changed things in an earlier call; what was refused is this call.
        RunOutcome::Refused if state.touched() => format!("refused, this call changed nothing{because}"),
        RunOutcome::Refused => format!("refused, nothing was changed{because}"),
        RunOutcome::DeadlinePassed => format!("deadline passed after {took}{}, {}", so_far(state), way_on(state)),
        RunOutcome::Interrupted => format!("interrupted after {took}{}, {}", so_far(state), way_on(state)),
    }
}

/// Whether going on with this run is the way forward: it has changed something, and is still written down. A run that was
/// refused before anything was changed starts afresh.
pub(super) fn is_resumable(state: &RunState) -> bool {
    !matches!(state.finished, Some((RunOutcome::Recovered, _))) && state.touched() && state.is_journaled
}

/// Returns why a run did not recover: the run's own failure, or that of the step that failed last.
pub(super) fn cause(state: &RunState) -> Option<&Failure> {
    let (outcome, failure) = state.finished.as_ref()?;
    if *outcome == RunOutcome::Recovered {
        return None;
    }
    failure.as_ref().or_else(|| {
        state.steps.iter().rev().find_map(|step| match &step.status {
            StepStatus::Finished(Outcome::Failed { failure }) => Some(failure),
            _ => None,
        })
    })
}

fn recovered(state: &RunState, took: &str) -> String {
    let with = match state.exceptions.len() {
        0 => String::new(),
        number => format!(" with {}", text::count(number, "exception", "exceptions")),
    };
    let promise = match Verdict::of(state) {
        Verdict::Met { target_ms } => format!(", target {} met", chosen(target_ms)),
        Verdict::Missed { target_ms, by_ms } => {
            format!(", target {} missed by {}", chosen(target_ms), duration(by_ms))
        }
        Verdict::NoTarget | Verdict::Open { .. } => String::new(),
    };
    let waited = match state.human_ms() {
        0..1_000 => String::new(),
        waited => format!(", of it {} waiting for a person", duration(waited)),
    };
    format!("recovered{with} in {took}{waited}{promise}")
}

fn way_on(state: &RunState) -> &'static str {
    match (is_resumable(state), state.touched()) {
        (true, _) => "resumable",
        (false, true) => "and not written down: restore again with `expect: adopt`",
        (false, false) => "nothing was changed",
    }
}

fn so_far(state: &RunState) -> String {
    match state.ready() {
        (_, 0) => String::new(),
        (ready, known) => format!(" with {ready}/{known} ready"),
    }
}
