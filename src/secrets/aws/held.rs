//! What a secret of AWS holds.

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueOutput;
use aws_sdk_secretsmanager::primitives::{Blob, DateTime};
use aws_sdk_secretsmanager::types::SecretValueEntry;
use jiff::Timestamp;
use serde_json::Value;

use crate::redact::Secret;
use crate::secrets::texts::texts;
use crate::secrets::{Stored, WHOLE};

/// A value as AWS gives it, by itself or among others.
pub(super) struct Held {
    text: Option<Secret>,
    binary: Option<Secret>,
    version: Option<String>,
    written: Option<Timestamp>,
}

/// Why a value is not understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Odd {
    /// The number at this key has more digits than survive reading.
    Number(String),
    /// There is neither a text nor bytes.
    Nothing,
}

impl Held {
    fn of(text: Option<String>, binary: Option<Blob>, version: Option<String>, created: Option<DateTime>) -> Self {
        Self {
            text: text.map(Secret::new),
            binary: binary.map(|blob| Secret::new(blob.into_inner())),
            version,
            written: created.as_ref().and_then(moment),
        }
    }

    /// Returns it by its keys: those of a JSON object, or one for the whole.
    pub(super) fn stored(self) -> Result<Stored, Odd> {
        let data = match (self.text, self.binary) {
            (Some(text), _) => match serde_json::from_slice(text.expose()) {
                Ok(Value::Object(object)) => texts(object).map_err(Odd::Number)?,
                _ => whole(text),
            },
            (None, Some(bytes)) => whole(bytes),
            (None, None) => return Err(Odd::Nothing),
        };
        Ok(Stored {
            data,
            version: self.version,
            written: self.written,
        })
    }
}

fn whole(value: Secret) -> BTreeMap<String, Secret> {
    BTreeMap::from([(WHOLE.to_owned(), value)])
}

impl From<GetSecretValueOutput> for Held {
    fn from(all: GetSecretValueOutput) -> Self {
        Self::of(all.secret_string, all.secret_binary, all.version_id, all.created_date)
    }
}

impl From<SecretValueEntry> for Held {
    fn from(all: SecretValueEntry) -> Self {
        Self::of(all.secret_string, all.secret_binary, all.version_id, all.created_date)
    }
}

/// Returns a time of AWS's.
pub(super) fn moment(time: &DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(text: Option<&str>, binary: Option<&[u8]>) -> Held {
        Held {
            text: text.map(Secret::from),
            binary: binary.map(Secret::new),
            version: Some("v".to_owned()),
            written: None,
        }
    }

    #[test]
    fn a_json_object_has_its_keys_and_anything_else_is_whole_to_the_last_byte() {
        for (held, expected) in [
            (
                held(
                    Some(r#"{"user": "dr", "port": 5432, "tls": true, "none": null, "in": {"a": [1]}}"#),
                    None,
                ),
                vec![
                    ("in", r#"{"a":[1]}"#.as_bytes()),
                    ("port", b"5432"),
                    ("tls", b"true"),
                    ("user", b"dr"),
                ],
            ),
            (held(Some("{}"), None), vec![]),
            (held(Some("hunter2 \n"), None), vec![("value", b"hunter2 \n")]),
            (held(Some(""), None), vec![("value", b"")]),
            (held(Some("5432"), None), vec![("value", b"5432")]),
            (held(Some("[\"a\"]"), None), vec![("value", b"[\"a\"]")]),
            (held(Some("{\"a\": "), None), vec![("value", b"{\"a\": ")]),
            (held(None, Some(b"\x00\xff{")), vec![("value", b"\x00\xff{")]),
            // Bytes are never taken apart, even where they are a JSON object.
            (held(None, Some(b"{\"a\":\"b\"}")), vec![("value", b"{\"a\":\"b\"}")]),
        ] {
            let stored = held.stored().unwrap();
            let found: Vec<_> = stored
                .data
                .iter()
                .map(|(key, value)| (key.as_str(), value.expose()))
                .collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn what_would_be_changed_by_reading_and_what_is_nothing_is_refused() {
        let number = held(Some(r#"{"pin": 123456789012345678901234}"#), None);
        assert_eq!(number.stored().unwrap_err(), Odd::Number("pin".to_owned()));
        assert_eq!(held(None, None).stored().unwrap_err(), Odd::Nothing);
    }
}
