//! Reads credentials from where they outlived the cluster.
//!
//! A [`Store`] answers two questions: does it let us in ([`Store::check`]), and what is at a path ([`Store::read`]). Every
//! value leaves as a [`Secret`](crate::redact::Secret); an [`Error`] says which path, where, and what to do, and never
//! holds an answer's body, a value or a token. [`read_all`] reads many at once. [`vault`] is the store for Vault and OpenBao,
//! [`sops`] that for files which SOPS has encrypted.
//!
//! Whoever reads a value decides whether the [`Redactor`](crate::redact::Redactor) should learn it: a stored repository
//! address is no secret and would garble every line that names it.

mod error;
mod fetched;
mod parallel;
pub mod sops;
mod store;
pub mod vault;

pub use error::{Error, ErrorKind};
pub use fetched::Fetched;
pub use parallel::{Request, read_all};
pub use store::{Seen, Store, Stored, WHOLE, Wanted};
