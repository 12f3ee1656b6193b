//! What to grant when a path is denied.

use super::client::Vault;
use super::mount::{KvVersion, Mount};
use super::transport::Answer;
use crate::secrets::{Error, ErrorKind};

/// What we may do with a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Right {
    /// Read its values.
    Read,
    /// Write a new version of it, the first one too.
    Write,
}

impl Right {
    fn verb(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }

    /// What a policy calls it. A secret that is not there yet is created, any other updated.
    fn capabilities(self) -> &'static str {
        match self {
            Self::Read => r#""read""#,
            Self::Write => r#""create", "update""#,
        }
    }
}

/// Returns the path at which the interface has the values of a secret: not that of the command line.
pub(super) fn data_path(mount: &Mount, path: &str, version: KvVersion) -> String {
    let data = if version == KvVersion::One { "" } else { "data/" };
    format!("{}{data}{path}", mount.path)
}

/// Returns the line of policy that allows one secret.
pub(super) fn stanza(right: Right, mount: &Mount, path: &str, version: KvVersion) -> String {
    let (path, capabilities) = (data_path(mount, path, version), right.capabilities());
    format!("path \"{path}\" {{ capabilities = [{capabilities}] }}")
}

impl Vault {
    /// Makes the error of a denied read: who we are, and what a policy must say. `path` is the one inside the mount.
    pub(super) async fn denied(&self, mount: &Mount, path: &str, answer: &Answer) -> Error {
        self.denied_to(Right::Read, mount, path, answer.quote(&self.redactor))
            .await
    }

    /// The same of any right. `said` is how the server put it.
    pub(super) async fn denied_to(&self, right: Right, mount: &Mount, path: &str, said: String) -> Error {
        let error = Error::new(
            ErrorKind::Denied,
            format!(
                "store {} does not allow us to {} {}{path}",
                self.name,
                right.verb(),
                mount.path
            ),
        )
        .because(said)
        .because(match self.identity().await {
            Some(identity) => format!("we are {identity}"),
            None => "our token may not look itself up, so its policies are not known".to_owned(),
        });
        let place = self.namespace_words();
        let error = error.hint(format!(
            "add to one of its policies{place}: {}",
            stanza(right, mount, path, KvVersion::Two.or(mount.version))
        ));
        if mount.version != KvVersion::Unknown {
            return error;
        }
        error
            .because(format!(
                "the server would not say where {}{path} is mounted, so {} was taken for a mount of either KV version",
                mount.path, mount.path
            ))
            .hint(format!(
                "if {} is of KV version 1, instead: {}",
                mount.path,
                stanza(right, mount, path, KvVersion::One)
            ))
            .hint(format!(
                "if nothing is mounted at {}, correct the path (`bao secrets list`)",
                mount.path
            ))
    }
}

impl KvVersion {
    /// Returns `known` unless it is unknown.
    fn or(self, known: Self) -> Self {
        if known == Self::Unknown { self } else { known }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stanza_names_the_path_of_the_interface_not_that_of_the_command_line() {
        for (right, version, expected) in [
            (
                Right::Read,
                KvVersion::One,
                r#"path "dr/repo" { capabilities = ["read"] }"#,
            ),
            (
                Right::Read,
                KvVersion::Two,
                r#"path "dr/data/repo" { capabilities = ["read"] }"#,
            ),
            (
                Right::Read,
                KvVersion::Unknown,
                r#"path "dr/data/repo" { capabilities = ["read"] }"#,
            ),
            (
                Right::Write,
                KvVersion::Two,
                r#"path "dr/data/repo" { capabilities = ["create", "update"] }"#,
            ),
        ] {
            let mount = Mount {
                path: "dr/".into(),
                version,
            };
            assert_eq!(stanza(right, &mount, "repo", version), expected);
        }
    }
}
