//! Charts of repositories: fetched by Helm, kept on this machine by what they are, and unpacked in bounds.

mod dependencies;
mod fetch;
mod login;
mod store;
mod unpack;

pub(super) use dependencies::build;
pub(super) use fetch::chart;
pub(super) use store::{digest_of, write};
