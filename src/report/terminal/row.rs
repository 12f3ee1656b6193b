//! One step on one line: a mark, its name, what it did, and its time on the right.

use crate::event::{Outcome, RunState, StepState};
use crate::report::style::{Paint, Style};
use crate::report::text;
use crate::rto::duration;

/// The narrowest and the widest column of names. The narrowest holds `credentials`, the longest step of every plan, so that the
/// column does not move when the plan comes.
const NAMES: (usize, usize) = (11, 18);
/// The width of the column of times: `59m 59s`.
const TIME: usize = 7;

/// Draws a row that fits the style's width.
pub(super) fn row(mark: &str, name: &str, what: &str, time: &str, column: usize, style: Style) -> String {
    let name = text::pad(&text::fit_name(name, column), column);
    let time = text::pad_left(time, TIME);
    // Two columns for the mark, one between the columns each.
    let room = style.width.saturating_sub(2 + column + 1 + 1 + TIME);
    let what = text::pad(&text::fit(what, room), room);
    format!(
        "{mark} {} {what} {}",
        style.paint(Paint::Strong, name),
        style.paint(Paint::Faint, time)
    )
}

/// Draws a step that ended.
pub(super) fn finished(step: &StepState, outcome: &Outcome, state: &RunState, style: Style) -> String {
    let (mark, what) = match outcome {
        Outcome::Done { detail } if detail.is_empty() => (style.paint(Paint::Good, "✔"), step.step.title.clone()),
        Outcome::Done { detail } => (style.paint(Paint::Good, "✔"), detail.clone()),
        Outcome::Skipped { detail } => (style.paint(Paint::Faint, "–"), format!("nothing to do: {detail}")),
        Outcome::Failed { failure } => (style.paint(Paint::Bad, "✘"), failure.message.clone()),
    };
    let took = step
        .finished_ms
        .unwrap_or(state.elapsed_ms)
        .saturating_sub(step.started_ms.unwrap_or(state.elapsed_ms));
    row(
        &mark,
        &step.step.id,
        &what,
        &duration(took),
        name_column(state, style),
        style,
    )
}

/// Returns the width of the column of names, so that all known steps stand under each other.
pub(super) fn name_column(state: &RunState, style: Style) -> usize {
    let longest = state.steps.iter().map(|step| step.step.id.chars().count()).max();
    longest.unwrap_or_default().clamp(NAMES.0, NAMES.1).min(style.width / 3)
}
