//! Decrypts a file, as `Tree.Decrypt` in `sops.go` does.

use sha2::{Digest as _, Sha512};

use super::cipher::{Closed, DataKey};
use super::document::{Document, Kind, Leaf, Value};
use super::rules::Rules;

/// What a MAC begins with that counts encrypted values alone: the SHA-256 of `sops`.
const ENCRYPTED_ALONE: [u8; 32] = [
    0x8a, 0x3f, 0xd2, 0xad, 0x54, 0xce, 0x66, 0x52, 0x7b, 0x10, 0x34, 0xf3, 0xd1, 0x47, 0xbe, 0x0b, 0x0b, 0x97, 0x5b,
    0x3b, 0xf4, 0x4f, 0x72, 0xc6, 0xfd, 0xad, 0xec, 0x81, 0x76, 0xf2, 0x7d, 0x69,
];

/// Why a file was not decrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Undone {
    /// It was changed since; the words say where, by keys alone.
    Tampered(String),
    /// It holds what is not read here.
    Unsure(String),
}

/// Decrypts all values and proves by the MAC that no encrypted one was changed, moved, added or taken away.
///
/// Of open ones the MAC proves that their texts, one behind another, are the same; not what they are called nor where one ends.
/// Whoever hands them on looks at [`mixed`](super::mixed) first.
pub(super) fn decrypt(document: &Document, key: &DataKey, rules: &Rules) -> Result<Value, Undone> {
    let metadata = &document.metadata;
    let mut walk = Walk {
        key,
        rules,
        all_count: !metadata.mac_only_encrypted,
        counted: Sha512::new(),
        path: Vec::new(),
    };
    if metadata.mac_only_encrypted {
        walk.counted.update(ENCRYPTED_ALONE);
    }
    let tree = walk.value(&document.tree)?;
    let counted = walk.counted.finalize();
    if metadata.mac.is_empty() {
        return Err(Undone::Tampered("its MAC is missing".into()));
    }
    let mac = key
        .mac(&metadata.mac, &metadata.last_modified)
        .map_err(|_| Undone::Tampered("its MAC, or the time at which it was written, was changed".into()))?;
    if mac.expose() != hexadecimal(&counted).as_bytes() {
        return Err(Undone::Tampered(
            "its MAC is that of other values: one was changed, added or taken away".into(),
        ));
    }
    Ok(tree)
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}

struct Walk<'file> {
    key: &'file DataKey,
    rules: &'file Rules,
    /// Whether values that are not encrypted count too.
    all_count: bool,
    counted: Sha512,
    /// The keys that lead to where we are.
    path: Vec<String>,
}

impl Walk<'_> {
    fn value(&mut self, value: &Value) -> Result<Value, Undone> {
        Ok(match value {
            Value::Null => Value::Null,
            Value::Leaf(leaf) => Value::Leaf(self.leaf(leaf)?),
            // The places in a list are no part of a path.
            Value::List(items) => Value::List(items.iter().map(|item| self.value(item)).collect::<Result<_, _>>()?),
            Value::Map(entries) => {
                let mut open = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    self.path.push(key.clone());
                    let value = self.value(value)?;
                    self.path.pop();
                    open.push((key.clone(), value));
                }
                Value::Map(open)
            }
        })
    }

    fn leaf(&mut self, leaf: &Leaf) -> Result<Leaf, Undone> {
        let is_encrypted = self.rules.encrypts(&self.path);
        let leaf = if is_encrypted { self.open(leaf)? } else { leaf.clone() };
        if is_encrypted || self.all_count {
            match (leaf.kind, leaf.text.expose()) {
                // As Python wrote them, in which SOPS began.
                (Kind::Flag, b"true") => self.counted.update("True"),
                (Kind::Flag, _) => self.counted.update("False"),
                (_, text) => self.counted.update(text),
            }
        }
        Ok(leaf)
    }

    fn open(&self, leaf: &Leaf) -> Result<Leaf, Undone> {
        let place = self.path.join(".");
        let text = leaf.text.expose_str().filter(|_| leaf.kind == Kind::Text);
        let opened = text.map_or(Err(Closed::Open), |text| self.key.value(text, &self.path));
        opened.map_err(|closed| match closed {
            Closed::Open => Undone::Tampered(format!("{place} should be encrypted and is not")),
            Closed::Tampered => Undone::Tampered(format!("{place} was changed, or was moved there from elsewhere")),
            Closed::Strange => Undone::Unsure(format!("{place} is of a kind that is not read here")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Secret;
    use crate::secrets::sops::cipher::tests::sealed;
    use crate::secrets::sops::format::Format;

    const KEY: [u8; 32] = [9; 32];
    const WRITTEN: &str = "2026-11-22T04:00:00Z";

    /// Returns a file with two encrypted values and an open one, and the MAC over `counted`.
    fn file(counted: &[u8], extra: &str) -> String {
        let user = sealed(&KEY, b"me", "db:user:", "str");
        let password = sealed(&KEY, b"hunter2", "db:password:", "str");
        let mac = hexadecimal(&Sha512::digest(counted));
        let mac = sealed(&KEY, mac.as_bytes(), WRITTEN, "str");
        format!(
            "note_unencrypted: shown\ndb:\n  user: {user}\n  password: {password}\nsops:\n  lastmodified: \"{WRITTEN}\"\n  mac: {mac}\n  version: 3.13.3\n{extra}"
        )
    }

    fn decrypted(text: &str) -> Result<Value, Undone> {
        let document = Document::read(text.as_bytes(), Format::Yaml).unwrap();
        let rules = Rules::of(&document.metadata.selection).unwrap();
        decrypt(&document, &DataKey::new(Secret::new(KEY)).unwrap(), &rules)
    }

    #[test]
    fn values_are_opened_in_their_order_once_the_mac_fits() {
        let tree = decrypted(&file(b"shownmehunter2", "")).unwrap();
        assert_eq!(
            tree.get("db").unwrap().get("password").unwrap().as_str(),
            Some("hunter2")
        );
        assert_eq!(tree.get("note_unencrypted").unwrap().as_str(), Some("shown"));
        let alone = [&ENCRYPTED_ALONE[..], b"mehunter2"].concat();
        assert!(decrypted(&file(&alone, "  mac_only_encrypted: true\n")).is_ok());
    }

    #[test]
    fn the_beginning_of_a_mac_of_encrypted_values_is_what_sops_takes() {
        assert_eq!(ENCRYPTED_ALONE[..], sha2::Sha256::digest("sops")[..]);
    }

    #[test]
    fn whatever_was_changed_is_refused() {
        let good = file(b"shownmehunter2", "");
        let line = |start: &str| good.lines().find(|line| line.trim().starts_with(start)).unwrap();
        let sealed_of = |start: &str| line(start).split_once(": ").unwrap().1.to_owned();
        let (user, password) = (sealed_of("user"), sealed_of("password"));
        let swapped = good
            .replace(&user, "TMP")
            .replace(&password, &user)
            .replace("TMP", &password);
        for (what, text, words) in [
            ("values swapped", swapped, "db.user was changed"),
            ("an open value changed", good.replace("shown", "other"), "other values"),
            (
                "an encrypted value opened",
                good.replace(&password, "hunter3"),
                "should be encrypted",
            ),
            (
                "a number in place of a value",
                good.replace(&password, "7"),
                "should be encrypted",
            ),
            ("a value emptied", good.replace(&password, "\"\""), "other values"),
            (
                "a value taken away",
                good.replace(&format!("{}\n", line("password")), ""),
                "other values",
            ),
            (
                "a list in place of a value",
                good.replace(&user, &format!("[\"{user}\", \"{user}\"]")),
                "other values",
            ),
            (
                "the MAC taken away",
                good.replace(line("mac"), "  mac: \"\""),
                "MAC is missing",
            ),
            (
                "another time",
                good.replace(WRITTEN, "2026-11-22T05:00:00Z"),
                "the time at which",
            ),
            ("another MAC", file(b"shownmehunter3", ""), "other values"),
            (
                "rules changed",
                format!("{good}  unencrypted_suffix: password\n"),
                "should be encrypted",
            ),
        ] {
            match decrypted(&text) {
                Err(Undone::Tampered(said)) => assert!(said.contains(words), "{what}: {said}"),
                other => panic!("{what}: {other:?}"),
            }
        }
    }
}
