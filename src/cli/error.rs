//! What a subcommand fails with: what it was, why, how to mend it, and the exit code that says which kind.

use super::exit;
use crate::event::Failure;

/// Why a subcommand did not do its work.
#[derive(Debug)]
pub(super) struct Error {
    /// The exit code.
    pub(super) code: u8,
    /// What to print; `None` where everything was said already.
    pub(super) failure: Option<Failure>,
}

impl Error {
    /// Refused, or invalid input.
    pub(super) fn refused(failure: Failure) -> Self {
        Self {
            code: exit::REFUSED,
            failure: Some(failure),
        }
    }

    /// It failed.
    pub(super) fn failed(failure: Failure) -> Self {
        Self {
            code: exit::FAILED,
            failure: Some(failure),
        }
    }

    /// Everything was said already.
    pub(super) fn said(code: u8) -> Self {
        Self { code, failure: None }
    }
}
