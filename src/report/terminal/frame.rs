//! The moving lines at the bottom of a terminal, as a pure function of the state, the time and the room.

use super::row::{name_column, row};
use crate::event::{NodePhase, Phase, RunState, StepState, StepStatus};
use crate::report::blocking::{Blocking, blocking};
use crate::report::estimate::estimate;
use crate::report::style::{Paint, Style};
use crate::report::{text, wording};
use crate::rto::{chosen, growing};

/// A step is shown as running only after this time, in milliseconds: a line that comes and goes at once is a flicker.
const SETTLED_MS: u64 = 1_000;
/// How many nodes are shown.
const NODES: usize = 6;
/// How many interventions are shown.
const INTERVENTIONS: usize = 3;
/// The widest column of names of nodes.
const NAME: usize = 24;
/// The spinner's pictures, one for each tenth of a second.
const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
/// From this share of the target on, the time is a warning.
const LATE_PERCENT: u64 = 80;

/// Draws the moving lines: what runs, what blocks it, what was done about it, and the recovery time.
///
/// `now_ms` is the time of the run, which goes on between events. At most `rows` lines are drawn; interventions give
/// way first, then nodes; the recovery time stays.
pub(super) fn frame(state: &RunState, now_ms: u64, rows: usize, style: Style) -> Vec<String> {
    let running: Vec<_> = state
        .steps
        .iter()
        .filter(|step| matches!(step.status, StepStatus::Running { .. }))
        .filter(|step| age(step, now_ms) >= SETTLED_MS)
        .collect();
    let mut steps = Vec::new();
    let (mut nodes, mut interventions) = (Vec::new(), Vec::new());
    for step in running {
        let shows_nodes = step.step.phase == Phase::Apps && !state.nodes.is_empty();
        let what = if shows_nodes {
            (nodes, interventions) = (blocking(state), newest_interventions(state, style));
            wording::counts(state)
        } else {
            wording::progress(step)
        };
        let spinner = SPINNER[usize::try_from(now_ms / 100 % 10).unwrap_or_default()];
        let time = growing(age(step, now_ms));
        let column = name_column(state, style);
        steps.push(row(spinner, &step.step.id, &what, &time, column, style));
    }
    let room = rows.saturating_sub(steps.len() + 1);
    let blocks = blocks(&nodes, now_ms, room, style);
    interventions.truncate(room - blocks.len());
    [steps, blocks, interventions, vec![clock(state, now_ms, style)]].concat()
}

fn age(step: &StepState, now_ms: u64) -> u64 {
    now_ms.saturating_sub(step.started_ms.unwrap_or(now_ms))
}

/// Draws the nodes that block most, each with what blocks it, in at most so many lines.
fn blocks(nodes: &[Blocking<'_>], now_ms: u64, room: usize, style: Style) -> Vec<String> {
    let column = nodes
        .iter()
        .take(NODES)
        .map(|node| node.node.node.name.chars().count())
        .max();
    let column = column.unwrap_or_default().clamp(8, NAME).min(style.width / 3);
    let mut lines = Vec::new();
    let mut shown = 0;
    for blocking in nodes.iter().take(NODES) {
        let mut block = block(*blocking, column, now_ms, style);
        if shown == 0 {
            block.truncate(room.saturating_sub(1));
        }
        // One line is kept for the number of those that found no room.
        if lines.len() + block.len() + 1 > room {
            break;
        }
        lines.extend(block);
        shown += 1;
    }
    let more = nodes.len() - shown;
    if more > 0 && lines.len() < room {
        lines.push(format!(
            "    {}",
            style.paint(Paint::Faint, format!("… and {more} more"))
        ));
    }
    lines
}

fn block(blocking: Blocking<'_>, column: usize, now_ms: u64, style: Style) -> Vec<String> {
    let node = &blocking.node.node;
    let for_ms = now_ms.saturating_sub(blocking.node.since_ms);
    let words = format!("{} · for {}", wording::standing(blocking), growing(for_ms));
    let is_failing = node.phase == NodePhase::Failing;
    let name = text::pad(&text::fit_name(&node.name, column), column);
    let name = style.paint(if is_failing { Paint::Bad } else { Paint::Caution }, name);
    let words = text::fit(&words, style.width.saturating_sub(4 + column + 1));
    let mut lines = vec![format!("    {name} {words}")];
    if let Some(why) = wording::blockers(node, 1) {
        // A reason stands at the end of a long line, after the object that has it, and it is what everybody waits for.
        let names_an_object = node
            .blocked_by
            .first()
            .is_some_and(|blocker| !blocker.object.is_empty());
        let most = if is_failing || names_an_object { 2 } else { 1 };
        lines.extend(text::wrap_at_most(&why, "      ", style.width, most));
    }
    lines
}

/// Draws the newest interventions, the newest last; of the same act on the same node only the newest.
fn newest_interventions(state: &RunState, style: Style) -> Vec<String> {
    let mut newest: Vec<&crate::event::Intervention> = Vec::new();
    for intervention in state.interventions.iter().rev() {
        if newest.len() == INTERVENTIONS {
            break;
        }
        if !newest
            .iter()
            .any(|known| known.node == intervention.node && known.action == intervention.action)
        {
            newest.push(intervention);
        }
    }
    let told = newest.into_iter().rev().map(|intervention| {
        let told = format!("intervened for {}", wording::intervention(state, intervention));
        format!(
            "    {}",
            style.paint(Paint::Faint, text::fit(&told, style.width.saturating_sub(4)))
        )
    });
    told.collect()
}

/// Draws the recovery time against its target, and what is expected.
fn clock(state: &RunState, now_ms: u64, style: Style) -> String {
    let expected = estimate(state, now_ms);
    let now_ms = state.before_ms + now_ms;
    let time = growing(now_ms);
    let (words, paint) = match state.target_ms {
        None => (format!("recovery {time}"), Paint::Strong),
        Some(target) if now_ms > target => {
            let over = growing(now_ms - target);
            (
                format!("recovery {time} of {} · over by {over}", chosen(target)),
                Paint::Bad,
            )
        }
        Some(target) => {
            let is_late = now_ms > target / 100 * LATE_PERCENT;
            let paint = if is_late { Paint::Caution } else { Paint::Strong };
            (format!("recovery {time} of {}", chosen(target)), paint)
        }
    };
    let words = match expected {
        Some(expected) => format!("{words} · {expected}"),
        None => words,
    };
    let words = match &state.stopping {
        Some(reason) => format!("{words} · stopping: {reason}; what is under way ends first"),
        None => words,
    };
    format!(
        "  {}",
        style.paint(paint, text::fit(&words, style.width.saturating_sub(2)))
    )
}
