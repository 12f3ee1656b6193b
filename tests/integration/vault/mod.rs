//! The store for Vault and OpenBao against a real OpenBao.

#![expect(
    clippy::unwrap_used,
    reason = "what a test stands on may fail it like the test itself"
)]

mod bench;
mod fake;
mod folder;
mod kv;
mod login;
mod look;
mod methods;
mod server;
mod wire;
mod write;
