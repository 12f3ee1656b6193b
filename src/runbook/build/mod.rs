//! From a tree in which nothing is wrong to the [`Runbook`](super::Runbook).
//!
//! Everything here returns `Option`: a `None` would mean that the checks let something pass which they should not have,
//! and a test makes sure that they do not.

mod read;
mod runbook;
mod stores;

pub(super) use self::runbook::build;
