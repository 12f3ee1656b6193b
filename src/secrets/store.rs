//! The one thing that all stores can do.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;

use super::parallel::{Down, read_each};
use super::{Error, ErrorKind, Writer};
use crate::redact::Secret;

/// A place that holds secrets.
#[async_trait]
pub trait Store: Send + Sync {
    /// Returns the name by which the runbook refers to it.
    fn name(&self) -> &str;

    /// Proves that it answers and lets us in; reads no secret.
    async fn check(&self) -> Result<(), Error>;

    /// Reads the secret at a path: the newest version, or the pinned one.
    async fn read(&self, path: &str, version: Option<&str>) -> Result<Stored, Error>;

    /// Reads many secrets at once. The answers are in the order of `wanted`, and each has one: what cannot be had is known
    /// all at once. A store that gives many in one answer does it by itself.
    async fn read_many(&self, wanted: &[Wanted<'_>]) -> Vec<Result<Stored, Error>> {
        let down = Down::default();
        let reads = wanted
            .iter()
            .map(|wanted| down.unless(self.read(wanted.path, wanted.version)));
        read_each(reads.collect(), IN_FLIGHT).await
    }

    /// Says what is known of a secret without its values, as far as the store tells; else by reading and forgetting them. What the
    /// store says that we may not read is an error, as it is when it is read.
    async fn look(&self, path: &str, version: Option<&str>) -> Result<Seen, Error> {
        self.read(path, version).await.map(|stored| stored.seen())
    }

    /// Looks at many secrets at once. The answers are in the order of `wanted`, and each has one.
    async fn look_many(&self, wanted: &[Wanted<'_>]) -> Vec<Result<Seen, Error>> {
        let down = Down::default();
        let looks = wanted
            .iter()
            .map(|wanted| down.unless(self.look(wanted.path, wanted.version)));
        read_each(looks.collect(), IN_FLIGHT).await
    }

    /// Says in a sentence what a person should know of how it has answered so far, such as that not the original was read.
    fn remark(&self) -> Option<String> {
        None
    }

    /// Returns what writes into it, where it can be written to.
    fn writer(&self) -> Option<&dyn Writer> {
        None
    }

    /// Says in which cluster it lives, where it lives in one: what is restored cannot be what one restores from.
    async fn home(&self) -> Result<Option<Home>, Error> {
        Ok(None)
    }
}

/// A cluster that a store lives in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// The address of its API server.
    pub server: String,
    /// The UID of its namespace `kube-system`, where it can be had.
    pub uid: Option<String>,
}

/// Reads in flight at most: a store that has just come up should not be the next thing to fall over.
pub(super) const IN_FLIGHT: usize = 8;

/// The key under which a store gives a value that has no keys: a file, a variable, a secret that is text.
pub const WHOLE: &str = "value";

/// One secret to read of a store.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'run> {
    /// Its path in the store.
    pub path: &'run str,
    /// Its version; the newest unless pinned.
    pub version: Option<&'run str>,
}

/// What is known of a secret without its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its version, where the store keeps them.
    pub version: Option<String>,
    /// When that was written, where the store tells.
    pub written: Option<Timestamp>,
    /// The names of its keys, where they can be known.
    pub keys: Option<Vec<String>>,
    /// Whether we may read it for certain: the store says so, or it was read. Otherwise only reading tells.
    pub readable: bool,
}

/// A secret as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its values, by key.
    pub data: BTreeMap<String, Secret>,
    /// Its version, where the store keeps them.
    pub version: Option<String>,
    /// When that was written, where the store tells.
    pub written: Option<Timestamp>,
}

impl Stored {
    /// Takes what has no keys.
    pub fn whole(value: Secret) -> Self {
        Self {
            data: BTreeMap::from([(WHOLE.to_owned(), value)]),
            version: None,
            written: None,
        }
    }

    /// Returns what is known of it without its values.
    pub fn seen(&self) -> Seen {
        Seen {
            version: self.version.clone(),
            written: self.written,
            keys: Some(self.data.keys().cloned().collect()),
            readable: true,
        }
    }

    /// Returns the value of one key, which is wanted as the key `ours`. `place` names the secret for the error, such as
    /// `dr/repo-platform in store vault`.
    ///
    /// # Errors
    /// [`ErrorKind::MissingKey`], with the keys that are there.
    pub fn value(&self, key: &str, ours: &str, place: &str) -> Result<&Secret, Error> {
        self.data.get(key).ok_or_else(|| self.missing(key, ours, place))
    }

    fn missing(&self, key: &str, ours: &str, place: &str) -> Error {
        let error = Error::new(ErrorKind::MissingKey, format!("{place} has no key {key}"));
        let keys: Vec<&str> = self.data.keys().map(String::as_str).collect();
        let error = if keys.is_empty() {
            error.because("it has no keys at all")
        } else {
            error.because(format!("its keys are {}", keys.join(", ")))
        };
        match nearest(key, &keys) {
            Some(near) => error.hint(format!("did you mean {near}? Name it under `keys` as `{ours}: {near}`")),
            None => error.hint(format!("store it under {key}, or name the right key under `keys`")),
        }
    }
}

/// Refuses a version of what has none.
pub(super) fn unversioned(store: &str, what: &str, path: &str, version: Option<&str>) -> Result<(), Error> {
    match version {
        None => Ok(()),
        Some(_) => Err(Error::new(
            ErrorKind::Configuration,
            format!("store {store}: {path} is pinned to a version, and {what} has none"),
        )
        .hint("leave `version` out")),
    }
}

/// Returns the name that is most likely meant, if one is near enough.
pub(super) fn nearest(wanted: &str, names: &[impl AsRef<str>]) -> Option<String> {
    names
        .iter()
        .map(AsRef::as_ref)
        .map(|name| (strsim::jaro_winkler(&wanted.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(keys: &[&str]) -> Stored {
        Stored {
            data: keys
                .iter()
                .map(|key| ((*key).to_owned(), Secret::from("hunter2hunter2")))
                .collect(),
            version: None,
            written: None,
        }
    }

    #[test]
    fn a_missing_key_names_the_secret_and_the_keys_that_are_there() {
        let error = stored(&["passwd", "user"])
            .value("pasword", "password", "dr/x in store vault")
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MissingKey);
        assert_eq!(error.to_string(), "dr/x in store vault has no key pasword");
        assert_eq!(error.causes(), ["its keys are passwd, user"]);
        assert_eq!(
            error.hints(),
            ["did you mean passwd? Name it under `keys` as `password: passwd`"]
        );
    }

    #[test]
    fn an_empty_secret_is_said_to_be_empty() {
        let error = stored(&[])
            .value("password", "password", "dr/x in store vault")
            .unwrap_err();
        assert_eq!(error.causes(), ["it has no keys at all"]);
    }

    #[test]
    fn a_stored_secret_does_not_print_its_values() {
        assert!(!format!("{:?}", stored(&["a"])).contains("hunter2"));
    }
}
