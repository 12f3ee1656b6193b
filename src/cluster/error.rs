//! What can go wrong with the API server, in words.

use crate::event::Failure;

/// The kinds of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The kubeconfig cannot be used.
    Kubeconfig,
    /// The server does not answer.
    Unreachable,
    /// The server does not know who we are.
    Unauthenticated,
    /// We may not do this.
    Denied,
    /// Somebody else owns a field.
    Conflict,
    /// The object is refused as it is.
    Invalid,
    /// It is not there.
    NotFound,
    /// No API serves this kind.
    UnknownKind,
    /// The server failed.
    Server,
}

/// A request that failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// Its kind.
    pub kind: ErrorKind,
    /// What failed.
    pub message: String,
    /// Why, outermost first.
    pub causes: Vec<String>,
    /// How to mend it.
    pub hints: Vec<String>,
}

impl Error {
    /// Makes an error without causes.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            causes: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// Adds a cause.
    #[must_use = "the error is returned, not changed in place"]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Adds how to mend it.
    #[must_use = "the error is returned, not changed in place"]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Whether the same request may succeed a little later.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self.kind, ErrorKind::Unreachable | ErrorKind::Server)
    }

    /// Takes kube's error, with what was being done, such as `apply Deployment.apps argocd/redis`.
    pub(crate) fn of(doing: &str, error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::of_status(doing, status),
            kube::Error::SerdeError(_) => {
                // The text of a decoding error quotes what was decoded, which may be a Secret.
                Self::new(ErrorKind::Server, format!("cannot {doing}"))
                    .because("the answer is not what this kind looks like")
            }
            kube::Error::Auth(_) => Self::new(ErrorKind::Unauthenticated, format!("cannot {doing}"))
                .because("the kubeconfig's credentials could not be used")
                .hint("try the same context with kubectl; a login may have ended"),
            other => {
                let mut error = Self::new(ErrorKind::Unreachable, format!("cannot {doing}"));
                let mut cause: Option<&dyn std::error::Error> = Some(other);
                while let Some(link) = cause {
                    cause = link.source();
                    // Only the innermost link names the reason; the outer ones say "ServiceError" and repeat it.
                    if cause.is_none() {
                        let text = link.to_string();
                        error.causes.push(if text == "deadline has elapsed" {
                            "no answer came in time".into()
                        } else {
                            text
                        });
                    }
                }
                error.hint("is the API server up, and does its address lead there from this machine?")
            }
        }
    }

    fn of_status(doing: &str, status: &kube::core::Status) -> Self {
        let kind = match status.code {
            401 => ErrorKind::Unauthenticated,
            403 => ErrorKind::Denied,
            404 => ErrorKind::NotFound,
            409 => ErrorKind::Conflict,
            // Too many requests, or a server that waits for another.
            408 | 429 => ErrorKind::Server,
            400..=499 => ErrorKind::Invalid,
            _ => ErrorKind::Server,
        };
        let error = Self::new(kind, format!("cannot {doing}")).because(status.message.clone());
        match kind {
            ErrorKind::Unauthenticated => {
                error.hint("the server does not accept this identity: log in again, or name another context")
            }
            ErrorKind::Denied => {
                error.hint("grant it to the user of this context, or name a context of an administrator")
            }
            ErrorKind::Conflict => {
                error.hint("another manager owns these fields: remove them there, or from the manifest")
            }
            _ => error,
        }
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
