//! A whole folder of a store as one secret.
//!
//! A secret `NAME` of it with the one key `value` becomes the key `NAME`, any other the keys `NAME.KEY`. Folders in it are left out, and so
//! are secrets that were deleted.

use std::collections::BTreeMap;

use super::{Error, ErrorKind, Stored, WHOLE};
use crate::redact::Secret;

/// How many secrets a folder may hold: one that holds more was hardly meant as one secret.
const MOST: usize = 500;
/// Of how many that cannot be read it is told why: what they lack is mostly the same.
const TOLD: usize = 5;

/// Refuses a version of a folder.
pub(super) fn unpinned(store: &str, path: &str, version: Option<&str>) -> Result<(), Error> {
    match version {
        None => Ok(()),
        Some(_) => Err(wrong(store, &format!("{path} is a folder, and is pinned to a version"))
            .hint("leave `version` out, or name one secret: only that has versions")),
    }
}

/// Refuses a folder of very many secrets, before they are read.
pub(super) fn few_enough(store: &str, folder: &str, count: usize) -> Result<(), Error> {
    if count <= MOST {
        return Ok(());
    }
    Err(wrong(
        store,
        &format!("the folder {folder} holds {count} secrets, and {MOST} are read at the most"),
    )
    .hint("name the secrets that are needed one by one, or move them to a folder of their own"))
}

/// Makes one secret of all, given with their names. What cannot be read is known all at once. `bring_back` says how to come by what was
/// deleted.
pub(super) fn together(
    store: &str,
    folder: &str,
    secrets: impl Iterator<Item = (String, Result<Stored, Error>)>,
    bring_back: impl Into<String>,
) -> Result<Stored, Error> {
    let mut whole = Stored {
        data: BTreeMap::new(),
        version: None,
        written: None,
    };
    let mut failures = Vec::new();
    for (name, stored) in secrets {
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
                return Err(
                    wrong(store, &format!("two secrets of the folder {folder} give the key {key}"))
                        .hint("rename one of them, or name the secrets that are needed one by one"),
                );
            }
            whole.data.insert(key, value);
        }
    }
    match summed(failures) {
        None if whole.data.is_empty() => Err(Error::new(
            ErrorKind::MissingPath,
            format!("all secrets of the folder {folder} in store {store} were deleted or are empty"),
        )
        .hint(bring_back)),
        None => Ok(whole),
        Some(failure) => Err(failure),
    }
}

fn wrong(store: &str, what: &str) -> Error {
    Error::new(ErrorKind::Configuration, format!("store {store}: {what}"))
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
