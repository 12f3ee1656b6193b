//! Reads fields of an object as Go reads them into its types: what is not there is empty or zero.

use serde_json::Value;

pub(super) fn text<'object>(object: &'object Value, pointer: &str) -> &'object str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn number(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or_default()
}

pub(super) fn list<'object>(object: &'object Value, pointer: &str) -> &'object [Value] {
    object
        .pointer(pointer)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// Whether the controller of the object's kind has not read its newest form yet.
pub(super) fn is_unseen(object: &Value) -> bool {
    number(object, "/status/observedGeneration") < number(object, "/metadata/generation")
}

/// What is said where [`is_unseen`].
pub(super) const UNSEEN: &str = "its controller has not seen it yet";
