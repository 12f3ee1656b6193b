//! What an error of a store tells, and that it gives nothing away.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gitops_dr::event::Failure;
use gitops_dr::secrets::{Error, ErrorKind};

/// Asserts what an error says, wherever it says it, and that it gives nothing away.
pub(crate) fn assert_told(error: &Error, kind: ErrorKind, words: &[&str], secrets: &[String]) {
    let told = told(error);
    assert_eq!(error.kind(), kind, "{told}");
    let said = said(error);
    for word in words {
        assert!(said.contains(word), "`{word}` is not in:\n{said}");
    }
    assert!(!error.hints().is_empty(), "no hint in:\n{said}");
    for secret in secrets {
        assert_silent(&told, secret);
    }
}

/// Asserts that a text holds no line of a value, in any of the shapes in which it could travel.
pub(crate) fn assert_silent(told: &str, value: &str) {
    for part in value.lines().chain([value]) {
        let json = serde_json::to_string(part).unwrap();
        for shape in [part, &STANDARD.encode(part), json.trim_matches('"')] {
            assert!(!told.contains(shape), "an error gives a secret away:\n{told}");
        }
    }
}

/// Everything that an error can be made to print.
pub(crate) fn told(error: &Error) -> String {
    let failure = Failure::from(error.clone());
    let json = serde_json::to_string(&failure).unwrap();
    let source = std::error::Error::source(error).map(ToString::to_string);
    format!(
        "{error}\n{error:?}\n{error:#?}\n{failure:?}\n{json}\n{source:?}\n{}",
        said(error)
    )
}

/// What a person reads.
fn said(error: &Error) -> String {
    let lines = error.causes().iter().chain(error.hints());
    lines.fold(error.to_string(), |said, line| format!("{said}\n{line}"))
}
