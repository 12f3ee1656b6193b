//! What becomes of values that were read: the redactor learns them, and they are held against what will read them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::finding::Finding;
use crate::platform::argocd::secret;
use crate::platform::sealed;
use crate::redact::{Redactor, Secret};
use crate::runbook::{SecretShape, SecretSpec};

/// Teaches the redactor what must never be seen: every value but those that are public by the secret's shape.
pub(in crate::steps) fn learn(redactor: &Redactor, spec: &SecretSpec, data: &BTreeMap<String, Secret>) {
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
pub(in crate::steps) fn with_set(spec: &SecretSpec, mut data: BTreeMap<String, Secret>) -> BTreeMap<String, Secret> {
    let set = spec.set.iter();
    data.extend(set.map(|(key, value)| (key.clone(), Secret::from(value.as_str()))));
    data
}

/// Holds one secret against what the API server takes and its agent understands.
pub(in crate::steps) fn amiss(
    name: &str,
    spec: &SecretSpec,
    data: &BTreeMap<String, Secret>,
    now: Timestamp,
) -> Vec<Finding> {
    match &spec.shape {
        SecretShape::Argocd(shape) => {
            let mut found = crate::platform::secret::check("Opaque", name, data, now);
            found.extend(secret::check(shape, name, data));
            found
        }
        SecretShape::SealedKeys { .. } => sealed::check(name, data, now),
        SecretShape::Kubernetes { kind, .. } => crate::platform::secret::check(kind, name, data, now),
    }
}

/// Holds all that Argo CD reads against each other.
pub(in crate::steps) fn amiss_together<'run>(
    all: impl IntoIterator<Item = (&'run String, &'run SecretSpec, &'run BTreeMap<String, Secret>)>,
) -> Vec<Finding> {
    let typed: Vec<_> = all
        .into_iter()
        .filter_map(|(name, spec, data)| match &spec.shape {
            SecretShape::Argocd(shape) => Some((name.as_str(), shape.as_str(), data)),
            SecretShape::SealedKeys { .. } | SecretShape::Kubernetes { .. } => None,
        })
        .collect();
    secret::check_together(&typed)
}
