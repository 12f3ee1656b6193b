//! All that is wrong with a runbook, found in one go.
//!
//! The structure is walked against the table; what the table cannot say has a file each. Every check copes with a tree
//! of which parts are broken: what another check has reported is silently passed over.

mod capture;
mod format;
mod literal;
mod names;
mod order;
mod policy;
mod record;
mod secrets;
mod stores;
mod structure;
mod suggest;
mod taken;
mod whole;

use self::whole::Check;

pub(super) use self::format::{duration, is_commit};
pub(super) use self::literal::{holds_secret, may_hold_secret};
pub(super) use self::names::store_name;
pub(crate) use self::suggest::among;
pub(super) use self::taken::parts;
pub(super) use self::whole::check;
