//! Where the manifest of captures is kept.

use super::super::tree::Node;
use super::names::store_kind;
use super::{Check, store_name};

/// The kinds of store that can be written to.
const WRITABLE: [&str; 2] = ["vault", "aws"];

impl Check<'_> {
    /// Checks that the manifest of captures can be kept where it is said to be, and is no secret's place.
    pub(super) fn capture(&mut self) {
        let root = self.root;
        let Some(entry) = root.get("capture").and_then(|capture| capture.entries().first()) else {
            return;
        };
        let mut stores = root.list("stores").iter();
        let store = stores.find(|store| store_name(store) == Some(&entry.key));
        let Some(kind) = store.and_then(store_kind) else {
            // That there is no such store is said where names are looked up.
            return;
        };
        if !WRITABLE.contains(&kind) {
            self.error(
                "runbook/capture-store",
                entry.span,
                format!("a store of the kind `{kind}` is only read, and captures have to keep their manifest there"),
                format!("name one of the kind `{}`", WRITABLE.join("` or `")),
            );
            return;
        }
        let Some(path) = entry.value.text() else { return };
        if path.ends_with('/') {
            self.error(
                "runbook/capture-path",
                entry.value.span,
                "a manifest is one secret, and this is a folder",
                "name the secret in it, such as `dr/manifest`".to_owned(),
            );
        }
        let mut places = root
            .table("secrets")
            .iter()
            .filter_map(|secret| secret.value.get("from"));
        if !places.any(|from| from.one_or_many().iter().any(|from| from.get(&entry.key).is_some())) {
            self.error(
                "runbook/capture-store",
                entry.span,
                format!("no secret is read from the store `{}`", entry.key),
                "keep the manifest beside what it tells of".to_owned(),
            );
        }
        let is_over = |secret: &str| secret == path || (secret.ends_with('/') && path.starts_with(secret));
        let is_here = |from: &Node| from.get(&entry.key).and_then(Node::text).is_some_and(is_over);
        let mut secrets = root.table("secrets").iter();
        if let Some(secret) = secrets.find(|secret| {
            secret
                .value
                .get("from")
                .is_some_and(|from| from.one_or_many().iter().any(is_here))
        }) {
            self.error(
                "runbook/capture-path",
                entry.value.span,
                format!("the secret `{}` is kept in this place", secret.key),
                "keep the manifest in a place of its own".to_owned(),
            );
        }
    }
}
