//! Stores that can be written to.
//!
//! What is written is a whole secret, as its newest version, in the store that the runbook names: that is the live system which
//! a wrong runbook would hit. So a write says which version it takes the place of, and the server itself compares: where anything
//! else is there by now, nothing is written. Nothing is ever deleted, and no older version is touched.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::Error;
use crate::redact::Secret;

/// A store that can be written to.
#[async_trait]
pub trait Writer: Send + Sync {
    /// Writes a secret whole, as its newest version, and returns that version. `over` is the version that it takes the place of: what
    /// must be the newest one now; `None` where nothing may be there. A secret whose newest version was deleted is not there.
    ///
    /// Each secret is written by itself: a path that ends in a slash, a folder, is refused.
    ///
    /// # Errors
    /// [`ErrorKind::Moved`](super::ErrorKind::Moved) where something else is there by now,
    /// [`ErrorKind::NotText`](super::ErrorKind::NotText) where a value cannot be stored as it is,
    /// [`ErrorKind::Denied`](super::ErrorKind::Denied) with the right that is missing,
    /// [`ErrorKind::Configuration`](super::ErrorKind::Configuration) for a place that cannot be written to safely. Nothing is written
    /// then. Where no answer came, the hints say how to see whether it was.
    async fn write(&self, path: &str, data: &BTreeMap<String, Secret>, over: Option<&str>) -> Result<String, Error>;
}
