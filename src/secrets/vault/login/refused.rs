//! What is said when a login is refused.

use super::super::client::Vault;
use super::super::transport::Answer;
use crate::secrets::{Error, ErrorKind};

/// A way to log in, for people.
pub(super) struct Method<'login> {
    /// What it is called: `AppRole`.
    pub(super) name: &'static str,
    /// Where it is mounted: `approle`.
    pub(super) mount: &'login str,
    /// What is known of the credential and is no secret.
    pub(super) known: Vec<String>,
    /// How to mend a credential or a role that is refused, most likely first.
    pub(super) hints: Vec<String>,
}

impl Vault {
    /// Makes the error of a login that came to nothing.
    pub(super) fn refused(&self, method: &Method<'_>, answer: &Answer) -> Error {
        if let Err(error) = self.check_namespace(answer) {
            return error;
        }
        let (name, mount, namespace) = (method.name, method.mount, self.namespace_words());
        let mut error = Error::new(
            ErrorKind::Login,
            format!(
                "store {} does not let us in by {name} at auth/{mount}{namespace}",
                self.name
            ),
        )
        .because(answer.quote(&self.redactor));
        for known in &method.known {
            error = error.because(self.redactor.redact(known).into_owned());
        }
        if !matches!(answer.status, 400..=499) {
            return error.hint("check its log, and any proxy or load balancer in front of it");
        }
        for hint in &method.hints {
            error = error.hint(hint);
        }
        // Where nothing is mounted, the server answers as if we had no rights.
        if matches!(answer.status, 403 | 404) {
            error = error
                .hint(format!(
                    "check that {name} is enabled at auth/{mount}{namespace} (`bao auth list`), or name its `mount`"
                ))
                .hint(
                    "after several wrong logins the role or user is locked for a while (`bao read sys/locked-users`)",
                );
        }
        error
    }

    /// Makes the error of a login that is half done: nobody is there to type a code.
    pub(super) fn second_factor(&self, method: &Method<'_>) -> Error {
        Error::new(
            ErrorKind::Login,
            format!(
                "store {} asks for a second factor after {} at auth/{}",
                self.name, method.name, method.mount
            ),
        )
        .hint("log in by hand, and give the token as `auth: {token: {env: NAME}}`")
        .hint("or log in by a method without a second factor, such as AppRole")
    }
}
