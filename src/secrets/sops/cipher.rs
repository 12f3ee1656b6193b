//! One encrypted value (`aes/cipher.go` of SOPS).

use aes_gcm::aead::consts::{U12, U32};
use aes_gcm::aead::{Aead, KeyInit, Nonce, Payload};
use aes_gcm::aes::Aes256;
use aes_gcm::{AesGcm, KeySizeUser};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::document::{Kind, Leaf};
use crate::redact::Secret;

/// The key by which the values of a file are encrypted: 32 bytes.
pub(super) struct DataKey(Secret);

/// Why a value was not decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closed {
    /// It does not look encrypted.
    Open,
    /// It was changed, or stood elsewhere, or was encrypted by another key.
    Tampered,
    /// It is of a kind that is not known.
    Strange,
}

impl DataKey {
    /// Takes a key; `None` where it is none.
    pub(super) fn new(key: Secret) -> Option<Self> {
        (key.expose().len() == AesGcm::<Aes256, U32>::key_size()).then_some(Self(key))
    }

    /// Decrypts a value, which stands behind these keys. An empty text is not encrypted.
    pub(super) fn value(&self, text: &str, path: &[String]) -> Result<Leaf, Closed> {
        if text.is_empty() {
            return Ok(Leaf::text(""));
        }
        let place: String = path.iter().flat_map(|key| [key.as_str(), ":"]).collect();
        let (open, kind) = self.open(text, &place)?;
        let kind = match kind {
            "str" | "bytes" => Kind::Text,
            "int" | "float" => Kind::Number,
            "bool" => Kind::Flag,
            // A time, or what a later version has.
            _ => return Err(Closed::Strange),
        };
        Ok(match (kind, open.expose()) {
            (Kind::Flag, b"True" | b"true") => Leaf::flag(true),
            (Kind::Flag, b"False" | b"false") => Leaf::flag(false),
            (Kind::Flag, _) => return Err(Closed::Strange),
            (Kind::Number, number) if !is_finite(number) => return Err(Closed::Strange),
            _ => Leaf { text: open, kind },
        })
    }

    /// Decrypts a MAC, which is bound to when the file was written.
    pub(super) fn mac(&self, text: &str, last_modified: &str) -> Result<Secret, Closed> {
        self.open(text, last_modified).map(|(mac, _)| mac)
    }

    fn open<'text>(&self, text: &'text str, bound_to: &str) -> Result<(Secret, &'text str), Closed> {
        let parts = Parts::of(text).ok_or(Closed::Open)?;
        let open = match parts.iv.len() {
            32 => self.decrypted::<U32>(&parts, bound_to),
            12 => self.decrypted::<U12>(&parts, bound_to),
            _ => None,
        };
        Ok((open.ok_or(Closed::Tampered)?, parts.kind))
    }

    fn decrypted<N: aes_gcm::aead::array::ArraySize>(&self, parts: &Parts<'_>, bound_to: &str) -> Option<Secret> {
        let cipher = AesGcm::<Aes256, N>::new_from_slice(self.0.expose()).ok()?;
        let nonce = Nonce::<AesGcm<Aes256, N>>::try_from(parts.iv.as_slice()).ok()?;
        let payload = Payload {
            msg: &parts.sealed,
            aad: bound_to.as_bytes(),
        };
        cipher.decrypt(&nonce, payload).ok().map(Secret::new)
    }
}

/// Whether a text looks as an encrypted value does.
pub(super) fn is_sealed(text: &str) -> bool {
    Parts::of(text).is_some()
}

/// Whether it is a number that can be written in JSON.
fn is_finite(text: &[u8]) -> bool {
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse::<f64>().ok());
    number.is_some_and(f64::is_finite)
}

/// `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`, taken apart.
struct Parts<'text> {
    /// The data with its tag behind it.
    sealed: Vec<u8>,
    iv: Vec<u8>,
    kind: &'text str,
}

impl<'text> Parts<'text> {
    fn of(text: &'text str) -> Option<Self> {
        let inner = text.strip_prefix("ENC[AES256_GCM,")?.strip_suffix(']')?;
        let mut parts = inner.split(',');
        let mut part = |name: &str| parts.next()?.strip_prefix(name)?.strip_prefix(':');
        let (data, iv, tag, kind) = (part("data")?, part("iv")?, part("tag")?, part("type")?);
        let mut sealed = STANDARD.decode(data).ok()?;
        sealed.extend(STANDARD.decode(tag).ok()?);
        let is_whole = parts.next().is_none();
        is_whole.then_some(Self {
            sealed,
            iv: STANDARD.decode(iv).ok()?,
            kind,
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Encrypts as SOPS does.
    pub(in super::super) fn sealed(key: &[u8; 32], text: &[u8], bound_to: &str, kind: &str) -> String {
        let cipher = AesGcm::<Aes256, U32>::new_from_slice(key).unwrap();
        let iv = [7; 32];
        let payload = Payload {
            msg: text,
            aad: bound_to.as_bytes(),
        };
        let mut sealed = cipher.encrypt(&iv.into(), payload).unwrap();
        let tag = sealed.split_off(sealed.len() - 16);
        format!(
            "ENC[AES256_GCM,data:{},iv:{},tag:{},type:{kind}]",
            STANDARD.encode(sealed),
            STANDARD.encode(iv),
            STANDARD.encode(tag)
        )
    }

    fn path(keys: &[&str]) -> Vec<String> {
        keys.iter().map(|key| (*key).to_owned()).collect()
    }

    #[test]
    fn a_value_opens_where_it_belongs_and_nowhere_else() {
        let key = [1; 32];
        let data_key = DataKey::new(Secret::new(key)).unwrap();
        let text = sealed(&key, b"hunter2", "db:password:", "str");
        assert_eq!(
            data_key.value(&text, &path(&["db", "password"])),
            Ok(Leaf::text("hunter2"))
        );
        assert_eq!(data_key.value(&text, &path(&["db", "user"])), Err(Closed::Tampered));
        let other = DataKey::new(Secret::new([2; 32])).unwrap();
        assert_eq!(other.value(&text, &path(&["db", "password"])), Err(Closed::Tampered));
        let changed = text.replace("data:", "data:AA");
        assert!(data_key.value(&changed, &path(&["db", "password"])).is_err());
    }

    #[test]
    fn kinds_are_kept_and_strange_ones_are_refused() {
        let key = [1; 32];
        let data_key = DataKey::new(Secret::new(key)).unwrap();
        for (text, kind, expected) in [
            ("5432", "int", Ok(Leaf::number(5432))),
            ("1.5", "float", Ok(Leaf::number("1.5"))),
            ("True", "bool", Ok(Leaf::flag(true))),
            ("maybe", "bool", Err(Closed::Strange)),
            ("+Inf", "float", Err(Closed::Strange)),
            ("2026-11-22T00:00:00Z", "time", Err(Closed::Strange)),
        ] {
            let text = sealed(&key, text.as_bytes(), "a:", kind);
            assert_eq!(data_key.value(&text, &path(&["a"])), expected, "{kind}");
        }
        for text in [
            "hunter2",
            "ENC[AES256_GCM,data:x]",
            "ENC[AES256_GCM,data:?,iv:,tag:,type:str]",
        ] {
            assert_eq!(data_key.value(text, &path(&["a"])), Err(Closed::Open), "{text}");
        }
        assert_eq!(data_key.value("", &path(&["a"])), Ok(Leaf::text("")));
        assert!(DataKey::new(Secret::from("short")).is_none());
    }
}
