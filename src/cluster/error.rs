//! What can go wrong with the API server, in words.

use crate::event::Failed;

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
    /// No API serves this kind, and one may soon.
    NotServed,
    /// The object's namespace is not there, or is not known to be yet.
    NoNamespace,
    /// Somebody has deleted the object, or what it is in, and it is not gone yet.
    Terminating,
    /// The server failed, in a way that a little time may mend.
    Server,
    /// The server failed, and says nothing by which it would be known to pass.
    Fault,
    /// The address leads to another cluster than before.
    OtherCluster,
    /// Another run holds the Lease.
    Held,
    /// The run was told to stop before the request was begun.
    Stopped,
}

/// A request that failed.
pub type Error = Failed<ErrorKind>;

impl Error {
    /// Whether the same request may succeed a little later.
    pub(super) fn may_pass(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Unreachable
                | ErrorKind::Server
                | ErrorKind::Fault
                | ErrorKind::NotServed
                | ErrorKind::NoNamespace
                | ErrorKind::Terminating
        )
    }

    /// Whether the run must stop: it was told to, or going on would touch a cluster that is not its own, or not its own any more.
    pub fn is_final(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::OtherCluster | ErrorKind::Held | ErrorKind::Stopped
        )
    }

    /// What was not begun, because the run was told to stop.
    pub(super) fn stopped(doing: &str) -> Self {
        Self::new(ErrorKind::Stopped, format!("told to stop before it could {doing}"))
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
            error if is_of_login(error) => Self::new(ErrorKind::Unauthenticated, format!("cannot {doing}"))
                .because("the kubeconfig's credentials could not be used")
                .hint("try the same context with kubectl; a login may have ended"),
            other => {
                // Only the innermost link names the reason; the outer ones say "ServiceError" and repeat it.
                let links = std::iter::successors(Some(other as &dyn std::error::Error), |link| link.source());
                let text = links.last().map(ToString::to_string).unwrap_or_default();
                let cause = if text == "deadline has elapsed" {
                    "no answer came in time"
                } else {
                    &text
                };
                Self::new(ErrorKind::Unreachable, format!("cannot {doing}"))
                    .because(cause)
                    .hint("is the API server up, and does its address lead there from this machine?")
            }
        }
    }

    fn of_status(doing: &str, status: &kube::core::Status) -> Self {
        Self::of_kind(Self::kind_of_code(status.code), doing, status)
    }

    /// Returns what an HTTP status means where nothing more is known.
    pub(super) fn kind_of_code(code: u16) -> ErrorKind {
        match code {
            401 => ErrorKind::Unauthenticated,
            403 => ErrorKind::Denied,
            404 => ErrorKind::NotFound,
            409 => ErrorKind::Conflict,
            // Too many requests, or a server that waits for another.
            408 | 429 => ErrorKind::Server,
            400..=499 => ErrorKind::Invalid,
            _ => ErrorKind::Server,
        }
    }

    /// Takes a status that is known to be of a kind.
    pub(super) fn of_kind(kind: ErrorKind, doing: &str, status: &kube::core::Status) -> Self {
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

/// Whether the login of the kubeconfig is what failed, at once or when it was renewed in mid-run. kube's words for it are never told:
/// they quote all that a login program has printed, its token too.
fn is_of_login(error: &kube::Error) -> bool {
    let links = std::iter::successors(Some(error as &dyn std::error::Error), |link| link.source());
    let mut links = links.take(CHAIN);
    matches!(error, kube::Error::Auth(_)) || links.any(<dyn std::error::Error>::is::<kube::client::AuthError>)
}

/// No chain of errors is longer.
const CHAIN: usize = 16;

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[test]
    fn what_a_login_program_prints_is_told_to_nobody_when_it_is_run_anew_in_mid_run() {
        let failed = || kube::client::AuthError::AuthExecRun {
            cmd: "login".into(),
            out: Box::new(std::process::Output {
                status: std::process::ExitStatus::from_raw(256),
                stdout: b"{\"token\": \"hunter2-canary\"}".to_vec(),
                stderr: b"hunter2-canary".to_vec(),
            }),
        };
        for error in [kube::Error::Auth(failed()), kube::Error::Service(Box::new(failed()))] {
            let said = Error::of("read Secret argocd/repo", &error);
            assert_eq!(said.kind(), ErrorKind::Unauthenticated);
            let told = format!("{said:?} {said} {:?} {:?}", said.causes(), said.hints());
            assert!(!told.contains("canary"), "{told}");
        }
    }
}
