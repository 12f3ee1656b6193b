//! Files that SOPS has encrypted, in a Git repository or in a folder of this machine.
//!
//! What an age key opens is decrypted here, so that an outage needs no other program: the data key by `age`, each value by
//! AES-GCM, and the MAC over all of them, as `sops` v3 does it (`sops.go`, `aes/cipher.go`). Whatever else a file was encrypted
//! for (PGP, a cloud's KMS, Vault's transit engine, shares of a key) is left to the program `sops`. So is what we are not
//! certain to read as it does: a MAC that does not fit must mean that the file was changed, never that we read it wrong.
//!
//! Nothing is written to disk, and a value's path and the MAC are checked before any value is handed on. That MAC tells little of
//! what is not encrypted: it counts texts alone, not their keys. So in a Secret of Kubernetes no open value is taken beside or in
//! place of encrypted ones.

mod cipher;
mod document;
mod dotenv;
mod folder;
mod format;
mod ini;
mod json;
mod keys;
mod metadata;
mod mixed;
mod native;
mod program;
mod rules;
mod settings;
mod store;
mod trouble;
mod values;
mod yaml;

pub use settings::{AgeKey, Place, Settings};
pub use store::Sops;
