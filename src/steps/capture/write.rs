//! Writes what was captured.

use std::collections::BTreeMap;

use futures::{StreamExt as _, stream};

use super::super::stores::given;
use super::place::{Held, Spot};
use super::told::{Differs, State};
use crate::platform::sealed;
use crate::redact::Secret;
use crate::secrets::{Error, ErrorKind, Store, Writer};

/// How many writes are on their way at a time.
const AT_ONCE: usize = 4;

/// Writes what is new or stale, each over the version that was looked at.
pub(super) async fn write(spots: &mut [Spot<'_>]) {
    let writes = spots.iter().map(|spot| async move {
        match &spot.state {
            State::New { keys } => Some((spot.write(None).await, only_new(keys))),
            State::Stale { version, differs } => Some((spot.write(Some(version)).await, differs.clone())),
            _ => None,
        }
    });
    let written: Vec<_> = stream::iter(writes.collect::<Vec<_>>())
        .buffered(AT_ONCE)
        .collect()
        .await;
    for (spot, written) in spots.iter_mut().zip(written) {
        spot.state = match written {
            None => continue,
            Some((Ok(version), differs)) => State::Written { version, differs },
            Some((Err(error), _)) => State::of(error),
        };
    }
}

fn only_new(keys: &[String]) -> Differs {
    Differs {
        new: keys.to_vec(),
        ..Differs::default()
    }
}

impl Spot<'_> {
    async fn write(&self, over: Option<&str>) -> Result<String, Error> {
        let store = self.store;
        let Some(writer) = store.writer() else {
            return Err(Error::new(
                ErrorKind::Configuration,
                format!("store {} is only read", store.name()),
            ));
        };
        if self.from.path.ends_with('/') {
            return self.write_keys(store, writer).await;
        }
        // What was not read because its version is known has to be read now, if a part of it is to stay.
        let stored = match (&self.held, over) {
            (Held::Read(stored), _) => Some(stored.clone()),
            (Held::Unread, Some(version)) if !self.from.keys.is_empty() || self.is_set() => {
                Some(store.read(&self.from.path, Some(version)).await?)
            }
            _ => None,
        };
        let mut wanted = self.wanted.clone();
        if let Some(stored) = stored.as_ref().filter(|_| self.is_set()) {
            keep_generations(&mut wanted, &stored.data);
        }
        let data = given(&wanted, self.from, stored.as_ref())?;
        writer.write(&self.from.path, &data, over).await
    }

    /// Writes each generation of keys as a secret of its own.
    async fn write_keys(&self, store: &dyn Store, writer: &dyn Writer) -> Result<String, Error> {
        let there = match &self.held {
            Held::Read(stored) => stored.data.clone(),
            Held::Nothing | Held::Unread => BTreeMap::new(),
        };
        let mut newest = String::new();
        for name in sealed::names(&self.wanted) {
            let of = |all: &BTreeMap<String, Secret>| -> BTreeMap<String, Secret> {
                let halves = all.iter();
                halves
                    .filter_map(|(key, value)| Some((key.strip_prefix(name)?.strip_prefix('.')?, value)))
                    .map(|(half, value)| (half.to_owned(), value.clone()))
                    .collect()
            };
            let (wanted, stored) = (of(&self.wanted), of(&there));
            if wanted == stored {
                continue;
            }
            let path = format!("{}{name}", self.from.path);
            let over = match stored.is_empty() {
                true => None,
                false => store.look(&path, None).await?.version,
            };
            newest = writer.write(&path, &wanted, over.as_deref()).await?;
        }
        Ok(newest)
    }
}

/// Keeps the generations of keys that are stored and that the cluster has no longer: what they have sealed may still be in Git.
pub(super) fn keep_generations(wanted: &mut BTreeMap<String, Secret>, stored: &BTreeMap<String, Secret>) {
    for (key, value) in stored {
        wanted.entry(key.clone()).or_insert_with(|| value.clone());
    }
}
