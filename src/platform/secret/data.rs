//! The values of a secret.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::redact::Secret;

/// The data of a secret, by key.
pub type Data = BTreeMap<String, Secret>;

/// Returns the value of a key as text; `None` where it is absent, empty, or not UTF-8.
pub fn text<'data>(data: &'data Data, key: &str) -> Option<&'data str> {
    data.get(key)
        .and_then(Secret::expose_str)
        .filter(|text| !text.is_empty())
}

/// Returns values as a Secret's `data` holds them: in base64.
pub fn encoded(data: &Data) -> Map<String, Value> {
    let encode = |value: &Secret| Value::from(STANDARD.encode(value.expose()));
    data.iter().map(|(key, value)| (key.clone(), encode(value))).collect()
}

/// Returns the values of a Secret as it is in a cluster or a file, those of its `stringData` too. What is no base64 is left out.
pub fn decoded(secret: &Value) -> Data {
    let fields = |name: &str| {
        secret[name]
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?)))
    };
    let encoded = fields("data").filter_map(|(key, value)| Some((key, Secret::new(STANDARD.decode(value).ok()?))));
    let plain = fields("stringData").map(|(key, value)| (key, Secret::from(value)));
    encoded.chain(plain).collect()
}

/// Whether a key is there and not empty.
pub(in super::super) fn has(data: &Data, key: &str) -> bool {
    data.get(key).is_some_and(|value| !value.is_empty())
}
