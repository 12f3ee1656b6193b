//! What can be read but is probably not meant.

use super::super::tree::Node;
use super::{Check, is_commit};

impl Check<'_> {
    /// Checks revisions, what is accepted of apps, and how often programs run.
    pub(super) fn policy(&mut self) {
        let root = self.root;
        for step in root.list("steps") {
            let Some(run) = step.get("run") else { continue };
            let is_repeatable = run.get("repeatable").and_then(Node::flag) == Some(true);
            if let Some(retries) = run.get("retries")
                && retries.whole().is_some_and(|number| number > 0)
                && !is_repeatable
            {
                self.error(
                    "runbook/retries-once",
                    retries.span,
                    "a program that must not be run twice cannot be run again when it fails",
                    "leave `retries` out or, if it does no harm twice, say `repeatable: true`".to_owned(),
                );
            }
        }
        for source in root.table("sources") {
            let Some(revision) = source.value.get("revision") else {
                continue;
            };
            // A short hash of digits alone is taken for a number.
            if let Some(text) = revision.written()
                && is_short_hash(text)
            {
                self.warning(
                    "runbook/short-hash",
                    revision.span,
                    format!("`{text}` looks like a short commit hash, and is read as a branch or tag"),
                    "write the full hash to pin the source".to_owned(),
                );
            }
        }
        for app in root.table("apps") {
            let ignored = app.value.get("ignore").and_then(Node::flag) == Some(true);
            let reruns = app.value.get("rerun-hooks").and_then(Node::flag) == Some(true);
            let synced = app.value.get("sync").and_then(Node::flag) == Some(true);
            let accepts = ignored || reruns || synced || app.value.get("allow").is_some();
            if !accepts && !app.value.entries().is_empty() {
                self.warning(
                    "runbook/empty-policy",
                    app.span,
                    format!("nothing is accepted of the app `{}`", app.key),
                    "say what to `allow`, `sync: true`, `rerun-hooks: true` or `ignore: true`".to_owned(),
                );
            }
            let critical = root.get("done").map_or(&[][..], |done| done.list("critical"));
            if let Some(item) = critical.iter().find(|item| ignored && item.text() == Some(&app.key)) {
                self.error(
                    "runbook/ignored-critical",
                    item.span,
                    format!(
                        "the app `{}` is critical, and ignored on line {}",
                        app.key, app.span.line
                    ),
                    "what is critical is waited for: decide on one".to_owned(),
                );
            }
        }
    }
}

/// Whether a revision looks like a commit hash cut short.
fn is_short_hash(text: &str) -> bool {
    (7..64).contains(&text.len())
        && !is_commit(text)
        && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        && text.bytes().any(|byte| byte.is_ascii_digit())
}
