//! Recovery time by phase, as a small table with bars.

use std::fmt::Write as _;

use super::style::{Paint, Style};
use super::text;
use crate::rto::{Recovery, Verdict, chosen, duration};

/// The width of the longest bar.
const BAR: usize = 28;
/// Time between steps is told from here on, in milliseconds; less is the program itself.
const WORTH_TELLING_MS: u64 = 1_000;

/// Draws the table; empty if no step has begun.
pub(super) fn timetable(recovery: &Recovery, style: Style) -> String {
    if recovery.phases.is_empty() {
        return String::new();
    }
    let mut rows = Vec::new();
    if recovery.before_ms > 0 {
        rows.push(("before", recovery.before_ms));
    }
    rows.extend(recovery.phases.iter().map(|(phase, time)| (phase.word(), *time)));
    if recovery.human_ms >= WORTH_TELLING_MS {
        rows.push(("person", recovery.human_ms));
    }
    if recovery.between_ms >= WORTH_TELLING_MS {
        rows.push(("between", recovery.between_ms));
    }
    let longest = rows.iter().map(|(_, time)| *time).max().unwrap_or_default();
    let mut table = String::new();
    for (word, time) in rows {
        let row = format!("  {} {}  ", text::pad(word, 10), text::pad_left(&duration(time), 8));
        let bar = bar(time, longest);
        let bar = if bar.is_empty() {
            bar
        } else {
            style.paint(Paint::Good, bar)
        };
        let _ = writeln!(table, "{}", format!("{row}{bar}").trim_end());
    }
    let total = text::pad_left(&duration(recovery.total_ms), 8);
    let of = match recovery.verdict {
        Verdict::NoTarget => String::new(),
        Verdict::Open { target_ms } | Verdict::Met { target_ms } | Verdict::Missed { target_ms, .. } => {
            format!("  of {}", chosen(target_ms))
        }
    };
    let _ = writeln!(table, "  {} {total}{of}", text::pad("total", 10));
    table
}

/// Draws a bar in steps of an eighth of a column.
fn bar(time: u64, longest: u64) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (u128::from(time) * (BAR as u128) * 8)
        .checked_div(u128::from(longest))
        .unwrap_or_default();
    let eighths = usize::try_from(eighths).unwrap_or(BAR * 8);
    format!("{}{}", "█".repeat(eighths / 8), PARTS[eighths % 8])
}
