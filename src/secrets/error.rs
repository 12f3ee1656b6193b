//! What can go wrong with a store, and how to mend it.

use crate::event::Failed;

/// What went wrong, as far as the program decides by it: whether another store is worth a try, and what a person is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Nothing answers at its address.
    Unreachable,
    /// It took longer than it may.
    TooLong,
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
    /// The value is there, and its key is not to be had or opens it no more.
    Undecipherable,
    /// The secret is there and has no such key.
    MissingKey,
    /// The value cannot be handed on exactly as it was stored.
    NotText,
    /// What is stored was changed by somebody who had not its key.
    Tampered,
    /// What was to be written over is not what is there by now; nothing was written.
    Moved,
    /// The runbook asks for something that cannot be.
    Configuration,
    /// It answered in a way that is not understood.
    Answer,
}

/// Why a store did not give what was asked for. The message names the store and the path.
pub type Error = Failed<ErrorKind>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Failure;

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
