//! Open entries beside encrypted ones, in a Secret of Kubernetes.
//!
//! The MAC of SOPS counts texts one after another, without their keys. Whoever can push can therefore rename what is not
//! encrypted, move it and cut it elsewhere, and add what is empty, and the MAC fits. So nothing that is open is taken in place
//! of what is encrypted.

use std::collections::HashMap;

use super::cipher::is_sealed;
use super::document::{Kind, Leaf, Value};
use super::format::Format;
use super::values::is_secret;

/// The parts of a Secret that hold its values.
const PARTS: [&str; 2] = ["data", "stringData"];

/// Why the values of a file are not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mixed {
    /// What is open would be taken in place of what is encrypted.
    Instead {
        /// Where the open entry is.
        open: String,
        /// Where the encrypted one is.
        sealed: String,
    },
    /// It is not known what of it is encrypted.
    Unknown,
}

/// Looks at a file as it lies there (`None` where that is not known), whose values are those of `tree`.
///
/// An open entry of a name of its own is taken: files that encrypt only some of the values of a Secret are common.
pub(super) fn check(file: Option<&Value>, tree: &Value, format: Format) -> Result<(), Mixed> {
    // The others have no parts.
    if !matches!(format, Format::Yaml | Format::Json) {
        return Ok(());
    }
    let Some(file) = file else {
        // Nor is its kind: that may be what was changed.
        let has_parts = PARTS.iter().any(|part| matches!(tree.get(part), Some(Value::Map(_))));
        return if has_parts { Err(Mixed::Unknown) } else { Ok(()) };
    };
    let parts: Vec<Entry<'_>> = PARTS
        .into_iter()
        .flat_map(|part| entries(part, file.get(part)))
        .collect();
    let sealed: HashMap<&str, &Entry<'_>> = parts
        .iter()
        .filter(|entry| entry.is_sealed())
        .map(|entry| (entry.key, entry))
        .collect();
    let is_secret = is_secret(tree);
    // A Secret that was made another kind gives its own keys, which must not stand for those of its parts either.
    let taken = if is_secret {
        parts.clone()
    } else {
        entries("", Some(file))
    };
    for open in taken {
        let is_open = if is_secret {
            !open.is_sealed()
        } else {
            !holds_sealed(open.value)
        };
        if !is_open {
            continue;
        }
        if let Some(other) = sealed.get(open.key) {
            return Err(Mixed::Instead {
                open: open.name(),
                sealed: other.name(),
            });
        }
    }
    Ok(())
}

/// An entry of a mapping.
#[derive(Clone, Copy)]
struct Entry<'file> {
    /// The mapping; empty for the file itself.
    part: &'static str,
    key: &'file str,
    value: &'file Value,
}

impl Entry<'_> {
    fn is_sealed(&self) -> bool {
        leaf_is_sealed(self.value)
    }

    fn name(&self) -> String {
        if self.part.is_empty() {
            self.key.to_owned()
        } else {
            format!("{}.{}", self.part, self.key)
        }
    }
}

fn entries<'file>(part: &'static str, value: Option<&'file Value>) -> Vec<Entry<'file>> {
    let Some(Value::Map(entries)) = value else {
        return Vec::new();
    };
    entries.iter().map(|(key, value)| Entry { part, key, value }).collect()
}

fn leaf_is_sealed(value: &Value) -> bool {
    match value {
        Value::Leaf(Leaf { text, kind: Kind::Text }) => text.expose_str().is_some_and(is_sealed),
        _ => false,
    }
}

/// Whether anything in it is encrypted.
fn holds_sealed(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Leaf(_) => leaf_is_sealed(value),
        Value::List(items) => items.iter().any(holds_sealed),
        Value::Map(entries) => entries.iter().any(|(_, value)| holds_sealed(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::yaml;
    use super::*;

    const SEALED: &str = "\"ENC[AES256_GCM,data:AA==,iv:AA==,tag:AA==,type:str]\"";

    /// Checks a file whose kind and version are open.
    fn checked(text: &str) -> Result<(), Mixed> {
        let file = yaml::read(&text.replace("SEALED", SEALED)).unwrap();
        check(Some(&file), &file, Format::Yaml)
    }

    fn instead(open: &str, sealed: &str) -> Mixed {
        Mixed::Instead {
            open: open.into(),
            sealed: sealed.into(),
        }
    }

    #[test]
    fn what_is_open_in_a_secret_is_refused_in_place_of_what_is_encrypted() {
        let secret = "apiVersion: v1\nkind: Secret\n";
        for (parts, expected) in [
            ("data: {a: SEALED}\nstringData: {b: SEALED}\n", Ok(())),
            ("data: {a: eA==}\nstringData: {b: open}\n", Ok(())),
            ("data: {a: SEALED, none: \"\", nil: ~}\n", Ok(())),
            (
                "data: {a: SEALED}\nstringData: {a: shop}\n",
                Err(instead("stringData.a", "data.a")),
            ),
            (
                "data: {a: SEALED}\nstringData: {a: \"\"}\n",
                Err(instead("stringData.a", "data.a")),
            ),
            (
                "data: {a: SEALED}\nstringData: {a: ~}\n",
                Err(instead("stringData.a", "data.a")),
            ),
            (
                "data: {a: \"\"}\nstringData: {a: SEALED}\n",
                Err(instead("data.a", "stringData.a")),
            ),
            ("data: {a: SEALED}\nstringData: {b: shop}\n", Ok(())),
            ("data: {a: SEALED, b: eA==}\n", Ok(())),
        ] {
            assert_eq!(checked(&format!("{secret}{parts}")), expected, "{parts}");
        }
    }

    #[test]
    fn a_secret_that_was_made_another_kind_gives_no_open_value_in_place_of_an_encrypted_one() {
        for (text, expected) in [
            (
                "apiVersion: v1Secret\npassword: shop\ndata: {password: SEALED}\n",
                Err(instead("password", "data.password")),
            ),
            ("user: me\npassword: SEALED\ndata: {data: SEALED}\n", Ok(())),
            ("password: SEALED\ndata: {password: SEALED}\n", Ok(())),
        ] {
            assert_eq!(checked(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_known_to_be_encrypted_is_no_value_of_a_secret() {
        let with_parts = yaml::read("kind: Other\ndata: {a: b}\n").unwrap();
        assert_eq!(check(None, &with_parts, Format::Yaml), Err(Mixed::Unknown));
        let without = yaml::read("user: me\ndata: x\n").unwrap();
        assert_eq!(check(None, &without, Format::Yaml), Ok(()));
        assert_eq!(check(None, &with_parts, Format::Ini), Ok(()));
    }
}
