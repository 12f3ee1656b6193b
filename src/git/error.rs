//! Why a repository could not be read.

use std::fmt;
use std::path::PathBuf;

use crate::event::Failure;

/// Why a repository could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The secret that grants access cannot be used. Never quotes it.
    #[error("the credential cannot be used: {}", .0.join("; "))]
    Credential(Vec<String>),
    /// No address gave the revision. Each with its own reason, in the order tried; never empty.
    #[error("{}", told(.0))]
    Refused(Vec<Refusal>),
    /// The folder for checkouts cannot be written.
    #[error("cannot write {}: {source}", .path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

/// Why one address did not give the revision.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// The address, without a password.
    pub url: String,
    /// Why.
    pub kind: Kind,
}

/// What can be wrong with one address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Kind {
    /// The server wants a login, or another one.
    #[error("access denied: {0}")]
    Denied(String),
    /// The server's SSH host key is not known, or is another than the known one.
    #[error("{0}")]
    HostKey(HostKey),
    /// There was no answer, or none that Git understands.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// The repository is there but the revision is not.
    #[error("there is no {wanted}{}", seen(.near, .others))]
    NoSuchRevision {
        /// What was wanted, in words: ``branch or tag `mian` ``.
        wanted: String,
        /// Names that look like it, the likeliest first.
        near: Vec<String>,
        /// Some other branches and tags, if none looks like it.
        others: Vec<String>,
    },
    /// The server answers but has no such repository, or does not show it to us.
    #[error("there is no such repository")]
    NoSuchRepository,
    /// The server's certificate is not trusted.
    #[error("the server's certificate is not trusted: {0}")]
    Tls(String),
    /// The address itself cannot be used.
    #[error("the address cannot be used: {0}")]
    Address(&'static str),
    /// The commit holds names or symbolic links that lead out of its folder; they are listed.
    #[error("the commit holds files that lead out of its folder: {}", .0.join(", "))]
    LeadsOut(Vec<String>),
    /// Anything else, in libgit2's words.
    #[error("{0}")]
    Other(String),
}

/// A host key that is not trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostKey {
    /// The host as `known_hosts` names it: `host`, or `[host]:port`.
    pub host: String,
    /// The key's fingerprint as OpenSSH shows it: `SHA256:…`.
    pub fingerprint: String,
    /// The line that makes it known.
    pub line: String,
    /// What `known_hosts` has about it.
    pub known: Known,
}

/// What `known_hosts` has about a host whose key is not trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// Nothing.
    Nothing,
    /// Keys of other types, which are named.
    OtherTypes(Vec<String>),
    /// Another key of the same type.
    AnotherKey,
    /// This very key, marked as revoked.
    Revoked,
}

impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, fingerprint, .. } = self;
        match &self.known {
            Known::Nothing => write!(f, "the host key of {host} is not known: {fingerprint}"),
            Known::OtherTypes(types) => {
                let types = types.join(", ");
                write!(
                    f,
                    "the host key of {host} is not known: {fingerprint} (only its {types} key is)"
                )
            }
            Known::AnotherKey => write!(f, "the host key of {host} has changed: it is now {fingerprint}"),
            Known::Revoked => write!(f, "the host key of {host} is revoked: {fingerprint}"),
        }
    }
}

impl Kind {
    /// Returns how to mend it.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::HostKey(key) => match key.known {
                Known::Nothing | Known::OtherTypes(_) => vec![
                    "compare the fingerprint with the one that the server's owner publishes".to_owned(),
                    format!("if they are equal, add this line to known_hosts: {}", key.line),
                ],
                Known::AnotherKey => vec![
                    "somebody may be in between, or the server was rebuilt: ask its owner before going on".to_owned(),
                    format!(
                        "if the change is known, put this line in place of the old one in known_hosts: {}",
                        key.line
                    ),
                ],
                Known::Revoked => vec!["do not connect; ask the server's owner".to_owned()],
            },
            Self::Tls(_) => {
                vec!["give the certificate of the authority that signed the server's, or set SSL_CERT_FILE".to_owned()]
            }
            Self::NoSuchRepository => {
                vec!["check the spelling; many servers also say this where the credential may not read it".to_owned()]
            }
            Self::LeadsOut(_) => {
                vec!["Argo CD refuses such a repository too; take the links out or make them relative".to_owned()]
            }
            _ => Vec::new(),
        }
    }
}

impl Error {
    /// Returns what is wrong with the first address, which is the source's own.
    pub fn kind(&self) -> Option<&Kind> {
        match self {
            Self::Refused(refusals) => refusals.first().map(|refusal| &refusal.kind),
            Self::Credential(_) | Self::Folder { .. } => None,
        }
    }

    /// Returns the error as it is written down, with a cause for each address and how to mend it.
    pub fn failure(&self) -> Failure {
        let Self::Refused(refusals) = self else {
            return Failure::new(self.to_string());
        };
        let mut failure = Failure::new(self.to_string());
        if refusals.len() > 1 {
            failure.causes = refusals.iter().map(Refusal::to_string).collect();
            failure.message = format!("none of its {} addresses gave the revision", refusals.len());
        }
        for hint in refusals.iter().flat_map(|refusal| refusal.kind.hints()) {
            if !failure.hints.contains(&hint) {
                failure = failure.hint(hint);
            }
        }
        failure
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.url, self.kind)
    }
}

fn told(refusals: &[Refusal]) -> String {
    refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn seen(near: &[String], others: &[String]) -> String {
    let quoted = |names: &[String], and: &str| {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        names.join(and)
    };
    if !near.is_empty() {
        format!("; did you mean {}?", quoted(near, " or "))
    } else if others.is_empty() {
        "; the repository is empty".to_owned()
    } else {
        format!("; it has {}", quoted(others, ", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_addresses_are_told_with_their_own_reasons() {
        let refusal = |url: &str, kind| Refusal {
            url: url.to_owned(),
            kind,
        };
        let error = Error::Refused(vec![
            refusal("https://a/x", Kind::Unreachable("connection refused".to_owned())),
            refusal("https://b/x", Kind::NoSuchRepository),
        ]);
        let failure = error.failure();
        assert_eq!(failure.message, "none of its 2 addresses gave the revision");
        assert_eq!(
            failure.causes,
            [
                "https://a/x: unreachable: connection refused",
                "https://b/x: there is no such repository"
            ]
        );
        assert_eq!(failure.hints.len(), 1);
        assert_eq!(error.kind(), Some(&Kind::Unreachable("connection refused".to_owned())));
    }
}
