//! A whole folder of secrets.

use serde::Deserialize;

use super::client::Vault;
use super::mount::{KvVersion, Mount};
use super::transport::{Answer, Call};
use crate::secrets::folder::{few_enough, together, unpinned};
use crate::secrets::parallel::{Down, read_each};
use crate::secrets::store::IN_FLIGHT;
use crate::secrets::{Error, ErrorKind, Stored};

impl Vault {
    /// Reads all secrets of a folder, whose path ends in a slash. What was deleted is listed still.
    ///
    /// None is asked for once the store is known to be down.
    pub(super) async fn read_folder(&self, down: &Down, path: &str, version: Option<&str>) -> Result<Stored, Error> {
        unpinned(&self.name, path, version)?;
        let path = path.trim_matches('/');
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(self
                .wrong(format!("{path:?} is no path of a folder"))
                .hint("write it as MOUNT/PATH/, such as secret/dr/"));
        }
        let mount = self.in_turn(down, self.mount_of(path)).await?;
        let folder = format!("{path}/");
        let inner = folder.strip_prefix(&mount.path).unwrap_or_default().trim_matches('/');
        let (mount, names) = self.in_turn(down, self.listed(mount, inner)).await?;
        if names.is_empty() {
            return Err(self.no_folder(&mount, inner));
        }
        few_enough(&self.name, &folder, names.len())?;
        let paths: Vec<String> = names.iter().map(|name| join(inner, name)).collect();
        let reads = paths
            .iter()
            .map(|path| self.in_turn(down, self.read_in(&mount, path, None)));
        let read = read_each(reads.collect(), IN_FLIGHT).await;
        let bring_back = format!(
            "bring them back: `bao kv undelete{} -versions=N PATH`",
            self.namespace_flag()
        );
        together(&self.name, &folder, names.into_iter().zip(read), bring_back)
    }

    /// Lists the secrets in a folder; nothing where that is not allowed.
    pub(super) async fn names_in(&self, mount: &Mount, folder: &str) -> Vec<String> {
        if mount.version == KvVersion::Unknown {
            return Vec::new();
        }
        let answer = self.ask(&list(mount, folder, mount.version)).await.ok();
        answer.and_then(|answer| names(&answer)).unwrap_or_default()
    }

    /// Lists the secrets in a folder. Where the server would not say which version the mount is, the list tells.
    async fn listed(&self, mount: Mount, folder: &str) -> Result<(Mount, Vec<String>), Error> {
        let versions = match mount.version {
            KvVersion::Unknown => vec![KvVersion::Two, KvVersion::One],
            known => vec![known],
        };
        let mut denied = None;
        for version in versions {
            let answer = self.ask(&list(&mount, folder, version)).await?;
            if let Some(names) = names(&answer) {
                return Ok((Mount { version, ..mount }, names));
            }
            match answer.status {
                403 => denied = denied.or(Some((version, answer))),
                404 => {}
                _ => return Err(self.not_understood(&mount, folder, &answer)),
            }
        }
        match denied {
            Some((version, answer)) => Err(self.unlisted(&mount, folder, version, &answer).await),
            None => Err(self.no_folder(&mount, folder)),
        }
    }

    fn no_folder(&self, mount: &Mount, folder: &str) -> Error {
        Error::new(
            ErrorKind::MissingPath,
            format!(
                "store {} has no secrets in the folder {}{folder}{}",
                self.name,
                mount.path,
                self.namespace_words()
            ),
        )
        .hint(format!(
            "see what is there: `bao kv list{} {}{folder}`; a path without a slash at its end is that of one secret",
            self.namespace_flag(),
            mount.path
        ))
    }

    async fn unlisted(&self, mount: &Mount, folder: &str, version: KvVersion, answer: &Answer) -> Error {
        let error = Error::new(
            ErrorKind::Denied,
            format!(
                "store {} does not allow us to list the folder {}{folder}",
                self.name, mount.path
            ),
        )
        .because(answer.quote(&self.redactor));
        let error = match self.identity().await {
            Some(identity) => error.because(format!("we are {identity}")),
            None => error,
        };
        let (list, read) = match version {
            KvVersion::One => ("", ""),
            KvVersion::Two | KvVersion::Unknown => ("metadata/", "data/"),
        };
        let slash = if folder.is_empty() { "" } else { "/" };
        error.hint(format!(
            "add to one of its policies{place}: path \"{mount}{list}{folder}{slash}\" {{ capabilities = [\"list\"] }} path \"{mount}{read}{folder}{slash}*\" {{ capabilities = [\"read\"] }}",
            place = self.namespace_words(),
            mount = mount.path,
        ))
    }
}

fn list(mount: &Mount, folder: &str, version: KvVersion) -> Call {
    let metadata = if version == KvVersion::One { "" } else { "metadata/" };
    Call::list(format!("{}{metadata}{folder}", mount.path))
}

fn names(answer: &Answer) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    struct Names {
        keys: Vec<String>,
    }
    let mut names = answer.data::<Names>()?.keys;
    // A folder is listed with a slash and cannot be read.
    names.retain(|name| !name.ends_with('/'));
    Some(names)
}

/// Returns the path of a name in a folder of a mount.
pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}
