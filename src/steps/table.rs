//! Tables and reasons, as `secrets check` and `secrets capture` tell them.

use std::fmt;

use crate::event::Failure;

/// Writes rows below their heads, each column as wide as its widest cell.
pub(super) fn table<const N: usize>(f: &mut fmt::Formatter<'_>, heads: [&str; N], rows: &[[String; N]]) -> fmt::Result {
    let heads = heads.map(str::to_owned);
    let mut widths = [0; N];
    for row in rows.iter().chain([&heads]) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in [&heads].into_iter().chain(rows) {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        writeln!(f, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

/// Tells why what failed did, each reason once with the names of all that it kept away.
pub(super) fn reasons<'told>(
    f: &mut fmt::Formatter<'_>,
    failed: impl Iterator<Item = (&'told str, &'told Failure)>,
) -> fmt::Result {
    let mut reasons: Vec<(&Failure, Vec<&str>)> = Vec::new();
    for (name, failure) in failed {
        match reasons.iter_mut().find(|(known, _)| *known == failure) {
            Some((_, names)) => names.push(name),
            None => reasons.push((failure, vec![name])),
        }
    }
    for (failure, names) in reasons {
        writeln!(f, "\n{}: {}", names.join(", "), failure.message)?;
        for cause in &failure.causes {
            writeln!(f, "  because {cause}")?;
        }
        for hint in &failure.hints {
            writeln!(f, "  hint: {hint}")?;
        }
    }
    Ok(())
}
