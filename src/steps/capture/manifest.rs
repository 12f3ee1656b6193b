//! The manifest of captures: what was written where, by names, versions and keyed digests.
//!
//! It is kept in a store beside what it tells of, so that the next capture knows what it may replace, and a check need not read what has not
//! changed. It holds no value. A digest is an HMAC with a key that is kept with it: whoever sees a digest alone, in a log or a report, cannot try
//! out short values on it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::event::Failure;
use crate::redact::Secret;
use crate::secrets::Stored;

/// The form that this program reads and writes.
const FORMAT: u32 = 1;

/// The key of a stored manifest under which the text is.
const TEXT: &str = "manifest";

/// The key under which the key of its digests is.
const KEY: &str = "key";

/// How many bytes of a digest are kept: half of it, which RFC 2104 allows, so that the manifest of a large platform fits into a secret.
const KEPT: usize = 16;

/// What was captured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CaptureManifest {
    format: u32,
    /// The runbook's name.
    pub(super) runbook: String,
    /// The UID of the cluster that was captured last.
    pub(super) cluster: String,
    /// Its server, for people.
    pub(super) server: String,
    /// When.
    pub(super) at: Timestamp,
    /// Who, `user@host`.
    pub(super) by: String,
    /// Why another cluster was captured than before, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) because: Option<String>,
    /// What was written, by its place, `STORE PATH`.
    pub(super) places: BTreeMap<String, Entry>,
}

/// What was written at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// The secret's name in the runbook.
    pub(super) secret: String,
    /// The version that was written, or found to be right.
    pub(super) version: String,
    /// When the store says that it was written: a number alone may begin anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) written: Option<Timestamp>,
    /// The digests of the values that it has in the cluster, by key.
    pub(super) keys: BTreeMap<String, String>,
}

/// The key of the digests.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct DigestKey(Secret);

impl DigestKey {
    /// Makes a new one.
    pub(super) fn new() -> Result<Self, Failure> {
        let mut key = Zeroizing::new([0_u8; 32]);
        getrandom::fill(&mut *key).map_err(|error| Failure::new(format!("no random key can be made: {error}")))?;
        Ok(Self(Secret::new(key.to_vec())))
    }

    /// Returns the digests of values, by key. The digest of a value is another under another key and in another secret.
    pub(super) fn digests(&self, secret: &str, values: &BTreeMap<String, Secret>) -> BTreeMap<String, String> {
        let digest = |key: &str, value: &Secret| {
            // It takes a key of any length.
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.expose()) else {
                return String::new();
            };
            for part in [secret.as_bytes(), key.as_bytes(), value.expose()] {
                mac.update(&(part.len() as u64).to_be_bytes());
                mac.update(part);
            }
            STANDARD_NO_PAD.encode(&mac.finalize().into_bytes()[..KEPT])
        };
        values
            .iter()
            .map(|(key, value)| (key.clone(), digest(key, value)))
            .collect()
    }
}

impl CaptureManifest {
    /// Makes one of nothing yet.
    pub(super) fn new(runbook: &str) -> Self {
        Self {
            format: FORMAT,
            runbook: runbook.to_owned(),
            cluster: String::new(),
            server: String::new(),
            at: Timestamp::UNIX_EPOCH,
            by: String::new(),
            because: None,
            places: BTreeMap::new(),
        }
    }

    /// Reads what is stored. `place` names it for the error.
    pub(super) fn read(stored: &Stored, runbook: &str, place: &str) -> Result<(Self, DigestKey), Failure> {
        let odd = |why: String| {
            Failure {
                causes: vec![why],
                ..Failure::new(format!("{place} is no manifest of captures that this program can read"))
            }
            .hint("name another place under `capture` in the runbook, or take away what is there")
        };
        let text = |key: &str| {
            let value = stored.data.get(key).and_then(Secret::expose_str);
            value.ok_or_else(|| odd(format!("it has no text under {key}")))
        };
        // What serde says of a document may quote it.
        let known: Self = serde_json::from_str(text(TEXT)?)
            .map_err(|error| odd(format!("its text is wrong at line {}", error.line())))?;
        if known.format != FORMAT {
            return Err(odd(format!(
                "it has format {}, and this program reads {FORMAT}",
                known.format
            ))
            .hint("use the program that wrote it, or a newer one"));
        }
        if known.runbook != runbook {
            return Err(odd(format!("it is of the runbook {}", known.runbook)));
        }
        let key = STANDARD
            .decode(text(KEY)?)
            .map_err(|_| odd(format!("{KEY} is not base64")))?;
        if key.len() < 32 {
            return Err(odd(format!("{KEY} is too short")));
        }
        Ok((known, DigestKey(Secret::new(key))))
    }

    /// Returns what is to be stored.
    pub(super) fn stored(&self, key: &DigestKey) -> Result<BTreeMap<String, Secret>, Failure> {
        let text = serde_json::to_string(self).map_err(|error| Failure::of(&error))?;
        Ok(BTreeMap::from([
            (TEXT.to_owned(), Secret::new(text)),
            (KEY.to_owned(), Secret::new(STANDARD.encode(key.0.expose()))),
        ]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, Secret> {
        let pairs = pairs.iter();
        pairs
            .map(|(key, value)| ((*key).to_owned(), Secret::from(*value)))
            .collect()
    }

    fn stored(data: BTreeMap<String, Secret>) -> Stored {
        Stored {
            data,
            version: None,
            written: None,
        }
    }

    #[test]
    fn what_was_written_is_read_again_with_its_key() {
        let key = DigestKey::new().unwrap();
        let mut manifest = CaptureManifest::new("shop");
        let digests = key.digests("repo", &values(&[("password", "hunter2hunter2")]));
        manifest.places.insert(
            "vault dr/repo".into(),
            Entry {
                secret: "repo".into(),
                version: "3".into(),
                written: None,
                keys: digests.clone(),
            },
        );
        let kept = stored(manifest.stored(&key).unwrap());
        let (read, its_key) = CaptureManifest::read(&kept, "shop", "dr/manifest in store vault").unwrap();
        assert!(read == manifest && its_key == key);
        let text = kept.data[TEXT].expose_str().unwrap();
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn a_digest_is_of_its_key_its_secret_and_its_value_alone() {
        let key = DigestKey::new().unwrap();
        let digest =
            |secret: &str, name: &str, value: &str| key.digests(secret, &values(&[(name, value)]))[name].clone();
        let one = digest("repo", "password", "x");
        assert_eq!(one, digest("repo", "password", "x"));
        assert_eq!(one.len(), 22);
        for other in [
            digest("repo", "password", "y"),
            digest("repo", "passwords", "x"),
            digest("other", "password", "x"),
            DigestKey::new().unwrap().digests("repo", &values(&[("password", "x")]))["password"].clone(),
        ] {
            assert_ne!(one, other);
        }
        // Where one ends and the next begins is part of it.
        assert_ne!(digest("a", "bc", "d"), digest("ab", "c", "d"));
    }

    #[test]
    fn what_is_no_manifest_of_this_runbook_is_refused() {
        let key = DigestKey::new().unwrap();
        let good = CaptureManifest::new("shop").stored(&key).unwrap();
        let with = |name: &str, value: &str| {
            let mut data = good.clone();
            data.insert(name.into(), Secret::from(value));
            data
        };
        for (data, runbook, words) in [
            (good.clone(), "search", "it is of the runbook shop"),
            (with(TEXT, "{"), "shop", "its text is wrong at line 1"),
            (with(KEY, "!"), "shop", "key is not base64"),
            (with(KEY, "AAAA"), "shop", "key is too short"),
            (values(&[("password", "x")]), "shop", "it has no text under manifest"),
            (
                with(
                    TEXT,
                    &good[TEXT].expose_str().unwrap().replace("\"format\":1", "\"format\":2"),
                ),
                "shop",
                "it has format 2",
            ),
        ] {
            let told = CaptureManifest::read(&stored(data), runbook, "dr/manifest")
                .err()
                .unwrap();
            assert!(told.words().contains(words), "{told:?}");
        }
    }
}
