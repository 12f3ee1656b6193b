//! A set of keys, as a store holds it and as Secrets.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::platform::secret::{Data, decoded, encoded};
use crate::redact::Secret;

/// The label by which the controller finds its keys (`SealedSecretsKeyLabel`).
pub const KEY_LABEL: &str = "sealedsecrets.bitnami.com/sealed-secrets-key";

/// The one value of [`KEY_LABEL`] that the controller asks for (`keySelector`): a Secret with another is not loaded.
pub const ACTIVE: &str = "active";

/// The halves of a pair, as a Secret of the type `kubernetes.io/tls` names them.
pub(super) const HALVES: [&str; 2] = ["tls.crt", "tls.key"];

/// Returns the name of the Secret and the half that a key of the set stands for: `sealed-secrets-key5x8kq.tls.crt` is `tls.crt` of
/// `sealed-secrets-key5x8kq`. `None` where it is neither half of a pair.
pub(super) fn split(key: &str) -> Option<(&str, &'static str)> {
    HALVES.into_iter().find_map(|half| {
        let name = key.strip_suffix(half)?.strip_suffix('.')?;
        (!name.is_empty()).then_some((name, half))
    })
}

/// Returns the generations of a set, by the name of their Secret, each with the halves that are there.
pub(super) fn generations(set: &Data) -> BTreeMap<&str, Data> {
    let mut generations: BTreeMap<&str, Data> = BTreeMap::new();
    for (key, value) in set {
        if let Some((name, half)) = split(key) {
            let generation = generations.entry(name).or_default();
            generation.insert(half.to_owned(), value.clone());
        }
    }
    generations
}

/// Returns the names of the Secrets that a set becomes, in order.
pub fn names(set: &Data) -> BTreeSet<&str> {
    set.keys().filter_map(|key| Some(split(key)?.0)).collect()
}

/// Returns the Secrets of a set, in the order of their names: one for each generation, of the type `kubernetes.io/tls` and with
/// [`KEY_LABEL`]. What is neither half of a pair is in none of them.
pub fn manifests(namespace: &str, set: &Data) -> Vec<Value> {
    let generations = generations(set).into_iter();
    let manifest = |(name, data): (&str, Data)| {
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": namespace, "labels": {KEY_LABEL: ACTIVE}},
            "type": "kubernetes.io/tls",
            "data": encoded(&data),
        })
    };
    generations.map(manifest).collect()
}

/// Returns the set that Secrets make together: the inverse of [`manifests`]. Of each only its pair is taken, whatever its labels are.
pub fn data(secrets: &[Value]) -> Data {
    let mut set = Data::new();
    for secret in secrets {
        let Some(name) = secret["metadata"]["name"].as_str() else {
            continue;
        };
        let mut values = decoded(secret);
        let halves = HALVES.into_iter();
        let pair = halves.filter_map(|half| Some((format!("{name}.{half}"), values.remove(half)?)));
        set.extend(pair.collect::<Vec<(String, Secret)>>());
    }
    set
}

/// Returns those of the keys in a cluster that no set has, in order.
pub fn newcomers<'key>(there: impl IntoIterator<Item = &'key str>, known: &BTreeSet<&str>) -> Vec<&'key str> {
    let there: BTreeSet<&str> = there.into_iter().collect();
    there.into_iter().filter(|name| !known.contains(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pairs: &[(&str, &str)]) -> Data {
        let pairs = pairs.iter();
        pairs
            .map(|(key, value)| ((*key).to_owned(), Secret::from(*value)))
            .collect()
    }

    #[test]
    fn a_set_becomes_a_secret_for_each_generation_and_comes_back_from_them() {
        let stored = set(&[
            ("sealed-secrets-key.b.tls.key", "k2"),
            ("sealed-secrets-key.b.tls.crt", "c2"),
            ("sealed-secrets-keyaaaaa.tls.crt", "c1"),
            ("sealed-secrets-keyaaaaa.tls.key", "k1"),
        ]);
        let made = manifests("kube-system", &stored);
        let of = |name: &str, certificate: &str, key: &str| {
            json!({
                "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
                "metadata": {
                    "name": name, "namespace": "kube-system",
                    "labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"},
                },
                "data": {"tls.crt": certificate, "tls.key": key},
            })
        };
        assert_eq!(
            made,
            [
                of("sealed-secrets-key.b", "YzI=", "azI="),
                of("sealed-secrets-keyaaaaa", "YzE=", "azE="),
            ]
        );
        assert_eq!(data(&made), stored);
    }

    #[test]
    fn only_halves_of_a_pair_with_a_name_make_a_secret() {
        for (key, expected) in [
            ("a.tls.crt", Some(("a", "tls.crt"))),
            ("a.tls.key", Some(("a", "tls.key"))),
            ("a.b.tls.key", Some(("a.b", "tls.key"))),
            ("tls.crt", None),
            (".tls.crt", None),
            ("atls.crt", None),
            ("a.ca.crt", None),
            ("a.tls.crt.old", None),
        ] {
            assert_eq!(split(key), expected, "{key}");
        }
        assert_eq!(
            manifests("n", &set(&[("a.ca.crt", "x"), ("tls.key", "y")])),
            [Value::Null; 0]
        );
    }

    #[test]
    fn what_no_set_has_is_a_newcomer() {
        let known = BTreeSet::from(["old", "gone"]);
        assert_eq!(newcomers(["old", "b", "a", "b"], &known), ["a", "b"]);
        assert_eq!(newcomers(["old"], &known), [""; 0]);
    }
}
