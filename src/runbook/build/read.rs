//! What the values at keys are.

use std::collections::BTreeMap;
use std::time::Duration;

use url::Url;

use super::super::check::duration;
use super::super::model::Plain;
use super::super::tree::{Entry, Node};

/// Whether the flag at a key is set.
pub(super) fn flag(node: &Node, key: &str) -> bool {
    node.get(key).and_then(Node::flag).unwrap_or(false)
}

/// Returns the duration at a key.
#[expect(clippy::option_option, reason = "what is absent differs from what cannot be built")]
pub(super) fn span(node: &Node, key: &str) -> Option<Option<Duration>> {
    optional(node, key, |node| duration(node.text()?).ok())
}

/// Returns the text at a key.
pub(super) fn text(node: &Node, key: &str) -> Option<String> {
    node.get(key)?.text().map(str::to_owned)
}

/// Returns the texts of the list at a key; none where there is no such key.
pub(super) fn texts(node: &Node, key: &str) -> Option<Vec<String>> {
    node.list(key)
        .iter()
        .map(|item| item.text().map(str::to_owned))
        .collect()
}

/// Returns the address at a key.
pub(super) fn url(node: &Node, key: &str) -> Option<Url> {
    Url::parse(node.get(key)?.text()?).ok()
}

/// Builds what stands behind each key of the mapping at a key.
pub(super) fn table<T>(node: &Node, key: &str, build: impl Fn(&Entry) -> Option<T>) -> Option<BTreeMap<String, T>> {
    node.table(key)
        .iter()
        .map(|entry| Some((entry.key.clone(), build(entry)?)))
        .collect()
}

/// Returns the mapping at a key with its values as they are written.
pub(super) fn written(node: &Node, key: &str) -> Option<BTreeMap<String, String>> {
    table(node, key, |entry| entry.value.written().map(str::to_owned))
}

/// Returns a path without `.` parts and without a slash at its end; that of the repository's root is `.`.
pub(super) fn normal(path: &str) -> String {
    let parts: Vec<_> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.is_empty() {
        ".".to_owned()
    } else {
        parts.join("/")
    }
}

/// Builds what is at a key; `Some(None)` where there is no such key.
#[expect(clippy::option_option, reason = "what is absent differs from what cannot be built")]
pub(super) fn optional<T>(node: &Node, key: &str, build: impl FnOnce(&Node) -> Option<T>) -> Option<Option<T>> {
    match node.get(key) {
        None => Some(None),
        Some(node) => build(node).map(Some),
    }
}

/// Returns a value that is written, or named and read from the environment.
pub(super) fn plain(node: &Node) -> Option<Plain> {
    match node.get("env") {
        Some(name) => Some(Plain::Env(name.text()?.to_owned())),
        None => Some(Plain::Literal(node.text()?.to_owned())),
    }
}
