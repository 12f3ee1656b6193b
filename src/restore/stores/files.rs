//! Files on this machine.

use crate::runbook::Files as Configured;
use crate::secrets::{Files, Store};

/// Makes the store.
pub(super) fn make(name: &str, files: &Configured) -> Box<dyn Store> {
    Box::new(Files::new(name, &files.folder))
}
