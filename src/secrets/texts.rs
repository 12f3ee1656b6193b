//! Values of a JSON object as the texts that become keys of a Secret.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::redact::Secret;

/// A `float` keeps this many decimal digits for certain.
const EXACT_DIGITS: usize = 15;

/// Turns every value of an object into text. A key without a value (`null`) is no key: whoever needs it is told that it is
/// missing.
///
/// # Errors
/// Returns the key of a number with more digits than survive reading.
pub(super) fn texts(object: Map<String, Value>) -> Result<BTreeMap<String, Secret>, String> {
    object
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(key, value)| match text(value) {
            Some(text) => Ok((key, text)),
            None => Err(key),
        })
        .collect()
}

/// Turns a stored value into text: a string as it is, a number or boolean as it is written, anything nested as compact
/// JSON. `None` for a number with more digits than survive reading.
fn text(value: Value) -> Option<Secret> {
    match value {
        Value::String(text) => Some(Secret::new(text)),
        Value::Number(number) => {
            let text = number.to_string();
            let exact = !number.is_f64() || text.chars().filter(char::is_ascii_digit).count() <= EXACT_DIGITS;
            exact.then(|| Secret::new(text))
        }
        nested => Some(Secret::new(nested.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_become_the_text_that_was_stored() {
        for (value, expected) in [
            (json!("p w\n"), Some("p w\n")),
            (json!(5432), Some("5432")),
            (json!(-1.5), Some("-1.5")),
            (json!(u64::MAX), Some("18446744073709551615")),
            (json!(true), Some("true")),
            (json!({"b": [1, null], "a": "x"}), Some(r#"{"b":[1,null],"a":"x"}"#)),
            (serde_json::from_str("123456789012345678901234").unwrap(), None),
        ] {
            let expected = expected.map(Secret::from);
            assert!(text(value.clone()) == expected, "{value}");
        }
    }
}
