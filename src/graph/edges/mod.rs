//! What Kubernetes and its common operators make one object wait for another by: one file a rule, one row in [`ROWS`].

mod admission;
mod api;
mod class;
mod definition;
mod external;
mod follow;
mod made;
mod namespace;
mod owner;
mod pods;
mod role;
mod runbook;
mod service;
mod structure;
mod table;

pub use table::Row;
pub(super) use table::{ROWS, SET_ROWS};

#[cfg(test)]
mod tests;
