//! A whole folder as one secret.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::client::Vault;
use super::mount::{KvVersion, Mount};
use super::transport::{Answer, Call};
use crate::redact::Secret;
use crate::secrets::parallel::{Down, read_each};
use crate::secrets::store::IN_FLIGHT;
use crate::secrets::{Error, ErrorKind, Stored, WHOLE};

/// How many secrets a folder may hold: one that holds more was hardly meant as one secret.
const MOST: usize = 500;
/// Of how many that cannot be read it is told why: what they lack is mostly the same.
const TOLD: usize = 5;

impl Vault {
    /// Reads all secrets of a folder, whose path ends in a slash. A secret `NAME` with the one key `value` becomes the key `NAME`,
    /// any other the keys `NAME.KEY`. Folders in it are left out, and so are secrets that were deleted: they are listed
    /// still.
    ///
    /// None is asked for once the store is known to be down.
    pub(super) async fn read_folder(&self, down: &Down, path: &str, version: Option<&str>) -> Result<Stored, Error> {
        if version.is_some() {
            return Err(self
                .wrong(format!("{path} is a folder, and is pinned to a version"))
                .hint("leave `version` out, or name one secret: only that has versions"));
        }
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
        if names.len() > MOST {
            return Err(self
                .wrong(format!(
                    "the folder {folder} holds {} secrets, and {MOST} are read at the most",
                    names.len()
                ))
                .hint("name the secrets that are needed one by one, or move them to a folder of their own"));
        }
        let paths: Vec<String> = names.iter().map(|name| join(inner, name)).collect();
        let reads = paths
            .iter()
            .map(|path| self.in_turn(down, self.read_in(&mount, path, None)));
        let read = read_each(reads.collect(), IN_FLIGHT).await;
        self.together(&folder, names, read)
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

    /// Makes one secret of all. What cannot be read is known all at once.
    fn together(&self, folder: &str, names: Vec<String>, read: Vec<Result<Stored, Error>>) -> Result<Stored, Error> {
        let mut whole = Stored {
            data: BTreeMap::new(),
            version: None,
            written: None,
        };
        let mut failures = Vec::new();
        for (name, stored) in names.into_iter().zip(read) {
            let stored = match stored {
                Ok(stored) => stored,
                Err(error) if matches!(error.kind(), ErrorKind::Deleted | ErrorKind::Destroyed) => continue,
                Err(error) => {
                    failures.push(error);
                    continue;
                }
            };
            whole.written = whole.written.max(stored.written);
            for (key, value) in keys(&name, stored.data) {
                if whole.data.contains_key(&key) {
                    return Err(self
                        .wrong(format!("two secrets of the folder {folder} give the key {key}"))
                        .hint("rename one of them, or name the secrets that are needed one by one"));
                }
                whole.data.insert(key, value);
            }
        }
        match summed(failures) {
            None if whole.data.is_empty() => Err(Error::new(
                ErrorKind::MissingPath,
                format!(
                    "all secrets of the folder {folder} in store {} were deleted or are empty",
                    self.name
                ),
            )
            .hint(format!(
                "bring them back: `bao kv undelete{} -versions=N PATH`",
                self.namespace_flag()
            ))),
            None => Ok(whole),
            Some(failure) => Err(failure),
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

/// Makes one failure of all: the first ones whole, and of the others how many they are. A store that is down is all there is to say.
fn summed(failures: Vec<Error>) -> Option<Error> {
    let is_down = |failure: &&Error| failure.kind() == ErrorKind::Unreachable;
    if let Some(down) = failures.iter().find(is_down) {
        return Some(down.clone());
    }
    let left_out = failures.len().saturating_sub(TOLD);
    let mut told = failures.into_iter().take(TOLD);
    let first = told.next()?;
    let all = told.fold(first, |all, next| {
        let all = all.because(next.to_string());
        next.hints().iter().fold(all, |all, hint| all.hint(hint.clone()))
    });
    Some(match left_out {
        0 => all,
        more => all.because(format!("and {more} more of the folder cannot be read")),
    })
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

/// Returns the keys that a secret of a folder gives.
fn keys(name: &str, data: BTreeMap<String, Secret>) -> Vec<(String, Secret)> {
    let is_whole = data.len() == 1 && data.contains_key(WHOLE);
    data.into_iter()
        .map(|(key, value)| {
            let key = if is_whole {
                name.to_owned()
            } else {
                format!("{name}.{key}")
            };
            (key, value)
        })
        .collect()
}

/// Returns the path of a name in a folder of a mount.
pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_of_a_folder_gives_its_name_and_its_keys_where_it_has_more_than_a_value() {
        for (held, expected) in [
            (&["value"][..], &["repo"][..]),
            (&["password"][..], &["repo.password"][..]),
            (&["username", "value"][..], &["repo.username", "repo.value"][..]),
            (&[][..], &[][..]),
        ] {
            let data = held.iter().map(|key| ((*key).to_owned(), Secret::from("x"))).collect();
            let found: Vec<_> = keys("repo", data).into_iter().map(|(key, _)| key).collect();
            assert_eq!(found, expected);
        }
    }

    fn failures(kinds: &[ErrorKind]) -> Vec<Error> {
        let failures = kinds.iter().enumerate();
        failures
            .map(|(at, kind)| Error::new(*kind, format!("no {at}")).hint(format!("mend {at}")))
            .collect()
    }

    #[test]
    fn the_failures_of_a_folder_are_summed_up_and_those_of_a_store_that_is_down_are_one() {
        assert!(summed(Vec::new()).is_none());
        let few = summed(failures(&[ErrorKind::Denied, ErrorKind::NotText])).unwrap();
        assert_eq!((few.kind(), few.to_string()), (ErrorKind::Denied, "no 0".to_owned()));
        assert_eq!(few.causes(), ["no 1"]);
        assert_eq!(few.hints(), ["mend 0", "mend 1"]);
        let many = summed(failures(&[ErrorKind::Denied; 500])).unwrap();
        assert_eq!(
            many.causes(),
            [
                "no 1",
                "no 2",
                "no 3",
                "no 4",
                "and 495 more of the folder cannot be read"
            ]
        );
        assert_eq!(many.hints().len(), TOLD);
        let down = summed(failures(&[
            ErrorKind::Denied,
            ErrorKind::Unreachable,
            ErrorKind::Unreachable,
        ]))
        .unwrap();
        assert_eq!(
            (down.kind(), down.to_string()),
            (ErrorKind::Unreachable, "no 1".to_owned())
        );
        assert!(down.causes().is_empty() && down.hints().len() == 1);
    }
}
