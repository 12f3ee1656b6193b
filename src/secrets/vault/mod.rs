//! Vault and OpenBao: KV version 1 and 2.
//!
//! `vaultrs` describes the requests and the answers; the transport is our own. That of `vaultrs` reads `VAULT_*` from the
//! environment, panics on a token that is no header, hides `Retry-After`, and keeps whole answers in its errors.
//!
//! A secret's path is written as `vault kv get` takes it: mount and path in one. Where the
//! first ends is asked of the server. A path that ends in a slash is a folder, read as one secret. Secrets of KV version 2
//! can be written.

mod absent;
mod auth;
mod client;
mod denied;
mod folder;
mod health;
mod kv;
mod login;
mod look;
mod mount;
mod session;
mod settings;
mod transport;
mod unreached;
mod write;

pub use auth::{Bearer, Login};
pub use client::Vault;
pub use settings::Settings;
