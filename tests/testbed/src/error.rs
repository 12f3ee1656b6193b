//! Why a server of the testbed could not be started, reached or stopped.

use std::time::Duration;

/// The result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, with the end of the log of the server concerned.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program that the testbed needs is not on this machine.
    #[error("cannot find the program `{program}` (looked at {looked}): run `tests/testbed/setup`")]
    MissingProgram {
        /// Its file name.
        program: String,
        /// The places tried.
        looked: String,
    },
    /// A system call failed.
    #[error("failed to {action}: {source}")]
    Io {
        /// What was attempted, fitting "failed to …".
        action: String,
        /// The cause.
        source: std::io::Error,
    },
    /// A server ended although it should serve.
    #[error("{name} ended with {status}; the end of its log:\n{log}")]
    Ended {
        /// Name of the server.
        name: String,
        /// Its exit status in words.
        status: String,
        /// The last lines of its log.
        log: String,
    },
    /// Something did not come true in time.
    #[error("{what} took longer than {}s\n{log}", .after.as_secs())]
    TooSlow {
        /// What was awaited.
        what: String,
        /// The bound.
        after: Duration,
        /// The last lines of the log concerned, or nothing.
        log: String,
    },
    /// A request to the API server failed.
    #[error("failed to {action}: {source}")]
    Kube {
        /// What was attempted, fitting "failed to …".
        action: String,
        /// The cause.
        source: Box<kube::Error>,
    },
    /// Anything else, in words that fit "failed to …".
    #[error("failed to {0}")]
    Other(String),
}

impl Error {
    /// An error of a system call during `action`, for use in `map_err`.
    pub fn io(action: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let action = action.into();
        move |source| Self::Io { action, source }
    }

    /// An error of the API server or of the way to it during `action`, for use in `map_err`.
    pub fn kube(action: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let action = action.into();
        move |source| Self::Kube {
            action,
            source: Box::new(source),
        }
    }
}
