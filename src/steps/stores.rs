//! Reads every secret of the runbook, before anything is created: what cannot be had is known now.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::join_all;
use jiff::Timestamp;

use super::taken::taken;
use super::{Restored, World, findings, homes};
use crate::engine::{Context, Step};
use crate::event::{Effect, Failure, Outcome, Phase, PlannedStep};
use crate::finding::Finding;
use crate::platform::argocd::secret;
use crate::redact::{Redactor, Secret};
use crate::runbook::{From, SecretShape, SecretSpec};
use crate::secrets::{Error, ErrorKind, Request, Store, Wanted, read_all};

/// Reads the stores.
pub struct ReadStores(pub Arc<World>);

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

impl ReadStores {
    async fn read(&self, context: &Context) -> Result<Outcome, Failure> {
        let runbook = self.0.runbook()?;
        if runbook.secrets.is_empty() {
            let _ = self.0.secrets.set(BTreeMap::new());
            return Ok(Outcome::Skipped {
                detail: "the runbook names no secrets".into(),
            });
        }
        homes::apart(&self.0).await?;
        let closed = closed(&self.0.stores).await;
        // A store that nothing can be read from is a failure only if no other store has what it should give.
        let mut restored = BTreeMap::new();
        let mut failures = Vec::new();
        let mut wanted: Vec<(&String, &SecretSpec)> = runbook.secrets.iter().collect();
        for attempt in 0.. {
            let round: Vec<_> = wanted
                .iter()
                .filter_map(|(name, spec)| Some((*name, *spec, spec.from.get(attempt)?)))
                .collect();
            if round.is_empty() {
                break;
            }
            let mut next = Vec::new();
            for ((name, spec, from), result) in round.iter().zip(self.round(&round, &closed).await) {
                match result {
                    Ok(data) => {
                        if attempt > 0 {
                            context.notice(format!(
                                "Secret {name} came from its fallback, {} {}.",
                                from.store, from.path
                            ));
                        }
                        let data = with_set(spec, data);
                        learn(&self.0.redactor, spec, &data);
                        restored.insert(
                            (*name).clone(),
                            Restored {
                                data,
                                store: from.store.clone(),
                                path: from.path.clone(),
                            },
                        );
                    }
                    Err(error) if attempt + 1 < spec.from.len() => {
                        context.notice(format!("Secret {name}: {error}; its next source is tried."));
                        next.push((*name, *spec));
                    }
                    Err(error) if spec.optional => {
                        context.notice(format!("Optional secret {name} is left out: {error}."));
                    }
                    Err(error) => failures.push((*name, error)),
                }
            }
            wanted = next;
        }
        for remark in self.0.stores.iter().filter_map(|store| store.remark()) {
            context.notice(remark);
        }
        if !failures.is_empty() {
            let is_login = failures.iter().any(|(_, error)| error.kind() == ErrorKind::Login);
            let failure = unreadable(failures);
            return Err(match self.0.earlier.get().and_then(|earlier| earlier.run.as_ref()) {
                Some(run) if is_login => failure.hint(format!(
                    "each run reads the stores again, and run {run} has logged in before: what opens only once it has used up"
                )),
                _ => failure,
            });
        }
        let specified = || {
            restored
                .iter()
                .filter_map(|(name, restored)| Some((name, runbook.secrets.get(name)?, &restored.data)))
        };
        let now = context.clock().now();
        let mut found: Vec<_> = specified()
            .flat_map(|(name, spec, data)| amiss(name, spec, data, now))
            .collect();
        found.extend(amiss_together(specified()));
        findings::judge("what the stores hold cannot be restored as it is", &found, |notice| {
            context.notice(notice);
        })?;
        let detail = counted(&restored);
        let _ = self.0.secrets.set(restored);
        Ok(Outcome::Done { detail })
    }

    /// Reads one source of each secret, all at once.
    async fn round(
        &self,
        round: &[(&String, &SecretSpec, &From)],
        closed: &BTreeMap<String, Error>,
    ) -> Vec<Result<BTreeMap<String, Secret>, Error>> {
        let store = |name: &str| {
            self.0
                .stores
                .iter()
                .find(|store| store.name() == name)
                .map(|store| store.as_ref() as &dyn Store)
        };
        let open: Vec<_> = round
            .iter()
            .filter(|(_, _, from)| !closed.contains_key(&from.store))
            .filter_map(|(_, _, from)| {
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
            .map(|(_, _, from)| {
                if let Some(error) = closed.get(&from.store) {
                    return Err(error.clone());
                }
                let missing = || Error::new(ErrorKind::Configuration, format!("there is no store {}", from.store));
                let stored = if store(&from.store).is_some() {
                    read.next().ok_or_else(missing)??
                } else {
                    return Err(missing());
                };
                taken(stored, from)
            })
            .collect()
    }
}

/// Asks every store whether it lets us in; returns those that do not.
pub(super) async fn closed(stores: &[Box<dyn Store>]) -> BTreeMap<String, Error> {
    let checks = stores
        .iter()
        .map(|store| async move { (store.name().to_owned(), store.check().await) });
    let checked = join_all(checks).await.into_iter();
    checked
        .filter_map(|(name, result)| Some((name, result.err()?)))
        .collect()
}

/// Teaches the redactor what must never be seen: every value but those that are public by the secret's shape.
pub(super) fn learn(redactor: &Redactor, spec: &SecretSpec, data: &BTreeMap<String, Secret>) {
    for (key, value) in data {
        let public = spec.set.contains_key(key)
            || matches!(&spec.shape, SecretShape::Argocd(shape) if secret::is_public(shape, key));
        if !public {
            redactor.learn(value);
        }
    }
    if let SecretShape::Argocd(shape) = &spec.shape {
        for value in &secret::confidential(shape, data) {
            redactor.learn(value);
        }
    }
}

/// Returns what the store holds with what the runbook puts over it.
pub(super) fn with_set(spec: &SecretSpec, mut data: BTreeMap<String, Secret>) -> BTreeMap<String, Secret> {
    let set = spec.set.iter();
    data.extend(set.map(|(key, value)| (key.clone(), Secret::from(value.as_str()))));
    data
}

/// Holds one secret against what the API server takes and its agent understands.
pub(super) fn amiss(name: &str, spec: &SecretSpec, data: &BTreeMap<String, Secret>, now: Timestamp) -> Vec<Finding> {
    let mut found = crate::platform::secret::check(spec.shape.kind(), name, data, now);
    if let SecretShape::Argocd(shape) = &spec.shape {
        found.extend(secret::check(shape, name, data));
    }
    found
}

/// Holds all that Argo CD reads against each other.
pub(super) fn amiss_together<'run>(
    all: impl IntoIterator<Item = (&'run String, &'run SecretSpec, &'run BTreeMap<String, Secret>)>,
) -> Vec<Finding> {
    let typed: Vec<_> = all
        .into_iter()
        .filter_map(|(name, spec, data)| match &spec.shape {
            SecretShape::Argocd(shape) => Some((name.as_str(), shape.as_str(), data)),
            SecretShape::Kubernetes { .. } => None,
        })
        .collect();
    secret::check_together(&typed)
}

/// Lists everything that cannot be read, each cause once: a store that is down is one trouble, not seven.
fn unreadable(failures: Vec<(&String, Error)>) -> Failure {
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
