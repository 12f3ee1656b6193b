//! Findings that came to light while preparing, as the failure of a step.

use crate::event::Failure;
use crate::finding::{Finding, Severity};

/// Returns a failure that lists the errors among findings, or `Ok` if there are none. Warnings become notices.
pub(super) fn judge(what: &str, findings: &[Finding], notice: impl Fn(String)) -> Result<(), Failure> {
    let mut failure = Failure::new(what);
    for finding in findings {
        let place = finding
            .place
            .as_ref()
            .map(|place| format!("{}:{}: ", place.file, place.line))
            .unwrap_or_default();
        match finding.severity {
            Severity::Error => {
                failure.causes.push(format!("{place}{}", finding.message));
                failure.hints.extend(finding.help.clone());
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
    failure.hints.dedup();
    if failure.causes.is_empty() {
        Ok(())
    } else {
        Err(failure)
    }
}
