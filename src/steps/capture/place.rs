//! The places of the secrets, and how each stands to what the cluster has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::super::World;
use super::super::stores::{amiss, closed, learn, taken, with_set};
use super::super::survey::Lack;
use super::compare::{differs, standing, worse};
use super::live::{Live, Living};
use super::manifest::{CaptureManifest, DigestKey, Entry};
use super::told::{Differs, State};
use super::whole::Wishes;
use crate::finding::Severity;
use crate::platform::sealed;
use crate::redact::{Redactor, Secret};
use crate::runbook::{From, SecretShape, SecretSpec};
use crate::secrets::{Error, ErrorKind, Request, Seen, Store, Stored, Wanted, look_all, read_all};

/// A place of a secret.
pub(super) struct Spot<'run> {
    /// The secret's name in the runbook.
    pub(super) name: &'run str,
    /// What the runbook says of it.
    pub(super) spec: &'run SecretSpec,
    /// The place; of a folder of keys that of one generation.
    pub(super) from: From,
    /// The store.
    pub(super) store: &'run dyn Store,
    /// What a restore should take from there.
    pub(super) wanted: BTreeMap<String, Secret>,
    /// What was read there.
    pub(super) held: Option<Stored>,
    /// When the store says that its version was written.
    pub(super) written: Option<Timestamp>,
    /// How it stands; nothing before that is known.
    pub(super) state: Option<State>,
    /// Why nothing can be written there.
    unwritable: Option<String>,
}

impl State {
    /// Tells what a store said.
    pub(super) fn of(error: Error) -> Self {
        Self::Failed {
            how: Lack::of(error.kind()),
            failure: error.into(),
        }
    }
}

/// What is known beside the places.
pub(super) struct Beside<'run> {
    /// The manifest of the last capture.
    pub(super) manifest: Option<&'run (CaptureManifest, DigestKey)>,
    /// Whether that was of this cluster.
    pub(super) is_same_cluster: bool,
    /// What a person wants.
    pub(super) wishes: &'run Wishes,
    /// Now.
    pub(super) now: Timestamp,
}

impl<'run> Beside<'run> {
    /// Returns what was captured at a place for this secret.
    fn entry(&self, spot: &Spot<'_>) -> Option<&'run Entry> {
        let entry = self.manifest?.0.places.get(&place(&spot.from))?;
        (entry.secret == spot.name).then_some(entry)
    }

    /// Says why a version may not be replaced without the word of a person.
    fn doubt(&self, spot: &Spot<'_>, version: &str, written: Option<Timestamp>, differs: &Differs) -> Option<String> {
        if self.wishes.replace.iter().any(|name| name == spot.name) {
            return None;
        }
        let Some(entry) = self.entry(spot) else {
            return Some("no capture has written what is stored there, and it may be newer".to_owned());
        };
        let is_another_time = entry.written.zip(written).is_some_and(|(before, now)| before != now);
        if entry.version != version || is_another_time {
            return Some(format!(
                "it is not version {}, which was captured last, and it may be newer",
                entry.version
            ));
        }
        if !self.is_same_cluster {
            return Some("it was captured from another cluster".to_owned());
        }
        worse(&spot.wanted, differs)
    }
}

impl Spot<'_> {
    /// Whether it holds a set of keys in one secret, of which no generation is ever dropped.
    pub(super) fn is_set(&self) -> bool {
        matches!(self.spec.shape, SecretShape::SealedKeys { .. })
            && self.wanted.keys().any(|key| !key.starts_with("tls."))
    }

    fn is_open(&self) -> bool {
        self.state.is_none()
    }

    /// Tells how it stands by its version alone, where that is the one that was captured last.
    fn by_version(&mut self, seen: &Seen, beside: &Beside<'_>) {
        let (Some(entry), Some((_, key)), Some(version)) = (beside.entry(self), beside.manifest, &seen.version) else {
            return;
        };
        // A number alone may have begun anew since.
        if *version != entry.version || entry.written.is_none() || entry.written != seen.written {
            return;
        }
        let mut difference = differs(&key.digests(self.name, &self.wanted), &entry.keys);
        if self.is_set() {
            // Generations that the cluster has no longer stay.
            difference.gone.clear();
            if !difference.changed.is_empty() {
                // Which of the pairs opens what is known only by reading.
                return;
            }
        }
        let doubt = beside.doubt(self, version, seen.written, &difference);
        (self.written, self.state) = (seen.written, Some(standing(version, difference, doubt)));
    }

    /// Tells how it stands by what was read.
    fn by_value(&mut self, stored: Result<Stored, Error>, beside: &Beside<'_>, redactor: &Redactor) {
        self.state = Some(match stored {
            Err(error) if is_nothing(error.kind()) => match &self.unwritable {
                None => State::New {
                    keys: self.wanted.keys().cloned().collect(),
                },
                Some(why) => State::ByHand {
                    why: format!("nothing is there, and {why}"),
                },
            },
            Err(error) => State::of(error),
            Ok(stored) => self.compared(stored, beside, redactor),
        });
    }

    fn compared(&mut self, stored: Stored, beside: &Beside<'_>, redactor: &Redactor) -> State {
        let version = stored.version.clone().unwrap_or_default();
        // What the runbook cannot take from what is stored is as good as not stored.
        let held = taken(stored.clone(), &self.from, redactor).unwrap_or_default();
        let mut held = with_set(self.spec, held);
        learn(redactor, self.spec, &held);
        held.retain(|key, _| !self.spec.set.contains_key(key));
        let mut doubt = None;
        if self.is_set() {
            doubt = keep_generations(&mut self.wanted, &held);
        }
        let difference = differs(&self.wanted, &held);
        self.written = stored.written;
        let doubt = doubt.or_else(|| beside.doubt(self, &version, stored.written, &difference));
        self.held = Some(stored);
        match &self.unwritable {
            None => standing(&version, difference, doubt),
            Some(_) if difference.is_none() => State::Kept,
            Some(why) => State::ByHand {
                why: format!("it differs in {}, and {why}", difference.keys().join(", ")),
            },
        }
    }
}

/// Adds the generations of keys that are stored and that the cluster has no longer: what they have sealed may still be in Git. Says so where
/// one name stands for two pairs, both of which may be needed.
pub(super) fn keep_generations(
    wanted: &mut BTreeMap<String, Secret>,
    stored: &BTreeMap<String, Secret>,
) -> Option<String> {
    let names: Vec<String> = sealed::names(stored).into_iter().map(str::to_owned).collect();
    let mut doubled = Vec::new();
    for name in names {
        let of = |all: &BTreeMap<String, Secret>| -> BTreeMap<String, Secret> {
            ["tls.crt", "tls.key"]
                .into_iter()
                .filter_map(|half| all.get_key_value(&format!("{name}.{half}")))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect()
        };
        let (live, kept) = (of(wanted), of(stored));
        if live.is_empty() {
            wanted.extend(kept);
        } else if live != kept {
            doubled.push(name);
        }
    }
    (!doubled.is_empty()).then(|| {
        format!(
            "the store has another pair of the same name, and both may be needed: {}",
            doubled.join(", ")
        )
    })
}

fn is_nothing(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::MissingPath | ErrorKind::Deleted | ErrorKind::Destroyed)
}

/// Returns what of a Secret comes from a store: not what the runbook says itself, nor what it does not take.
fn from_store(spec: &SecretSpec, from: &From, living: &Living) -> BTreeMap<String, Secret> {
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

/// Returns the places of what lives, a folder of keys as the places of its generations.
fn places(spec: &SecretSpec, from: &From, living: Option<&Living>) -> Vec<(From, BTreeMap<String, Secret>)> {
    let Some(living) = living else {
        return vec![(from.clone(), BTreeMap::new())];
    };
    let is_keys = matches!(spec.shape, SecretShape::SealedKeys { .. });
    if !is_keys || !from.path.ends_with('/') {
        return vec![(from.clone(), from_store(spec, from, living))];
    }
    sealed::names(&living.data)
        .into_iter()
        .map(|name| {
            let halves = ["tls.crt", "tls.key"].into_iter();
            let pair =
                halves.filter_map(|half| Some((half.to_owned(), living.data.get(&format!("{name}.{half}"))?.clone())));
            let of_one = From {
                path: format!("{}{name}", from.path),
                ..from.clone()
            };
            (of_one, pair.collect())
        })
        .collect()
}

/// Looks at every place, and reads what its version does not tell.
pub(super) async fn look<'run>(world: &'run World, live: &Live, beside: &Beside<'_>) -> Vec<Spot<'run>> {
    let Some(runbook) = world.runbook.get() else {
        return Vec::new();
    };
    let closed = closed(world.stores.iter()).await;
    let mut spots: Vec<Spot<'run>> = Vec::new();
    for (name, spec) in &runbook.secrets {
        let living = live.secrets.get(name);
        let wrong = living.is_some_and(|living| {
            let found = amiss(name, spec, &with_set(spec, living.data.clone()), beside.now);
            found.iter().any(|finding| finding.severity == Severity::Error)
        });
        let is_wished = |from: &&From| beside.wishes.to.as_ref().is_none_or(|to| *to == from.store);
        for from in spec.from.iter().filter(is_wished) {
            let Some(store) = world.stores.iter().find(|store| store.name() == from.store) else {
                continue;
            };
            for (from, wanted) in places(spec, from, living) {
                let is_shared = runbook
                    .secrets
                    .iter()
                    .any(|(other, spec)| other != name && spec.from.iter().any(|other| place(other) == place(&from)));
                spots.push(Spot {
                    name,
                    spec,
                    unwritable: unwritable(store, spec, &from, is_shared, wrong),
                    state: closed.get(&from.store).cloned().map(State::of),
                    from,
                    store: store.as_ref(),
                    wanted,
                    held: None,
                    written: None,
                });
            }
        }
    }
    absent(&mut spots, live).await;
    // What was captured is known by its version, if that is still the newest. What is made of parts may be made otherwise by now.
    let known = chosen(&spots, |spot| {
        beside.entry(spot).is_some() && spot.unwritable.is_none() && spot.from.keys.is_empty()
    });
    let seen = look_all(requests(&spots, &known)).await;
    for (at, seen) in known.into_iter().zip(seen) {
        if let Ok(seen) = seen {
            spots[at].by_version(&seen, beside);
        }
    }
    let unknown = chosen(&spots, |_| true);
    let read = read_all(requests(&spots, &unknown)).await;
    for (at, stored) in unknown.into_iter().zip(read) {
        spots[at].by_value(stored, beside, &world.redactor);
    }
    spots
}

/// Says why nothing can be written to a place.
fn unwritable(
    store: &Arc<dyn Store>,
    spec: &SecretSpec,
    from: &From,
    is_shared: bool,
    is_wrong: bool,
) -> Option<String> {
    if store.writer().is_none() {
        return Some(format!("store {} is only read", store.name()));
    }
    if let Some(version) = &from.version {
        return Some(format!(
            "it is pinned to version {version}, so that nobody would read a newer one"
        ));
    }
    if is_wrong {
        return Some("a restore would refuse what the cluster has, as is told below".to_owned());
    }
    if is_shared {
        return Some(
            "several secrets of the runbook are kept in this place, each of which would be written over the others"
                .to_owned(),
        );
    }
    if matches!(spec.shape, SecretShape::SealedKeys { .. }) && !from.keys.is_empty() {
        return Some("`keys` would leave out each new generation".to_owned());
    }
    from.path
        .ends_with('/')
        .then(|| "a folder is read as one secret, and not written".into())
}

/// Looks whether what the cluster has not is stored all the same.
async fn absent(spots: &mut [Spot<'_>], live: &Live) {
    let gone = chosen(spots, |spot| !live.secrets.contains_key(spot.name));
    let seen = look_all(requests(spots, &gone)).await;
    for (at, seen) in gone.into_iter().zip(seen) {
        spots[at].state = Some(match seen {
            Ok(_) => State::ByHand {
                why: "the cluster has none, and a restore would bring this one back: take it away if it is not wanted any more".to_owned(),
            },
            Err(error) if is_nothing(error.kind()) => State::Absent,
            Err(error) => State::of(error),
        });
    }
}

/// Returns the numbers of those that nothing is known of yet and that are so.
fn chosen<'run>(spots: &[Spot<'run>], is: impl Fn(&Spot<'run>) -> bool) -> Vec<usize> {
    let all: BTreeSet<usize> = (0..spots.len()).collect();
    all.into_iter()
        .filter(|at| spots[*at].is_open() && is(&spots[*at]))
        .collect()
}

fn requests<'spots>(spots: &'spots [Spot<'_>], chosen: &[usize]) -> Vec<Request<'spots>> {
    let request = |at: &usize| Request {
        store: spots[*at].store,
        wanted: Wanted {
            path: &spots[*at].from.path,
            version: spots[*at].from.version.as_deref(),
        },
    };
    chosen.iter().map(request).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pairs: &[(&str, &str)]) -> BTreeMap<String, Secret> {
        let pairs = pairs.iter();
        pairs
            .map(|(key, value)| ((*key).to_owned(), Secret::from(*value)))
            .collect()
    }

    #[test]
    fn no_generation_of_keys_is_dropped_or_mixed_with_another() {
        let stored = set(&[
            ("old.tls.crt", "c1"),
            ("old.tls.key", "k1"),
            ("own.tls.crt", "c2"),
            ("own.tls.key", "k2"),
        ]);
        let mut wanted = set(&[
            ("new.tls.crt", "c3"),
            ("new.tls.key", "k3"),
            ("own.tls.crt", "c2"),
            ("own.tls.key", "k2"),
        ]);
        assert_eq!(keep_generations(&mut wanted, &stored), None);
        assert_eq!(
            sealed::names(&wanted).into_iter().collect::<Vec<_>>(),
            ["new", "old", "own"]
        );
        let mut wanted = set(&[("own.tls.crt", "c9"), ("own.tls.key", "k9")]);
        let doubt = keep_generations(&mut wanted, &stored).unwrap();
        assert!(
            doubt.contains("another pair of the same name") && doubt.ends_with(": own"),
            "{doubt}"
        );
        assert!(wanted["own.tls.crt"] == Secret::from("c9") && wanted["own.tls.key"] == Secret::from("k9"));
    }
}
