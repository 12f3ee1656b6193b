//! What a store has to hold so that a restore takes these values: the reverse of [`taken`].

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use zeroize::Zeroize as _;

use super::taken;
use crate::redact::{Redactor, Secret};
use crate::runbook::{From, Taken};
use crate::secrets::{Error, ErrorKind, Stored};

/// Returns the whole of what is to be stored, of the values that a Secret has in the cluster and of what is stored now, of which stays what the
/// runbook does not take.
///
/// # Errors
/// [`ErrorKind::Configuration`] where the runbook makes values in a way that cannot be turned round, and
/// [`ErrorKind::NotText`] for bytes that cannot be where the runbook takes them from. No error quotes a value.
pub(in crate::steps) fn given(
    live: &BTreeMap<String, Secret>,
    from: &From,
    stored: Option<&Stored>,
) -> Result<BTreeMap<String, Secret>, Error> {
    if from.keys.is_empty() {
        return Ok(live.clone());
    }
    let mut given = stored.map(|stored| stored.data.clone()).unwrap_or_default();
    for (ours, taken) in &from.keys {
        let (Some(value), Taken::Key { key, field, base64 }) = (live.get(ours), taken) else {
            // A template is filled below; what the cluster does not have is found there too.
            continue;
        };
        let value = match base64 {
            true => Secret::new(STANDARD.encode(value.expose())),
            false => value.clone(),
        };
        let value = match field {
            Some(field) => placed(given.get(key), field, &value, key)?,
            None => value,
        };
        given.insert(key.clone(), value);
    }
    let whole = Stored {
        data: given,
        version: None,
        written: None,
    };
    // What is stored is right only if a restore makes the same of it.
    let restored = taken(whole.clone(), from, &Redactor::default());
    let differs = |ours: &&String| match &restored {
        Ok(restored) => restored.get(*ours) != live.get(*ours),
        Err(_) => true,
    };
    match from.keys.keys().find(differs) {
        None => Ok(whole.data),
        Some(ours) => Err(unturnable(ours, from)),
    }
}

/// Says that a value cannot be stored so that a restore would make the same of it.
fn unturnable(ours: &str, from: &From) -> Error {
    let error = Error::new(
        ErrorKind::Configuration,
        format!(
            "{} in store {} cannot be written so that `{ours}` becomes what it is in the cluster",
            from.path, from.store
        ),
    );
    match from.keys.get(ours) {
        Some(Taken::Template(_)) => error
            .because("it is made by a template, which cannot be turned round")
            .hint("store its parts by hand, or let the store hold the whole value"),
        _ => error
            .because("the Secret has no such key, or its value is not what the runbook takes it for")
            .hint("correct `keys` in the runbook"),
    }
}

/// Puts a text to a place in a JSON document: that which is stored, or a new one.
fn placed(document: Option<&Secret>, field: &str, value: &Secret, key: &str) -> Result<Secret, Error> {
    let odd = |what: &str| {
        Error::new(
            ErrorKind::NotText,
            format!("the value for {field} of {key} cannot be stored: {what}"),
        )
        .hint("leave `field` out, or add `base64: true`")
    };
    let text = value.expose_str().ok_or_else(|| odd("it is not text"))?;
    let mut json: Value = match document {
        Some(document) => {
            serde_json::from_slice(document.expose()).map_err(|_| odd("what is stored there is no JSON"))?
        }
        None => Value::Object(serde_json::Map::new()),
    };
    let mut at = &mut json;
    for part in field.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        at = match at {
            Value::Array(items) => part
                .parse::<usize>()
                .ok()
                .and_then(|index| items.get_mut(index))
                .ok_or_else(|| odd("the list there is too short"))?,
            Value::Object(fields) => fields.entry(part).or_insert(Value::Null),
            Value::Null => {
                *at = Value::Object(serde_json::Map::new());
                at.as_object_mut()
                    .ok_or_else(|| odd("there is no place for it"))?
                    .entry(part)
                    .or_insert(Value::Null)
            }
            _ => return Err(odd("there is no place for it")),
        };
    }
    // A number or an object stays one where it says the same.
    let says_the_same = match &*at {
        Value::String(_) | Value::Null => false,
        other => serde_json::to_string(other).is_ok_and(|other| other == text),
    };
    if !says_the_same {
        *at = Value::String(text.to_owned());
    }
    let whole = Secret::new(json.to_string());
    wipe(&mut json);
    Ok(whole)
}

/// Wipes the texts of a document from memory.
pub(in crate::steps) fn wipe(json: &mut Value) {
    match json {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::runbook::Part;

    fn secret(pairs: &[(&str, &str)]) -> BTreeMap<String, Secret> {
        let pairs = pairs.iter();
        pairs
            .map(|(key, value)| ((*key).to_owned(), Secret::from(*value)))
            .collect()
    }

    fn from(keys: &[(&str, Taken)]) -> From {
        From {
            store: "vault".into(),
            path: "dr/x".into(),
            version: None,
            keys: keys
                .iter()
                .map(|(key, taken)| ((*key).to_owned(), taken.clone()))
                .collect(),
        }
    }

    fn key(key: &str, field: Option<&str>, base64: bool) -> Taken {
        Taken::Key {
            key: key.into(),
            field: field.map(str::to_owned),
            base64,
        }
    }

    fn stored(pairs: &[(&str, &str)]) -> Stored {
        Stored {
            data: secret(pairs),
            version: None,
            written: None,
        }
    }

    #[test]
    fn without_keys_what_is_stored_is_what_the_cluster_has() {
        let live = secret(&[("a", "1")]);
        let given = given(&live, &from(&[]), Some(&stored(&[("gone", "x")]))).unwrap();
        assert!(given == live, "what the cluster no longer has is no longer stored");
    }

    #[test]
    fn what_the_runbook_does_not_take_stays_as_it_is_stored() {
        let live = secret(&[("password", "new"), ("token", "t"), ("port", "5432")]);
        let from = from(&[
            ("password", key("config", Some("/db/password"), false)),
            ("port", key("config", Some("/db/port"), false)),
            ("token", key("encoded", None, true)),
        ]);
        let before = stored(&[
            ("config", r#"{"db":{"password":"old","port":5432,"host":"h"}}"#),
            ("other", "o"),
        ]);
        let given = given(&live, &from, Some(&before)).unwrap();
        let expected = secret(&[
            ("config", r#"{"db":{"password":"new","port":5432,"host":"h"}}"#),
            ("encoded", "dA=="),
            ("other", "o"),
        ]);
        assert!(given == expected);
        let given = super::given(&live, &from, None).unwrap();
        assert!(given["config"] == Secret::from(r#"{"db":{"password":"new","port":"5432"}}"#));
    }

    #[test]
    fn what_cannot_be_turned_round_is_refused_unless_it_fits_already() {
        let url = from(&[(
            "url",
            Taken::Template(vec![Part::Text("pg://".into()), Part::Key("user".into())]),
        )]);
        let live = secret(&[("url", "pg://dr")]);
        assert!(given(&live, &url, Some(&stored(&[("user", "dr")]))).is_ok());
        for (from, before, kind) in [
            (
                url.clone(),
                Some(stored(&[("user", "another")])),
                ErrorKind::Configuration,
            ),
            (url, None, ErrorKind::Configuration),
            (
                from(&[("nobody", key("x", None, false))]),
                None,
                ErrorKind::Configuration,
            ),
            (
                from(&[("url", key("x", Some("/a"), false))]),
                Some(stored(&[("x", "no JSON")])),
                ErrorKind::NotText,
            ),
            (
                from(&[("url", key("x", Some("/a/b"), false))]),
                Some(stored(&[("x", r#"{"a": 1}"#)])),
                ErrorKind::NotText,
            ),
        ] {
            let error = given(&live, &from, before.as_ref()).unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(!format!("{error:?}").contains("pg://"), "{error:?}");
        }
    }

    proptest! {
        /// Whatever is captured a restore makes the same of.
        #[test]
        fn a_restore_takes_what_was_captured(
            values in proptest::collection::btree_map("[a-z]{1,4}", proptest::collection::vec(any::<u8>(), 0..12), 1..6),
            shapes in proptest::collection::vec((any::<bool>(), any::<bool>()), 6),
        ) {
            let live: BTreeMap<String, Secret> =
                values.into_iter().map(|(key, value)| (key, Secret::new(value))).collect();
            let keys: Vec<(String, Taken)> = live.keys().zip(shapes).map(|(ours, (is_field, base64))| {
                let field = is_field.then(|| format!("/at/{ours}"));
                let key = if is_field { "document".to_owned() } else { format!("stored-{ours}") };
                (ours.clone(), Taken::Key { key, field, base64 })
            }).collect();
            let from = From { store: "vault".into(), path: "dr/x".into(), version: None, keys: keys.into_iter().collect() };
            match given(&live, &from, None) {
                Ok(data) => {
                    let whole = Stored { data, version: None, written: None };
                    prop_assert!(taken(whole, &from, &Redactor::default()).unwrap() == live);
                }
                // A field of JSON holds text alone.
                Err(error) => prop_assert_eq!(error.kind(), ErrorKind::NotText),
            }
        }
    }
}
