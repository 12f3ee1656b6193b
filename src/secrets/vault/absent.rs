//! What is said of a secret or a version that is not there.

use std::collections::HashMap;

use vaultrs::api::kv2::responses::{SecretMetadata, SecretVersionMetadata};

use super::client::Vault;
use super::folder::join;
use super::look::{Metadata, metadata_of};
use super::mount::{KvVersion, Mount};
use crate::secrets::store::nearest;
use crate::secrets::{Error, ErrorKind};

impl Vault {
    /// Makes the error of a secret that is not there. Looks around for one with a similar name.
    pub(super) async fn missing(&self, mount: &Mount, path: &str) -> Error {
        let kind = match mount.version {
            KvVersion::One => "is of KV version 1",
            KvVersion::Two => "is of KV version 2",
            KvVersion::Unknown => "may not be a mount at all: the server would not say",
        };
        let error = Error::new(
            ErrorKind::MissingPath,
            format!(
                "store {} has no secret at {}{path}{}",
                self.name,
                mount.path,
                self.namespace_words()
            ),
        )
        .because(format!("{} {kind}", mount.path));
        if let Some(rest) = path.strip_prefix("data/").filter(|_| mount.version != KvVersion::One) {
            let hint = "paths are written as `bao kv get` takes them, without `data/`";
            return error.hint(format!("{hint}: {}{rest}", mount.path));
        }
        let (folder, name) = path
            .rsplit_once('/')
            .map_or(("", path), |(folder, name)| (folder, name));
        let near = nearest(name, &self.names_in(mount, folder).await);
        let error = match near {
            Some(near) => error.hint(format!("did you mean {}{}?", mount.path, join(folder, &near))),
            None => error,
        };
        error.hint(format!(
            "see what is there: `bao kv list{} {}{folder}`",
            self.namespace_flag(),
            mount.path
        ))
    }

    /// Makes the error of a version that was deleted or destroyed.
    pub(super) fn gone(&self, mount: &Mount, path: &str, metadata: &SecretVersionMetadata) -> Error {
        let secret = format!("{}{path}", mount.path);
        let version = metadata.version;
        let flag = self.namespace_flag();
        if metadata.destroyed {
            return Error::new(
                ErrorKind::Destroyed,
                format!(
                    "version {version} of {secret} in store {} was destroyed for good",
                    self.name
                ),
            )
            .hint(format!(
                "pin an older version (`bao kv metadata get{flag} {secret}` lists them), or store the secret anew"
            ));
        }
        Error::new(
            ErrorKind::Deleted,
            format!(
                "version {version} of {secret} in store {} was deleted at {}",
                self.name, metadata.deletion_time
            ),
        )
        .hint(format!(
            "bring it back: `bao kv undelete{flag} -versions={version} {secret}`"
        ))
        .hint("or pin another `version`")
    }

    /// Tells a missing version from a missing secret, as far as the metadata may be read.
    pub(super) async fn missing_version(&self, mount: &Mount, path: &str, version: u64) -> Result<Error, Error> {
        let answer = self.ask(&metadata_of(mount, path)).await?;
        if answer.status == 404 {
            return Ok(self.missing(mount, path).await);
        }
        let error = Error::new(
            ErrorKind::MissingVersion,
            format!("store {} has no version {version} of {}{path}", self.name, mount.path),
        );
        Ok(match answer.data::<Metadata>() {
            Some(metadata) => error
                .because(versions(&metadata.versions))
                .hint("pin one that is there, or leave `version` out for the newest"),
            None => error
                .because("whether the secret itself is there could not be seen: its metadata may not be read")
                .hint("check path and version, or leave `version` out for the newest"),
        })
    }
}

/// Says which versions there are. A deletion time may be one to come, so it is told as it is.
fn versions(all: &HashMap<String, SecretMetadata>) -> String {
    let kept = all.iter().filter(|(_, version)| !version.destroyed);
    let mut kept: Vec<(u64, &str)> = kept
        .filter_map(|(number, version)| Some((number.parse().ok()?, version.deletion_time.as_str())))
        .collect();
    kept.sort_unstable();
    let kept: Vec<String> = kept
        .into_iter()
        .map(|(number, deletion)| match deletion {
            "" => number.to_string(),
            time => format!("{number} (deletion {time})"),
        })
        .collect();
    match kept.as_slice() {
        [] => "all of its versions were destroyed".to_owned(),
        [only] => format!("version {only} is there"),
        many => format!("versions {} are there", many.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_in_order_without_those_that_are_gone_for_good() {
        let version = |deleted: &str, destroyed| SecretMetadata {
            created_time: String::new(),
            deletion_time: deleted.to_owned(),
            destroyed,
        };
        let all = HashMap::from([
            ("10".to_owned(), version("", false)),
            ("9".to_owned(), version("", false)),
            ("8".to_owned(), version("2026-01-01T00:00:00Z", false)),
            ("7".to_owned(), version("", true)),
        ]);
        assert_eq!(
            versions(&all),
            "versions 8 (deletion 2026-01-01T00:00:00Z), 9, 10 are there"
        );
        assert_eq!(versions(&HashMap::new()), "all of its versions were destroyed");
    }
}
