//! Stores that can be written to.
//!
//! What is written is a whole secret, as its newest version, in the store that the runbook names: that is the live system which
//! a wrong runbook would hit. So a write says which version it takes the place of, and the server itself compares: where anything
//! else is there by now, nothing is written. Nothing is ever deleted, and no older version is touched.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{Error, ErrorKind};
use crate::redact::{Redactor, Secret};

/// A store that can be written to.
#[async_trait]
pub trait Writer: Send + Sync {
    /// Writes a secret whole, as its newest version, and returns that version. `over` is the version that it takes the place of: what
    /// must be the newest one now; `None` where nothing may be there. A secret whose newest version was deleted is not there.
    ///
    /// Each secret is written by itself: a path that ends in a slash, a folder, is refused.
    ///
    /// # Errors
    /// [`ErrorKind::Moved`] where something else is there by now,
    /// [`ErrorKind::NotText`] where a value cannot be stored as it is,
    /// [`ErrorKind::Denied`] with the right that is missing,
    /// [`ErrorKind::Configuration`] for a place that cannot be written to safely. Nothing is written
    /// then. Where no answer came, the hints say how to see whether it was.
    async fn write(&self, path: &str, data: &BTreeMap<String, Secret>, over: Option<&str>) -> Result<String, Error>;
}

/// Returns the values as the texts that they are stored as.
///
/// # Errors
/// [`ErrorKind::Configuration`] for a folder and for a secret without keys, [`ErrorKind::NotText`] for a value that is no text.
pub(super) fn writable<'run>(
    store: &str,
    path: &str,
    data: &'run BTreeMap<String, Secret>,
) -> Result<BTreeMap<&'run str, &'run str>, Error> {
    let wrong = |what: &str| Error::new(ErrorKind::Configuration, format!("store {store}: {path} {what}"));
    if path.ends_with('/') {
        return Err(wrong("is a folder, and is not written as one secret")
            .hint("write each of its secrets by itself: the path of the folder and the name"));
    }
    if data.is_empty() {
        return Err(wrong("would be written without any key").hint("give it a key, or leave the secret out"));
    }
    let texts = data.iter().map(|(key, value)| match value.expose_str() {
        Some(text) => Ok((key.as_str(), text)),
        None => Err(Error::new(
            ErrorKind::NotText,
            format!("{key} of {path} is no text (UTF-8), and store {store} holds texts"),
        )
        .hint(format!(
            "store it in base64, and read it by `{key}: {{key: {key}, base64: true}}` under `keys`"
        ))),
    });
    texts.collect()
}

/// Returns a redactor that knows the values too: a refusal may quote what was sent.
pub(super) fn knowing(redactor: &Redactor, data: &BTreeMap<String, Secret>) -> Redactor {
    let redactor = redactor.apart();
    for value in data.values() {
        redactor.learn(value);
    }
    redactor
}

/// Makes the error of a secret that is not what it was. `place` names it with its store, `found` says what is there: `version 4 is there`.
pub(super) fn moved(place: &str, over: Option<&str>, found: &str) -> Error {
    let expected = match over {
        None => "nothing was to be there".to_owned(),
        Some(over) => format!("version {over} was to be written over"),
    };
    Error::new(
        ErrorKind::Moved,
        format!("{place} is not what it was: {expected}, and {found}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_stored_as_it_is_is_refused_with_what_to_do() {
        let data = |value: &[u8]| BTreeMap::from([("tls.key".to_owned(), Secret::new(value))]);
        let text = data(b"canary\n");
        assert_eq!(
            writable("vault", "dr/a", &text).unwrap(),
            BTreeMap::from([("tls.key", "canary\n")])
        );
        let bytes = writable("vault", "dr/a", &data(b"canary\xff")).unwrap_err();
        assert_eq!(bytes.kind(), ErrorKind::NotText);
        assert_eq!(
            bytes.to_string(),
            "tls.key of dr/a is no text (UTF-8), and store vault holds texts"
        );
        assert_eq!(
            bytes.hints(),
            ["store it in base64, and read it by `tls.key: {key: tls.key, base64: true}` under `keys`"]
        );
        for (path, data, words) in [
            ("dr/a/", text, "is a folder"),
            ("dr/a", BTreeMap::new(), "without any key"),
        ] {
            let error = writable("vault", path, &data).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration, "{path}");
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
