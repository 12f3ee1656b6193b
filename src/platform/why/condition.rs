//! Reads a condition.

use serde_json::Value;

use crate::platform::argocd::application::{items, text};

/// Returns the status and the message of a condition.
pub(super) fn condition<'object>(object: &'object Value, kind: &str) -> Option<(&'object str, &'object str)> {
    items(object, "/status/conditions")
        .find(|condition| condition["type"] == kind)
        .map(|condition| (text(condition, "/status"), text(condition, "/message")))
}
