//! A file as SOPS sees it: a tree of values in their order, and what it says of its encryption.

use std::fmt;

use super::format::Format;
use super::metadata::Metadata;
use super::{dotenv, ini, json, yaml};
use crate::redact::Secret;

/// A value in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// Nothing; SOPS neither encrypts nor counts it.
    Null,
    /// One value.
    Leaf(Leaf),
    /// A list.
    List(Vec<Value>),
    /// Keys with their values.
    Map(Vec<(String, Value)>),
}

/// One value, open or encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leaf {
    /// Its text; of a flag `true` or `false`.
    pub(super) text: Secret,
    /// What it is.
    pub(super) kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Flag,
}

impl Leaf {
    /// Takes a text.
    pub(super) fn text(text: impl Into<Vec<u8>>) -> Self {
        Self {
            text: Secret::new(text),
            kind: Kind::Text,
        }
    }

    /// Takes a number as it is written.
    pub(super) fn number(text: impl fmt::Display) -> Self {
        Self {
            text: Secret::new(text.to_string()),
            kind: Kind::Number,
        }
    }

    /// Takes a flag.
    pub(super) fn flag(flag: bool) -> Self {
        Self {
            text: Secret::from(if flag { "true" } else { "false" }),
            kind: Kind::Flag,
        }
    }
}

impl Value {
    /// Returns the value at a key of a mapping.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => entries.iter().find(|(known, _)| known == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Returns it as text, where it is one value that is text.
    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Leaf(leaf) => leaf.text.expose_str(),
            _ => None,
        }
    }
}

/// Why a file was not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unread {
    /// It was not encrypted by SOPS.
    Plain,
    /// It is not of its format; the words quote nothing of it.
    Broken(String),
    /// It holds what we are not certain to read as SOPS does; the words quote nothing of it.
    Unsure(String),
}

/// A file that was read.
#[derive(Debug)]
pub(super) struct Document {
    /// Its values, without what SOPS has added.
    pub(super) tree: Value,
    /// What it says of its encryption.
    pub(super) metadata: Metadata,
}

impl Document {
    /// Reads a file.
    pub(super) fn read(text: &[u8], format: Format) -> Result<Self, Unread> {
        let Ok(text) = std::str::from_utf8(text) else {
            // What SOPS writes is text in every format.
            return Err(if format == Format::Binary {
                Unread::Plain
            } else {
                Unread::Broken("it is no text".into())
            });
        };
        let (tree, said) = match format {
            Format::Yaml => own(yaml::read(text)?)?,
            Format::Json => own(json::read(text)?)?,
            Format::Binary => own(json::read(text).map_err(|_| Unread::Plain)?)?,
            Format::Dotenv => dotenv::read(text)?,
            Format::Ini => ini::read(text)?,
        };
        Ok(Self {
            tree,
            metadata: Metadata::of(&said).ok_or(Unread::Plain)?,
        })
    }
}

/// Returns what stands where in a file that was not understood; `None` where that is not known either.
pub(super) fn shape(text: &[u8], format: Format) -> Option<Value> {
    match format {
        Format::Yaml => yaml::shape(std::str::from_utf8(text).ok()?),
        _ => None,
    }
}

/// Takes what SOPS has added out of a tree, flat.
fn own(tree: Value) -> Result<(Value, Vec<(String, String)>), Unread> {
    let Value::Map(mut entries) = tree else {
        return Err(Unread::Plain);
    };
    let place = entries.iter().position(|(key, _)| key == "sops").ok_or(Unread::Plain)?;
    let (_, added) = entries.remove(place);
    let mut flat = Vec::new();
    if let Value::Map(added) = &added {
        for (key, value) in added {
            flatten(key.clone(), value, &mut flat);
        }
    }
    Ok((Value::Map(entries), flat))
}

/// Writes a tree as SOPS does where a format has no nesting (`stores/flatten.go`), so that there is one way to read it.
fn flatten(key: String, value: &Value, flat: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::Leaf(leaf) => {
            if let Some(text) = leaf.text.expose_str() {
                flat.push((key, text.to_owned()));
            }
        }
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                flatten(format!("{key}__list_{index}"), item, flat);
            }
        }
        Value::Map(entries) => {
            for (below, value) in entries {
                flatten(format!("{key}__map_{below}"), value, flat);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_encrypted_is_told_apart_from_what_is_broken() {
        for (text, format, expected) in [
            ("password: hunter2", Format::Yaml, Unread::Plain),
            ("- a\n- b", Format::Yaml, Unread::Plain),
            ("sops: nothing", Format::Yaml, Unread::Plain),
            ("{\"a\": 1}", Format::Json, Unread::Plain),
            ("-----BEGIN KEY-----", Format::Binary, Unread::Plain),
            ("A=b", Format::Dotenv, Unread::Plain),
            ("[a]\nb = c", Format::Ini, Unread::Plain),
        ] {
            assert_eq!(Document::read(text.as_bytes(), format).unwrap_err(), expected, "{text}");
        }
        for (text, format) in [
            ("a: [", Format::Yaml),
            ("{\"a\":", Format::Json),
            ("hunter2", Format::Dotenv),
        ] {
            let unread = Document::read(text.as_bytes(), format).unwrap_err();
            assert!(matches!(&unread, Unread::Broken(_)), "{text}: {unread:?}");
            assert!(!format!("{unread:?}").contains("hunter2"));
        }
    }
}
