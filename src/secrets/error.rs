//! What can go wrong with a store, and how to mend it.

use crate::event::Failure;

/// What went wrong, as far as the program decides by it: whether another store is worth a try, and what a person is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Nothing answers at its address.
    Unreachable,
    /// Something answers, and its certificate is not trusted.
    Untrusted,
    /// It answers and is sealed.
    Sealed,
    /// It answers and was never initialised.
    NotInitialised,
    /// This node answers and cannot serve; another node of the store may.
    Standby,
    /// It asks us to slow down, and did so to the last retry.
    Throttled,
    /// It does not accept our credential.
    Login,
    /// It knows us and does not let us read this.
    Denied,
    /// Nothing is stored at the path.
    MissingPath,
    /// The path is there, the pinned version is not.
    MissingVersion,
    /// The version was deleted and can be brought back.
    Deleted,
    /// The version was destroyed for good.
    Destroyed,
    /// The secret is there and has no such key.
    MissingKey,
    /// The value cannot be handed on exactly as it was stored.
    NotText,
    /// The runbook asks for something that cannot be.
    Configuration,
    /// It answered in a way that is not understood.
    Answer,
}

/// Why a store did not give what was asked for.
///
/// Its texts are our own, and what a server said of an error went through the redactor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    causes: Vec<String>,
    hints: Vec<String>,
}

impl Error {
    /// Makes an error without causes or hints. The message names the store and the path.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            causes: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// Adds a cause, further in than those already there.
    #[must_use = "the error is returned, not changed in place"]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Adds a way to mend it.
    #[must_use = "the error is returned, not changed in place"]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Returns what went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns why, from the outermost cause to the innermost.
    pub fn causes(&self) -> &[String] {
        &self.causes
    }

    /// Returns how to mend it.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            message: error.message,
            causes: error.causes,
            hints: error.hints,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_keeps_message_causes_and_hints() {
        let error = Error::new(ErrorKind::Sealed, "store vault is sealed")
            .because("503")
            .hint("unseal it");
        assert_eq!(error.to_string(), "store vault is sealed");
        let failure = Failure::from(error);
        assert_eq!(failure.message, "store vault is sealed");
        assert_eq!(
            (failure.causes, failure.hints),
            (vec!["503".into()], vec!["unseal it".into()])
        );
    }
}
