//! Reads every secret of the runbook, before anything is created: what cannot be had is known now.
//!
//! What stores keep in a source is read once the sources are fetched, and what opens these is read before. So there are two steps,
//! of which the second is there only where it is needed.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::join_all;

use super::{Restored, World, findings};
use crate::engine::{Context, Step};
use crate::event::{Effect, Failure, Outcome, Phase, PlannedStep};
use crate::platform::argocd::secret;
use crate::redact::Secret;
use crate::runbook::{From, Runbook, SecretShape, SecretSpec};
use crate::secrets::{Error, ErrorKind, Request, Store, Wanted, read_all};

/// Reads the stores.
pub struct ReadStores(pub Arc<World>);

/// Reads what stores keep in sources, once these are fetched.
pub struct ReadSources(pub Arc<World>);

/// What was read before the sources, and what waits for them.
#[derive(Debug, Default)]
pub struct Early {
    /// What was read, by name.
    pub(super) restored: BTreeMap<String, Restored>,
    /// What waits, with the place of its `from` that is next.
    waiting: Vec<(String, usize)>,
}

#[async_trait]
impl Step for ReadStores {
    fn planned(&self) -> PlannedStep {
        PlannedStep {
            id: "stores".into(),
            phase: Phase::Prepare,
            title: "read the secrets".into(),
            effect: Effect::Reads,
        }
    }

    async fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        context.unless_stopped(self.read(context)).await?
    }
}

#[async_trait]
impl Step for ReadSources {
    fn planned(&self) -> PlannedStep {
        PlannedStep {
            id: "sealed".into(),
            phase: Phase::Prepare,
            title: "read the secrets in the sources".into(),
            effect: Effect::Reads,
        }
    }

    async fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        context.unless_stopped(self.read(context)).await?
    }
}

impl ReadStores {
    async fn read(&self, context: &Context) -> Result<Outcome, Failure> {
        let world = &self.0;
        let runbook = world.runbook()?;
        if runbook.secrets.is_empty() {
            let _ = world.secrets.set(BTreeMap::new());
            return Ok(Outcome::Skipped {
                detail: "the runbook names no secrets".into(),
            });
        }
        let reading = Reading {
            world,
            runbook,
            context,
            has_sources: false,
        };
        let all = runbook.secrets.keys().map(|name| (name.clone(), 0)).collect();
        let read = reading.read(all).await?;
        let detail = counted(&read.restored);
        if read.waiting.is_empty() {
            reading.check(&read.restored)?;
            let _ = world.secrets.set(read.restored);
            return Ok(Outcome::Done { detail });
        }
        let waiting = format!("{} in the sources", read.waiting.len());
        let _ = world.early.set(read);
        Ok(Outcome::Done {
            detail: if detail.is_empty() {
                waiting
            } else {
                format!("{detail}, {waiting}")
            },
        })
    }
}

impl ReadSources {
    async fn read(&self, context: &Context) -> Result<Outcome, Failure> {
        let world = &self.0;
        let Some(early) = world.early.get() else {
            return Ok(Outcome::Skipped {
                detail: "all secrets have been read".into(),
            });
        };
        let reading = Reading {
            world,
            runbook: world.runbook()?,
            context,
            has_sources: true,
        };
        let read = reading.read(early.waiting.clone()).await?;
        let detail = counted(&read.restored);
        let mut restored = early.restored.clone();
        restored.extend(read.restored);
        reading.check(&restored)?;
        let _ = world.secrets.set(restored);
        Ok(Outcome::Done { detail })
    }
}

/// A reading of secrets under way.
struct Reading<'run> {
    world: &'run World,
    runbook: &'run Runbook,
    context: &'run Context,
    /// Whether the sources are fetched.
    has_sources: bool,
}

/// A secret to read: its name, what the runbook says of it, and the place of its `from` that is next.
type Next<'run> = (&'run str, &'run SecretSpec, usize);

impl<'run> Reading<'run> {
    /// Reads secrets, each from the first of its places that has it. What is in a source waits for that; what opens a source does
    /// not, and is read from its other places.
    async fn read(&self, names: Vec<(String, usize)>) -> Result<Early, Failure> {
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
                    Err(error) if attempt + 1 < spec.from.len() => {
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
        let mut data = data;
        data.extend(
            spec.set
                .iter()
                .map(|(key, value)| (key.clone(), Secret::from(value.as_str()))),
        );
        self.learn(spec, &data);
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
        let checks = self
            .world
            .stores
            .iter()
            .filter(is_read)
            .map(|store| async move { (store.name().to_owned(), store.check().await) });
        join_all(checks)
            .await
            .into_iter()
            .filter_map(|(name, result)| Some((name, result.err()?)))
            .collect()
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
        let mut read = read_all(&open).await.into_iter();
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
                if from.keys.is_empty() {
                    return Ok(stored.data);
                }
                let place = format!("{} in store {}", from.path, from.store);
                from.keys
                    .iter()
                    .map(|(ours, theirs)| Ok((ours.clone(), stored.value(theirs, ours, &place)?.clone())))
                    .collect()
            })
            .collect()
    }

    /// Teaches the redactor what must never be seen: every value but those that are public by the secret's shape.
    fn learn(&self, spec: &SecretSpec, data: &BTreeMap<String, Secret>) {
        for (key, value) in data {
            let public = spec.set.contains_key(key)
                || matches!(&spec.shape, SecretShape::Argocd(shape) if secret::is_public(shape, key));
            if !public {
                self.world.redactor.learn(value);
            }
        }
        if let SecretShape::Argocd(shape) = &spec.shape {
            for value in &secret::confidential(shape, data) {
                self.world.redactor.learn(value);
            }
        }
    }

    /// Holds what was read against what Argo CD understands.
    fn check(&self, restored: &BTreeMap<String, Restored>) -> Result<(), Failure> {
        let runbook = self.runbook;
        let typed: Vec<_> = restored
            .iter()
            .filter_map(|(name, restored)| match &runbook.secrets.get(name)?.shape {
                SecretShape::Argocd(shape) => Some((name.as_str(), shape.as_str(), &restored.data)),
                SecretShape::Kubernetes { .. } => None,
            })
            .collect();
        let mut found: Vec<_> = typed
            .iter()
            .flat_map(|(name, shape, data)| secret::check(shape, name, data))
            .collect();
        found.extend(secret::check_together(&typed));
        findings::judge("Argo CD would not understand what the stores hold", &found, |notice| {
            self.context.notice(notice);
        })
    }
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
        all.causes.push(format!("{}: {}", names.join(", "), failure.message));
        all.causes.extend(failure.causes);
        all.hints.extend(failure.hints);
    }
    all
}

fn counted(restored: &BTreeMap<String, Restored>) -> String {
    let mut by_store: BTreeMap<&str, usize> = BTreeMap::new();
    for secret in restored.values() {
        *by_store.entry(secret.store.as_str()).or_default() += 1;
    }
    by_store
        .iter()
        .map(|(store, count)| format!("{count} from {store}"))
        .collect::<Vec<_>>()
        .join(", ")
}
