//! The store for Vault and OpenBao against a real OpenBao.

mod bench;
mod fake;
mod kv;
mod login;
mod server;
mod wire;
