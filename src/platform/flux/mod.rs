//! What is known of Flux.
//!
//! * [`graph`]: what its objects wait for. [`Recipe`]: how a Kustomization is rendered. [`secrets`]: which
//!   Secrets an object reads.
//! * [`decryptions`]: what SOPS has encrypted of what its Kustomizations apply, and with which Secret each decrypts it;
//!   [`check_decryption`] and [`check_kustomizations`] say what of it will not be opened.

pub mod graph;
mod opened;
mod recipe;
mod references;
mod sealed;

pub use opened::{check_decryption, check_kustomizations};
pub use recipe::{FromObject, Recipe};
pub use references::{KINDS, secrets};
pub use sealed::{Decryption, Files, Sealed, Source, decryptions};
