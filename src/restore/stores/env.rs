//! Variables of the environment.

use crate::runbook::Env;
use crate::secrets::{Store, Variables};

/// Makes the store.
pub(super) fn make(name: &str, env: &Env) -> Box<dyn Store> {
    Box::new(Variables::new(name, env.prefix.as_str()))
}
