//! Looks at every place.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::super::stores::{amiss, amiss_together, closed, learn, taken, with_set};
use super::told::{Credential, Lack, Place, Seen, Survey};
use crate::finding::Finding;
use crate::object::ObjectRef;
use crate::platform::flux::{Decryption, check_decryption, check_kustomizations};
use crate::redact::{Redactor, Secret};
use crate::runbook::{From, Runbook, SecretShape, SecretSpec, Store as Configured, StoreKind};
use crate::secrets::{self, Error, ErrorKind, Request, Store, Stored, Wanted, look_all, read_all};

/// The values at a place.
type Values<'run> = (&'run From, BTreeMap<String, Secret>);

/// What was seen at a place.
type Sight<'run> = (&'run From, Result<Seen, Error>);

/// One place, with the secret that it is a place of.
type Spot<'run> = (&'run String, &'run SecretSpec, &'run From);

/// Looks at every place from which the runbook reads a secret. Only reads; the redactor learns what is read. What is to be decrypted
/// with a secret is held against it.
pub async fn survey(
    runbook: &Runbook,
    stores: &[Arc<dyn Store>],
    redactor: &Redactor,
    now: Timestamp,
    reads_all: bool,
    decryptions: &[Decryption],
) -> Survey {
    let closed = closed(stores.iter()).await;
    let (reads, looks): (Vec<Spot<'_>>, Vec<Spot<'_>>) = runbook
        .secrets
        .iter()
        .flat_map(|(name, spec)| spec.from.iter().map(move |from| (name, spec, from)))
        .partition(|(name, spec, from)| {
            let opens = || used(name, spec, decryptions).next().is_some();
            reads_all || is_read(runbook, spec, from) || opens()
        });
    let (read, looked) = tokio::join!(
        ask(&reads, stores, &closed, read_all),
        ask(&looks, stores, &closed, look_all)
    );
    let mut places: BTreeMap<&str, Vec<Sight<'_>>> = BTreeMap::new();
    let mut values: BTreeMap<&String, Vec<Values<'_>>> = BTreeMap::new();
    for ((name, spec, from), result) in reads.into_iter().zip(read) {
        let seen = result.and_then(|stored: Stored| {
            let seen = found(stored.seen(), true);
            let data = with_set(spec, taken(stored, from, redactor)?);
            learn(redactor, spec, &data);
            values.entry(name).or_default().push((from, data));
            Ok(seen)
        });
        places.entry(name).or_default().push((from, seen));
    }
    for ((name, _, from), result) in looks.into_iter().zip(looked) {
        places
            .entry(name)
            .or_default()
            .push((from, result.map(|seen| found(seen, false))));
    }
    let secrets = runbook.secrets.iter().map(|(name, spec)| {
        let mut found = places.remove(name.as_str()).unwrap_or_default();
        found.sort_by_key(|(from, _)| spec.from.iter().position(|known| known == *from));
        let values = values.get(name).map_or(&[][..], Vec::as_slice);
        Credential {
            name: name.clone(),
            kind: spec.shape.word(),
            optional: spec.optional,
            places: found
                .into_iter()
                .map(|(from, seen)| Place {
                    store: from.store.clone(),
                    path: from.path.clone(),
                    seen: seen.unwrap_or_else(|error| Seen::Lacking {
                        how: Lack::of(error.kind()),
                        failure: error.into(),
                    }),
                })
                .collect(),
            findings: judged(name, spec, values, now, decryptions),
        }
    });
    let secrets = secrets.collect();
    // What a restore would take: the first place that gives it.
    let taken = values
        .iter()
        .filter_map(|(name, values)| Some((*name, runbook.secrets.get(*name)?, &values.first()?.1)));
    Survey {
        runbook: runbook.name.clone(),
        at: now,
        secrets,
        findings: amiss_together(taken)
            .into_iter()
            .chain(check_kustomizations(decryptions, |id| {
                runbook.secrets.iter().any(|(name, spec)| becomes(name, spec, id))
            }))
            .collect(),
    }
}

/// Whether a secret of the runbook becomes this Secret.
fn becomes(name: &str, spec: &SecretSpec, id: &ObjectRef) -> bool {
    matches!(&spec.shape, SecretShape::Kubernetes { namespace, name: given, .. }
        if *namespace == id.namespace && given.as_deref().unwrap_or(name) == id.name)
}

/// Returns what is decrypted with a secret.
fn used<'run>(
    name: &str,
    spec: &SecretSpec,
    decryptions: &'run [Decryption],
) -> impl Iterator<Item = &'run Decryption> {
    decryptions.iter().filter(move |one| {
        let secret = one.secret.as_ref().filter(|_| one.decrypts);
        secret.is_some_and(|secret| becomes(name, spec, secret))
    })
}

/// Whether the values of a place are to be read: where there is something to say of them, another place may hold others, or only reading
/// tells whether they can be had, which of files on this machine costs nobody anything.
fn is_read(runbook: &Runbook, spec: &SecretSpec, from: &From) -> bool {
    let is_plain = matches!(&spec.shape, SecretShape::Kubernetes { kind, .. } if kind == "Opaque");
    let is_file =
        |store: &Configured| matches!(store.kind, StoreKind::Sops(_) | StoreKind::Files(_) | StoreKind::Env(_));
    let is_here = runbook
        .stores
        .iter()
        .any(|store| store.name == from.store && is_file(store));
    !is_plain || is_here || !from.keys.is_empty() || spec.from.len() > 1
}

/// Asks of every spot whose store lets us in.
async fn ask<'run, Answer, Asked>(
    spots: &[Spot<'run>],
    stores: &'run [Arc<dyn Store>],
    closed: &BTreeMap<String, Error>,
    ask: impl FnOnce(Vec<Request<'run>>) -> Asked,
) -> Vec<Result<Answer, Error>>
where
    Asked: Future<Output = Vec<Result<Answer, Error>>>,
{
    let request = |from: &'run From| -> Result<Request<'run>, Error> {
        if let Some(error) = closed.get(&from.store) {
            return Err(error.clone());
        }
        let mut stores = stores.iter();
        let store = stores
            .find(|store| store.name() == from.store)
            .ok_or_else(|| Error::new(ErrorKind::Configuration, format!("there is no store {}", from.store)))?;
        let wanted = Wanted {
            path: &from.path,
            version: from.version.as_deref(),
        };
        Ok(Request {
            store: store.as_ref(),
            wanted,
        })
    };
    let requests: Vec<_> = spots.iter().map(|(_, _, from)| request(from)).collect();
    let mut answers = ask(requests
        .iter()
        .filter_map(|request| request.as_ref().ok().copied())
        .collect())
    .await
    .into_iter();
    let unanswered = || Error::new(ErrorKind::Answer, "it was asked of, and nothing was answered");
    requests
        .into_iter()
        .map(|request| request.and_then(|_| answers.next().unwrap_or_else(|| Err(unanswered()))))
        .collect()
}

fn found(seen: secrets::Seen, read: bool) -> Seen {
    Seen::Found {
        version: seen.version,
        written: seen.written,
        read,
        readable: seen.readable,
    }
}

/// Returns what is wrong with what the places hold, and where they differ.
fn judged(
    name: &str,
    spec: &SecretSpec,
    values: &[Values<'_>],
    now: Timestamp,
    decryptions: &[Decryption],
) -> Vec<Finding> {
    let Some(((first, data), others)) = values.split_first() else {
        return Vec::new();
    };
    let wrong = |data: &BTreeMap<String, Secret>| {
        let mut found = amiss(name, spec, data, now);
        found.extend(check_decryption(name, data, used(name, spec, decryptions)));
        found
    };
    let mut findings = wrong(data);
    for (other, theirs) in others {
        let keys: Vec<&str> = data
            .keys()
            .chain(theirs.keys().filter(|key| !data.contains_key(*key)))
            .filter(|key| data.get(*key) != theirs.get(*key))
            .map(String::as_str)
            .collect();
        if !keys.is_empty() {
            let message = format!(
                "secret `{name}`: {} in store {} differs from {} in store {}: {}",
                other.path,
                other.store,
                first.path,
                first.store,
                keys.join(", ")
            );
            let help = "a restore takes the first that answers: store the same in both, or leave the stale one out";
            findings.push(Finding::warning("secret/places-differ", message).help(help));
        }
        // What is wrong with both is told once.
        for finding in wrong(theirs) {
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
    }
    findings
}
