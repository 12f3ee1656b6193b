//! From the checked runbook to the stores that it reads from.

mod aws;
mod env;
mod exec;
mod files;
mod kubernetes;
mod make;
mod plain;
mod sops;
mod vault;

pub(super) use self::make::stores;
