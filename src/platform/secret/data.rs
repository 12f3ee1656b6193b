//! The values of a secret.

use std::collections::BTreeMap;

use crate::redact::Secret;

/// The data of a secret, by key.
pub type Data = BTreeMap<String, Secret>;

/// Returns the value of a key as text; `None` where it is absent, empty, or not UTF-8.
pub fn text<'data>(data: &'data Data, key: &str) -> Option<&'data str> {
    data.get(key)
        .and_then(Secret::expose_str)
        .filter(|text| !text.is_empty())
}

/// Whether a key is there and not empty.
pub(in super::super) fn has(data: &Data, key: &str) -> bool {
    data.get(key).is_some_and(|value| !value.is_empty())
}
