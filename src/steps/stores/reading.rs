//! A reading of many secrets, each from the first of its places that has it.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;

use super::super::{Restored, World, findings};
use super::judged::{amiss, amiss_together, learn, with_set};
use super::taken::taken;
use crate::engine::Context;
use crate::event::Failure;
use crate::redact::Secret;
use crate::runbook::{From, Runbook, SecretSpec};
use crate::secrets::{Error, ErrorKind, Request, Store, Wanted, read_all};

/// What was read before the sources, and what waits for them.
#[derive(Debug, Default)]
pub struct Early {
    /// What was read, by name.
    pub(in crate::steps) restored: BTreeMap<String, Restored>,
    /// What waits, with the place of its `from` that is next.
    pub(super) waiting: Vec<(String, usize)>,
}

/// A reading of secrets under way.
pub(super) struct Reading<'run> {
    pub(super) world: &'run World,
    pub(super) runbook: &'run Runbook,
    pub(super) context: &'run Context,
    /// Whether the sources are fetched.
    pub(super) has_sources: bool,
}

/// A secret to read: its name, what the runbook says of it, and the place of its `from` that is next.
type Next<'run> = (&'run str, &'run SecretSpec, usize);

impl<'run> Reading<'run> {
    /// Reads secrets, each from the first of its places that has it. What is in a source waits for that; what opens a source does
    /// not, and is read from its other places.
    pub(super) async fn read(&self, names: Vec<(String, usize)>) -> Result<Early, Failure> {
        let mut wanted: Vec<Next<'run>> = names
            .iter()
            .filter_map(|(name, attempt)| {
                let (name, spec) = self.runbook.secrets.get_key_value(name)?;
                Some((name.as_str(), spec, *attempt))
            })
            .collect();
        let mut early = Early::default();
        let mut failures = Vec::new();
        self.put_off(&mut wanted, &mut early);
        let closed = self.closed(&wanted).await;
        // A store that nothing can be read from is a failure only if no other store has what it should give.
        while !wanted.is_empty() {
            let results = self.round(&wanted, &closed).await;
            let mut next = Vec::new();
            for ((name, spec, attempt), result) in std::mem::take(&mut wanted).into_iter().zip(results) {
                match result {
                    Ok(data) => {
                        let restored = self.restored(name, spec, attempt, data);
                        early.restored.insert(name.to_owned(), restored);
                    }
                    Err(error) if self.has_another(name, spec, attempt) => {
                        self.context
                            .notice(format!("Secret {name}: {error}; its next source is tried."));
                        next.push((name, spec, attempt + 1));
                    }
                    Err(error) if spec.optional => {
                        self.context
                            .notice(format!("Optional secret {name} is left out: {error}."));
                    }
                    Err(error) => failures.push((name, error)),
                }
            }
            wanted = next;
            self.put_off(&mut wanted, &mut early);
        }
        for remark in self.world.stores.iter().filter_map(|store| store.remark()) {
            self.context.notice(remark);
        }
        if failures.is_empty() {
            // In the order of names, however they came to wait.
            early.waiting.sort();
            return Ok(early);
        }
        let is_login = failures.iter().any(|(_, error)| error.kind() == ErrorKind::Login);
        let failure = unreadable(failures);
        Err(match self.world.earlier.get().and_then(|earlier| earlier.run.as_ref()) {
            Some(run) if is_login => failure.hint(format!(
                "each run reads the stores again, and run {run} has logged in before: what opens only once it has used up"
            )),
            _ => failure,
        })
    }

    /// Whether a secret can be read elsewhere still. What opens a source is not read from one.
    fn has_another(&self, name: &str, spec: &SecretSpec, attempt: usize) -> bool {
        let is_open = |from: &From| self.runbook.source_of(&from.store).is_none();
        let opens = self.runbook.opens_a_source(name);
        spec.from[attempt + 1..].iter().any(|from| !opens || is_open(from))
    }

    /// Takes out what waits for the sources.
    fn put_off(&self, wanted: &mut Vec<Next<'run>>, early: &mut Early) {
        if self.has_sources {
            return;
        }
        wanted.retain_mut(|(name, spec, attempt)| {
            let is_in_source = |from: &From| self.runbook.source_of(&from.store).is_some();
            if !spec.from.get(*attempt).is_some_and(is_in_source) {
                return true;
            }
            if self.runbook.opens_a_source(name) {
                // The check of the runbook has seen to it that there is another place.
                let other = spec.from[*attempt..].iter().position(|from| !is_in_source(from));
                if let Some(other) = other {
                    *attempt += other;
                    return true;
                }
            }
            early.waiting.push(((*name).to_owned(), *attempt));
            false
        });
    }

    /// Takes what was read of a secret.
    fn restored(&self, name: &str, spec: &SecretSpec, attempt: usize, data: BTreeMap<String, Secret>) -> Restored {
        let from = &spec.from[attempt];
        if attempt > 0 {
            self.context.notice(format!(
                "Secret {name} came from its fallback, {} {}.",
                from.store, from.path
            ));
        }
        let data = with_set(spec, data);
        learn(&self.world.redactor, spec, &data);
        Restored {
            data,
            store: from.store.clone(),
            path: from.path.clone(),
        }
    }

    /// Asks every store that may be read now whether it lets us in; returns those that do not.
    async fn closed(&self, wanted: &[Next<'run>]) -> BTreeMap<String, Error> {
        let is_read = |store: &&Arc<dyn Store>| {
            let mut places = wanted.iter().flat_map(|(_, spec, attempt)| &spec.from[*attempt..]);
            let can_be = self.has_sources || self.runbook.source_of(store.name()).is_none();
            can_be && places.any(|from| from.store == store.name())
        };
        closed(self.world.stores.iter().filter(is_read)).await
    }

    /// Reads one source of each secret, all at once.
    async fn round(
        &self,
        wanted: &[Next<'run>],
        closed: &BTreeMap<String, Error>,
    ) -> Vec<Result<BTreeMap<String, Secret>, Error>> {
        let round: Vec<&From> = wanted.iter().map(|(_, spec, attempt)| &spec.from[*attempt]).collect();
        let store = |name: &str| {
            self.world
                .stores
                .iter()
                .find(|store| store.name() == name)
                .map(|store| store.as_ref() as &dyn Store)
        };
        let open: Vec<_> = round
            .iter()
            .filter(|from| !closed.contains_key(&from.store))
            .filter_map(|from| {
                Some(Request {
                    store: store(&from.store)?,
                    wanted: Wanted {
                        path: &from.path,
                        version: from.version.as_deref(),
                    },
                })
            })
            .collect();
        let mut read = read_all(open).await.into_iter();
        round
            .iter()
            .map(|from| {
                if let Some(error) = closed.get(&from.store) {
                    return Err(error.clone());
                }
                let missing = || Error::new(ErrorKind::Configuration, format!("there is no store {}", from.store));
                let stored = if store(&from.store).is_some() {
                    read.next().ok_or_else(missing)??
                } else {
                    return Err(missing());
                };
                taken(stored, from, &self.world.redactor)
            })
            .collect()
    }

    /// Holds what was read against what the API server takes and the agent understands.
    pub(super) fn check(&self, restored: &BTreeMap<String, Restored>) -> Result<(), Failure> {
        let specified = || {
            restored
                .iter()
                .filter_map(|(name, restored)| Some((name, self.runbook.secrets.get(name)?, &restored.data)))
        };
        let now = self.context.clock().now();
        let mut found: Vec<_> = specified()
            .flat_map(|(name, spec, data)| amiss(name, spec, data, now))
            .collect();
        found.extend(amiss_together(specified()));
        findings::judge("what the stores hold cannot be restored as it is", &found, |notice| {
            self.context.notice(notice);
        })
    }
}

/// Asks stores whether they let us in; returns those that do not.
pub(in crate::steps) async fn closed<'run>(
    stores: impl Iterator<Item = &'run Arc<dyn Store>>,
) -> BTreeMap<String, Error> {
    let checks = stores.map(|store| async move { (store.name().to_owned(), store.check().await) });
    let checked = join_all(checks).await.into_iter();
    checked
        .filter_map(|(name, result)| Some((name, result.err()?)))
        .collect()
}

/// Lists everything that cannot be read, each cause once: a store that is down is one trouble, not seven.
fn unreadable(failures: Vec<(&str, Error)>) -> Failure {
    let mut by_error: Vec<(Failure, Vec<&str>)> = Vec::new();
    for (name, error) in failures {
        let failure = Failure::from(error);
        match by_error.iter_mut().find(|(known, _)| *known == failure) {
            Some((_, names)) => names.push(name),
            None => by_error.push((failure, vec![name])),
        }
    }
    let count: usize = by_error.iter().map(|(_, names)| names.len()).sum();
    let mut all = Failure::new(format!(
        "{count} {} cannot be read",
        if count == 1 { "secret" } else { "secrets" }
    ));
    for (failure, names) in by_error {
        all.causes.push(format!("{}: {}", names.join(", "), failure.words()));
        all.hints.extend(failure.hints);
    }
    all
}
