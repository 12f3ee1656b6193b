//! The values of a secret, made of what a store holds as the runbook says.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::redact::{Redactor, Secret};
use crate::runbook::{From, Part, Taken};
use crate::secrets::{Error, ErrorKind, Stored};

/// Returns the values by the keys that they have in the cluster.
///
/// # Errors
/// [`ErrorKind::MissingKey`] for a key or field that is not there, [`ErrorKind::NotText`] for a value that is not what the runbook
/// takes it for. No error quotes a value. The redactor learns what values are made of: a part may be quoted alone.
pub(in crate::steps) fn taken(
    stored: Stored,
    from: &From,
    redactor: &Redactor,
) -> Result<BTreeMap<String, Secret>, Error> {
    if from.keys.is_empty() {
        return Ok(stored.data);
    }
    let place = format!("{} in store {}", from.path, from.store);
    for value in from.keys.values().flat_map(|taken| parts(taken, &stored)) {
        redactor.learn(value);
    }
    from.keys
        .iter()
        .map(|(ours, taken)| {
            let value = match taken {
                Taken::Key { key, field, base64 } => {
                    let value = stored.value(key, ours, &place)?;
                    let whose = format!("{key} of {place}");
                    let value = match field {
                        Some(field) => &within(value, field, &whose)?,
                        None => value,
                    };
                    if *base64 {
                        decoded(value, &whose)?
                    } else {
                        value.clone()
                    }
                }
                Taken::Template(parts) => filled(parts, ours, &stored, &place)?,
            };
            Ok((ours.clone(), value))
        })
        .collect()
}

/// Parts of values that are no secret by their names, and would make every line that holds one unreadable.
const PUBLIC: [&str; 8] = [
    "user", "username", "host", "hostname", "port", "url", "name", "database",
];

/// Returns what a value is made of that is not the value itself.
fn parts<'stored>(taken: &Taken, stored: &'stored Stored) -> Vec<&'stored Secret> {
    let keys: Vec<&String> = match taken {
        Taken::Template(parts) => parts
            .iter()
            .filter_map(|part| match part {
                Part::Key(key) => Some(key),
                Part::Text(_) => None,
            })
            .collect(),
        Taken::Key { key, field, base64 } if field.is_some() || *base64 => vec![key],
        Taken::Key { .. } => Vec::new(),
    };
    let is_secret = |key: &&String| !PUBLIC.contains(&key.to_lowercase().as_str());
    keys.into_iter()
        .filter(is_secret)
        .filter_map(|key| stored.data.get(key))
        .collect()
}

/// Returns what is in a JSON value at a JSON pointer: text as it is, all else as JSON.
fn within(value: &Secret, field: &str, whose: &str) -> Result<Secret, Error> {
    // What serde_json says of a text that is no JSON may quote it.
    let Ok(json) = serde_json::from_slice::<Value>(value.expose()) else {
        return Err(Error::new(
            ErrorKind::NotText,
            format!("{whose} is not JSON, and {field} is wanted of it"),
        )
        .hint("leave `field` out, or store a JSON document"));
    };
    match json.pointer(field) {
        Some(Value::String(text)) => Ok(Secret::from(text.as_str())),
        Some(other) if !other.is_null() => Ok(Secret::new(other.to_string())),
        _ => {
            let error = Error::new(ErrorKind::MissingKey, format!("{whose} has nothing at {field}"));
            let error = match &json {
                Value::Object(fields) => {
                    let names: Vec<_> = fields.keys().map(|name| format!("/{name}")).collect();
                    error.because(format!("at its top it has {}", names.join(", ")))
                }
                _ => error.because("it is no JSON object"),
            };
            Err(error.hint("`field` is a JSON pointer: /data/password"))
        }
    }
}

fn decoded(value: &Secret, whose: &str) -> Result<Secret, Error> {
    // Line breaks are what `base64` puts in after 76 letters.
    let letters: Zeroizing<Vec<u8>> = Zeroizing::new(
        value
            .expose()
            .iter()
            .copied()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect(),
    );
    STANDARD.decode(&*letters).map(Secret::new).map_err(|_| {
        Error::new(ErrorKind::NotText, format!("{whose} is not base64"))
            .hint("leave `base64` out, or store it as `base64` prints it")
    })
}

/// Fills a template.
fn filled(parts: &[Part], ours: &str, stored: &Stored, place: &str) -> Result<Secret, Error> {
    // As large as it will be: what grows leaves copies behind that nobody wipes.
    let mut values: Vec<&[u8]> = Vec::with_capacity(parts.len());
    for part in parts {
        values.push(match part {
            Part::Text(text) => text.as_bytes(),
            Part::Key(key) => stored.value(key, ours, place)?.expose(),
        });
    }
    Ok(Secret::new(values.concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored() -> Stored {
        let values = [
            ("user", "dr"),
            ("password", "pä}ss"),
            (
                "config",
                r#"{"data": {"token": "abc", "ttl": 3, "none": null}, "a/b": [1]}"#,
            ),
            ("encoded", "cMOkc3M=\n"),
            ("binary", "AP+A"),
        ];
        Stored {
            data: values.map(|(key, value)| (key.to_owned(), Secret::from(value))).into(),
            version: None,
            written: None,
        }
    }

    fn take(taken: Taken) -> Result<Secret, Error> {
        let from = From {
            store: "vault".into(),
            path: "dr/x".into(),
            version: None,
            keys: [("ours".to_owned(), taken)].into(),
        };
        super::taken(stored(), &from, &Redactor::default()).map(|mut values| values.remove("ours").unwrap())
    }

    fn key(key: &str, field: Option<&str>, base64: bool) -> Taken {
        Taken::Key {
            key: key.into(),
            field: field.map(str::to_owned),
            base64,
        }
    }

    fn key_of(key: &str) -> Part {
        Part::Key(key.into())
    }

    #[test]
    fn without_keys_the_whole_secret_is_taken() {
        let from = From {
            store: "vault".into(),
            path: "dr/x".into(),
            version: None,
            keys: BTreeMap::new(),
        };
        assert_eq!(taken(stored(), &from, &Redactor::default()).unwrap(), stored().data);
    }

    #[test]
    fn a_value_is_a_key_a_field_of_it_what_it_stands_for_or_made_of_several() {
        for (taken, expected) in [
            (key("password", None, false), "pä}ss".as_bytes()),
            (key("config", Some("/data/token"), false), b"abc"),
            (key("config", Some("/data/ttl"), false), b"3"),
            (key("config", Some("/a~1b"), false), b"[1]"),
            (key("encoded", None, true), "päss".as_bytes()),
            (key("binary", None, true), &[0, 255, 128]),
            (
                Taken::Template(vec![key_of("user"), Part::Text(":".into()), key_of("password")]),
                "dr:pä}ss".as_bytes(),
            ),
            (Taken::Template(vec![]), b""),
        ] {
            assert!(take(taken.clone()).unwrap().expose() == expected, "{taken:?}");
        }
    }

    #[test]
    fn a_part_of_a_value_is_masked_as_the_value_is() {
        let redactor = Redactor::default();
        let from = From {
            store: "vault".into(),
            path: "dr/x".into(),
            version: None,
            keys: [("url".to_owned(), Taken::Template(vec![key_of("user"), key_of("token")]))].into(),
        };
        let stored = Stored {
            data: [("user", "operator"), ("token", "hunter2hunter2")]
                .map(|(key, value)| (key.to_owned(), Secret::from(value)))
                .into(),
            version: None,
            written: None,
        };
        super::taken(stored, &from, &redactor).unwrap();
        assert_eq!(
            redactor.redact("operator said hunter2hunter2"),
            format!("operator said {}", crate::redact::MASK)
        );
    }

    #[test]
    fn what_cannot_be_taken_is_told_without_a_value() {
        for (taken, kind, message) in [
            (
                key("pasword", None, false),
                ErrorKind::MissingKey,
                "dr/x in store vault has no key pasword",
            ),
            (
                key("password", Some("/x"), false),
                ErrorKind::NotText,
                "password of dr/x in store vault is not JSON, and /x is wanted of it",
            ),
            (
                key("config", Some("/data/none"), false),
                ErrorKind::MissingKey,
                "config of dr/x in store vault has nothing at /data/none",
            ),
            (
                key("config", Some("data"), false),
                ErrorKind::MissingKey,
                "config of dr/x in store vault has nothing at data",
            ),
            (
                key("password", None, true),
                ErrorKind::NotText,
                "password of dr/x in store vault is not base64",
            ),
            (
                Taken::Template(vec![key_of("nobody")]),
                ErrorKind::MissingKey,
                "dr/x in store vault has no key nobody",
            ),
        ] {
            let error = take(taken.clone()).unwrap_err();
            assert_eq!((error.kind(), error.to_string().as_str()), (kind, message), "{taken:?}");
            let told = format!("{error:?}");
            assert!(!told.contains("ss") || !told.contains("pä"), "{told}");
        }
    }
}
