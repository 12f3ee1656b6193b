//! One Secret, looked at as the API server and as any reader would.

use jiff::Timestamp;

use super::report::Report;
use super::{Data, certificate, kind, private_key};
use crate::finding::Finding;

/// How many bytes the values of a Secret may have together (`MaxSecretSize` in `pkg/apis/core/types.go`).
const LARGEST: usize = 1 << 20;

/// Checks a Secret of a type such as `Opaque` and returns everything that is wrong with it. `name` is how findings call it.
///
/// Findings never quote a value.
pub fn check(kind: &str, name: &str, data: &Data, now: Timestamp) -> Vec<Finding> {
    let mut report = Report::new(name);
    let size: usize = data.values().map(|value| value.expose().len()).sum();
    if size > LARGEST {
        report
            .error(
                "secret/too-big",
                format!("its values have {size} bytes together, and the API server takes {LARGEST} at most"),
            )
            .help("split it, or restore what is no credential from elsewhere");
    }
    kind::check(kind, data, &mut report);
    for (key, value) in data {
        if !is_key(key) {
            report
                .error(
                    "secret/illegal-key",
                    format!("`{key}` cannot be a key of a Kubernetes Secret"),
                )
                .help("keys are letters, digits, `-`, `_` and `.`");
        }
        if let Some(text) = value.expose_str() {
            private_key::check(key, text, &mut report);
            certificate::check(key, text, now, &mut report);
        }
    }
    certificate::check_pair(data, &mut report);
    report.into_findings()
}

/// Whether Kubernetes takes a name as a key.
pub(in super::super) fn is_key(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 253
        && name != "."
        && name != ".."
        && name
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.'))
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
