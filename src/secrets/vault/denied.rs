//! What to grant when a path is denied.

use super::client::Vault;
use super::mount::{KvVersion, Mount};
use super::transport::Answer;
use crate::secrets::{Error, ErrorKind};

/// Returns the line of policy that allows one read.
pub(super) fn stanza(mount: &Mount, path: &str, version: KvVersion) -> String {
    let data = if version == KvVersion::One { "" } else { "data/" };
    format!("path \"{}{data}{path}\" {{ capabilities = [\"read\"] }}", mount.path)
}

impl Vault {
    /// Makes the error of a denied read: who we are, and what a policy must say. `path` is the one inside the mount.
    pub(super) async fn denied(&self, mount: &Mount, path: &str, answer: &Answer) -> Error {
        let error = Error::new(
            ErrorKind::Denied,
            format!("store {} does not allow us to read {}{path}", self.name, mount.path),
        )
        .because(answer.quote(&self.redactor))
        .because(match self.identity().await {
            Some(identity) => format!("we are {identity}"),
            None => "our token may not look itself up, so its policies are not known".to_owned(),
        });
        let place = self.namespace_words();
        let error = error.hint(format!(
            "add to one of its policies{place}: {}",
            stanza(mount, path, KvVersion::Two.or(mount.version))
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
                stanza(mount, path, KvVersion::One)
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
        for (version, expected) in [
            (KvVersion::One, r#"path "dr/repo" { capabilities = ["read"] }"#),
            (KvVersion::Two, r#"path "dr/data/repo" { capabilities = ["read"] }"#),
            (KvVersion::Unknown, r#"path "dr/data/repo" { capabilities = ["read"] }"#),
        ] {
            let mount = Mount {
                path: "dr/".into(),
                version,
            };
            assert_eq!(stanza(&mount, "repo", version), expected);
        }
    }
}
