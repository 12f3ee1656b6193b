//! Findings that came to light while preparing, as the failure of a step.

use crate::event::Failure;
use crate::finding::{Finding, Severity};

/// Returns a failure that lists the errors among findings, or `Ok` if there are none. Warnings become notices.
pub(super) fn judge(what: &str, findings: &[Finding], notice: impl Fn(String)) -> Result<(), Failure> {
    let mut failure = Failure::new(what);
    let many = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .count()
        > 1;
    for finding in findings {
        let place = finding
            .place
            .as_ref()
            .map(|place| format!("{}:{}: ", place.file, place.line))
            .unwrap_or_default();
        match finding.severity {
            Severity::Error => {
                // Of many troubles each needs its own mend beside it.
                let help = finding
                    .help
                    .as_ref()
                    .filter(|_| many)
                    .map(|help| format!(": {help}"))
                    .unwrap_or_default();
                failure.causes.push(format!("{place}{}{help}", finding.message));
                failure.hints.extend(finding.help.clone().filter(|_| !many));
            }
            Severity::Warning | Severity::Note => {
                let help = finding
                    .help
                    .as_ref()
                    .map(|help| format!(": {help}"))
                    .unwrap_or_default();
                notice(format!("{place}{}{help}", finding.message));
            }
        }
    }
    if failure.causes.is_empty() {
        Ok(())
    } else {
        Err(failure)
    }
}
