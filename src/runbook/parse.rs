//! From text to a checked runbook, or to all that is wrong with it.

use super::build::build;
use super::check::{check, holds_secret, may_hold_secret};
use super::model::Runbook;
use super::read::read;
use crate::finding::{Finding, Severity};

/// Reads a runbook. `file` is its name in the findings.
///
/// Returns all findings at once, in the order of the file; the runbook only where none of them is an error. A finding on
/// a line that may hold a secret is drawn without that line.
pub fn parse(file: &str, text: &str) -> (Option<Runbook>, Vec<Finding>) {
    let (root, mut findings) = read(file, text);
    findings.extend(root.iter().flat_map(|root| check(file, root)));
    findings.sort_by_key(|finding| finding.place.as_ref().map(|place| (place.line, place.column)));
    for finding in &mut findings {
        let place = finding.place.as_ref();
        let line = |back: usize| {
            let index = place.and_then(|place| place.line.checked_sub(back));
            index.and_then(|index| text.lines().nth(index)).unwrap_or_default()
        };
        let hides = if root.is_some() {
            holds_secret(line(1))
        } else {
            may_hold_secret(line(2), line(1))
        };
        finding.framed &= !hides;
    }
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return (None, findings);
    }
    let runbook = root.as_ref().and_then(build);
    if runbook.is_none() {
        findings.push(
            Finding::error(
                "runbook/unread",
                "the runbook passed its checks and still could not be read",
            )
            .help("this is a defect of gitops-dr: please report it"),
        );
    }
    (runbook, findings)
}
