//! A digest over what objects are, not over how they were written.

use std::fmt::Write as _;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::object::Manifest;

/// Returns `sha256:…` over the objects as JSON with sorted keys, the objects sorted too. The order in which they were
/// written, comments and spacing do not change it; a second copy of an object does.
pub(super) fn digest<'objects>(objects: impl Iterator<Item = &'objects Manifest>) -> String {
    let mut written: Vec<_> = objects
        .map(|object| {
            let mut text = String::new();
            write(object.value(), &mut text);
            (object.id(), text)
        })
        .collect();
    written.sort();
    let mut hash = Sha256::new();
    for (_, text) in &written {
        hash.update(text.as_bytes());
        hash.update(b"\n");
    }
    let mut digest = "sha256:".to_owned();
    for byte in hash.finalize() {
        let _ = write!(digest, "{byte:02x}");
    }
    digest
}

/// Writes a value as JSON with sorted keys and without spacing.
fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut keys: Vec<&String> = fields.keys().collect();
            keys.sort();
            out.push('{');
            for (index, key) in keys.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                let _ = write!(out, "{}:", Value::from(key.as_str()));
                write(&fields[key], out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        scalar => {
            let _ = write!(out, "{scalar}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Origin;
    use proptest::prelude::*;
    use serde_json::{Map, json};

    fn scalar() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-z\"\\n]{0,6}".prop_map(Value::from),
        ]
    }

    fn value() -> impl Strategy<Value = Value> {
        scalar().prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z]{1,4}", inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    /// Writes every mapping the other way round.
    fn reversed(value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                let turned: Map<_, _> = fields
                    .iter()
                    .rev()
                    .map(|(key, value)| (key.clone(), reversed(value)))
                    .collect();
                Value::Object(turned)
            }
            Value::Array(items) => items.iter().map(reversed).collect(),
            scalar => scalar.clone(),
        }
    }

    fn object((index, spec): (usize, Value)) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("c{}", index / 2)}, "data": spec})
    }

    fn of(values: &[Value], file: &str) -> String {
        let origin = Origin {
            file: file.to_owned(),
            line: values.len(),
        };
        let manifests: Vec<_> = values
            .iter()
            .map(|value| Manifest::new(value.clone(), origin.clone()).unwrap())
            .collect();
        digest(manifests.iter())
    }

    proptest! {
        #[test]
        fn the_order_of_documents_and_keys_does_not_matter(specs in prop::collection::vec(value(), 0..6), seed in any::<u64>()) {
            let objects: Vec<Value> = specs.into_iter().enumerate().map(object).collect();
            let mut shuffled: Vec<Value> = objects.iter().map(reversed).collect();
            let turn = usize::try_from(seed % 7).unwrap_or(0) % shuffled.len().max(1);
            shuffled.rotate_left(turn);
            if seed % 2 == 0 {
                shuffled.reverse();
            }
            prop_assert_eq!(of(&objects, "a.yaml"), of(&shuffled, "b.yaml"));
        }

        #[test]
        fn every_change_of_a_value_matters(specs in prop::collection::vec(value(), 1..4), other in value()) {
            let objects: Vec<Value> = specs.into_iter().enumerate().map(object).collect();
            let mut changed = objects.clone();
            prop_assume!(changed[0]["data"] != other);
            changed[0]["data"] = other;
            prop_assert_ne!(of(&objects, ""), of(&changed, ""));
        }
    }

    #[test]
    fn the_digest_is_a_promise() {
        // A pinned digest of a runbook must hold across releases.
        let object =
            json!({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "a", "labels": {"b": "1", "a": "2"}}});
        let text = r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"labels":{"a":"2","b":"1"},"name":"a"}}"#;
        let expected = Sha256::digest(format!("{text}\n"))
            .iter()
            .fold("sha256:".to_owned(), |text, byte| text + &format!("{byte:02x}"));
        assert_eq!(of(&[object], ""), expected);
    }
}
