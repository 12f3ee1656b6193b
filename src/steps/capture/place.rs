//! The places of the secrets, and how each stands to what the cluster has.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::stores::{closed, learn, taken, with_set};
use super::compare::{differs, standing};
use super::live::{Live, Living};
use super::manifest::{CaptureManifest, DigestKey, Entry};
use super::told::State;
use super::write::keep_generations;
use crate::redact::{Redactor, Secret};
use crate::runbook::{From, Runbook, SecretShape, SecretSpec};
use crate::secrets::{Error, ErrorKind, Request, Store, Stored, Wanted, look_all, read_all};

/// A place of a secret.
pub(super) struct Spot<'run> {
    /// The secret's name in the runbook.
    pub(super) name: &'run str,
    /// What the runbook says of it.
    pub(super) spec: &'run SecretSpec,
    /// The place.
    pub(super) from: &'run From,
    /// The store.
    pub(super) store: &'run dyn Store,
    /// What a restore should take from there.
    pub(super) wanted: BTreeMap<String, Secret>,
    /// What was found there.
    pub(super) held: Held,
    /// How it stands.
    pub(super) state: State,
}

/// What was found at a place.
pub(super) enum Held {
    /// Nothing is there.
    Nothing,
    /// It was told by its version, and not read.
    Unread,
    /// It was read.
    Read(Stored),
}

impl State {
    /// Tells what a store said.
    pub(super) fn of(error: Error) -> Self {
        Self::Failed {
            how: super::super::survey::Lack::of(error.kind()),
            failure: error.into(),
        }
    }
}

impl Spot<'_> {
    /// Whether it holds a set of keys, of which none is ever dropped.
    pub(super) fn is_set(&self) -> bool {
        matches!(self.spec.shape, SecretShape::SealedKeys { .. })
    }

    /// Returns why nothing can be written there.
    fn unwritable(&self) -> Option<String> {
        if self.store.writer().is_none() {
            return Some(format!("store {} is only read", self.store.name()));
        }
        if let Some(version) = &self.from.version {
            return Some(format!("it is pinned to version {version}, so that nobody would read a newer one"));
        }
        (self.from.path.ends_with('/') && !self.is_set()).then(|| "a folder is read as one secret, and not written".into())
    }

    /// Takes what a person is to do, or how it stands by its version.
    fn judge(&mut self, stored: Result<Stored, Error>, entry: Option<&Entry>, may_replace: bool, redactor: &Redactor) {
        let unwritable = self.unwritable();
        let stored = match (stored, &unwritable) {
            (Ok(stored), _) => stored,
            (Err(error), None) if is_nothing(error.kind()) => {
                self.held = Held::Nothing;
                self.state = State::New {
                    keys: self.wanted.keys().cloned().collect(),
                };
                return;
            }
            (Err(error), Some(why)) if is_nothing(error.kind()) => {
                self.state = State::ByHand {
                    why: format!("nothing is there, and {why}"),
                };
                return;
            }
            (Err(error), _) => {
                self.state = State::of(error);
                return;
            }
        };
        let version = stored.version.clone().unwrap_or_default();
        // What the runbook cannot take from what is stored is as good as not stored.
        let held = taken(stored.clone(), self.from, redactor).unwrap_or_default();
        let mut held = with_set(self.spec, held);
        learn(redactor, self.spec, &held);
        held.retain(|key, _| !self.spec.set.contains_key(key));
        if self.is_set() {
            keep_generations(&mut self.wanted, &held);
        }
        let difference = differs(&self.wanted, &held);
        self.held = Held::Read(stored);
        self.state = match unwritable {
            None => standing(&version, entry, difference, may_replace),
            Some(_) if difference.is_none() => State::Kept,
            Some(why) => State::ByHand {
                why: format!("it differs in {}, and {why}", difference.keys().join(", ")),
            },
        };
    }
}

fn is_nothing(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::MissingPath | ErrorKind::Deleted | ErrorKind::Destroyed)
}

/// Returns what of a Secret comes from a store: not what the runbook says itself, nor what it does not take.
pub(super) fn from_store(spec: &SecretSpec, from: &From, living: &Living) -> BTreeMap<String, Secret> {
    let comes = |key: &&String| {
        let is_taken = from.keys.is_empty() || from.keys.contains_key(*key);
        is_taken && !spec.set.contains_key(*key)
    };
    let data = living.data.iter().filter(|(key, _)| comes(key));
    data.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Names a place in the manifest.
pub(super) fn place(from: &From) -> String {
    format!("{} {}", from.store, from.path)
}

/// Looks at every place, and reads what its version does not tell.
pub(super) async fn look<'run>(
    runbook: &'run Runbook,
    stores: &'run [Arc<dyn Store>],
    live: &Live,
    manifest: Option<&(CaptureManifest, DigestKey)>,
    wishes: &super::whole::Wishes,
    redactor: &Redactor,
) -> Vec<Spot<'run>> {
    let closed = closed(stores.iter()).await;
    let mut spots: Vec<Spot<'run>> = Vec::new();
    for (name, spec) in &runbook.secrets {
        for from in &spec.from {
            let Some(store) = stores.iter().find(|store| store.name() == from.store) else {
                continue;
            };
            if wishes.to.as_ref().is_some_and(|to| *to != from.store) {
                continue;
            }
            let living = live.secrets.get(name);
            let state = match (living, closed.get(&from.store)) {
                (None, _) => State::Absent,
                (Some(_), Some(error)) => State::of(error.clone()),
                // Told below.
                (Some(_), None) => State::Kept,
            };
            spots.push(Spot {
                name,
                spec,
                from,
                store: store.as_ref(),
                wanted: living.map(|living| from_store(spec, from, living)).unwrap_or_default(),
                held: Held::Nothing,
                state,
            });
        }
    }
    let entry = |spot: &Spot<'_>| manifest.and_then(|(manifest, _)| manifest.places.get(&place(spot.from)));
    let is_open = |spot: &Spot<'_>| spot.state == State::Kept;
    // What was captured is known by its version, if that is still the newest.
    let by_version: Vec<usize> = (0..spots.len())
        .filter(|at| is_open(&spots[*at]) && entry(&spots[*at]).is_some() && spots[*at].unwritable().is_none())
        .collect();
    let seen = look_all(requests(&spots, &by_version)).await;
    let mut told = Vec::new();
    for (at, seen) in by_version.into_iter().zip(seen) {
        let (Ok(seen), Some(entry), Some((_, key))) = (seen, entry(&spots[at]), manifest) else {
            continue;
        };
        if seen.version.as_ref() == Some(&entry.version) {
            let mut difference = differs(&key.digests(spots[at].name, &spots[at].wanted), &entry.keys);
            if spots[at].is_set() {
                // Generations that the cluster has no longer stay.
                difference.gone.clear();
            }
            let state = standing(&entry.version, Some(entry), difference, false);
            (spots[at].held, spots[at].state) = (Held::Unread, state);
            told.push(at);
        }
    }
    let to_read: Vec<usize> = (0..spots.len())
        .filter(|at| is_open(&spots[*at]) && !told.contains(at))
        .collect();
    let read = read_all(requests(&spots, &to_read)).await;
    for (at, stored) in to_read.into_iter().zip(read) {
        let entry = entry(&spots[at]);
        let may_replace = wishes.replace.iter().any(|name| name == spots[at].name);
        spots[at].judge(stored, entry, may_replace, redactor);
    }
    spots
}

fn requests<'run>(spots: &[Spot<'run>], chosen: &[usize]) -> Vec<Request<'run>> {
    let request = |at: &usize| Request {
        store: spots[*at].store,
        wanted: Wanted {
            path: &spots[*at].from.path,
            version: spots[*at].from.version.as_deref(),
        },
    };
    chosen.iter().map(request).collect()
}
