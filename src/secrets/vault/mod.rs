//! Vault and OpenBao: KV version 1 and 2, by token or `AppRole`.
//!
//! `vaultrs` describes the requests and the answers; the transport is our own. That of `vaultrs` reads `VAULT_*` from the
//! environment, panics on a token that is no header, hides `Retry-After`, and keeps whole answers in its errors.
//!
//! A secret's path is written as `vault kv get` takes it: mount and path in one. Where the
//! first ends is asked of the server.

mod absent;
mod client;
mod denied;
mod health;
mod kv;
mod mount;
mod session;
mod settings;
mod transport;
mod unreached;
mod wrapping;

pub use client::Vault;
pub use settings::{Login, Settings};
