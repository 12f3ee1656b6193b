//! The places where secrets live.

mod aws;
mod env;
mod exec;
mod files;
mod kubernetes;
mod sops;
mod store;
mod vault;

pub(in super::super) use self::store::STORE;
