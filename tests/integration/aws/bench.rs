//! Stores in front of a server that plays AWS.

use gitops_dr::redact::{Redactor, Secret};
use gitops_dr::secrets::aws::{Aws, Login, Place, Settings};
use gitops_dr::secrets::{Error, ErrorKind, Stored};

use crate::told::assert_told;

/// The value of every secret that the tests store.
pub(super) const CANARY: &str = "canary-9c2e\"\n+/= of dr";
/// The id of the key that the tests ask with. It is no secret.
pub(super) const KEY_ID: &str = "AKIAGITOPSDRTEST";
/// The secret of that key.
pub(super) const KEY: &str = "canary-secret-of-the-access-key";

pub(super) const REGION: &str = "eu-west-1";
pub(super) const REPLICA: &str = "eu-central-1";

pub(super) fn place(region: &str, endpoint: &str) -> Place {
    Place {
        region: region.to_owned(),
        endpoint: Some(endpoint.parse().unwrap()),
    }
}

/// Settings for a store with one region.
pub(super) fn settings(endpoint: &str) -> Settings {
    Settings {
        name: "aws".to_owned(),
        place: place(REGION, endpoint),
        replicas: Vec::new(),
        login: Login::Key {
            id: KEY_ID.to_owned(),
            secret: Secret::from(KEY),
            token: None,
        },
        role: None,
    }
}

pub(super) fn store(settings: Settings) -> Aws {
    Aws::new(settings, &Redactor::default()).unwrap()
}

/// Returns the value at a key as text.
pub(super) fn value<'stored>(stored: &'stored Stored, key: &str) -> Option<&'stored str> {
    stored.data.get(key)?.expose_str()
}

pub(super) fn expect(error: &Error, kind: ErrorKind, words: &[&str]) {
    assert_told(error, kind, words, &[CANARY.to_owned(), KEY.to_owned()]);
}
