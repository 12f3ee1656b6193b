//! The places where secrets live.

mod aws;
mod sops;
mod store;
mod vault;

pub(in super::super) use self::store::STORE;
