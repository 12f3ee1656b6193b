//! The runbook's structure: every key, what its value may be, and what it means.

mod agent;
mod field;
mod order;
mod runbook;
mod secrets;
mod stores;
mod target;

use self::field::{may, must, table, word, words};

pub(super) use self::runbook::RUNBOOK;
pub(super) use self::secrets::{ARGOCD_SECRETS, SEALED_KEYS};
pub(super) use self::stores::STORE;
