//! Reads credentials from where they outlived the cluster.
//!
//! A [`Store`] answers two questions: does it let us in ([`Store::check`]), and what is at a path ([`Store::read`]). Every
//! value leaves as a [`Secret`](crate::redact::Secret); an [`Error`] says which path, where, and what to do, and never
//! holds an answer's body, a value or a token. [`read_all`] reads many at once. [`vault`] is the store for Vault and OpenBao,
//! [`aws`] that for AWS Secrets Manager; what is near, on this machine or in a cluster that lives, is read by [`Files`],
//! [`Variables`], [`Program`] and [`Kubernetes`]; [`sops`] that for files which SOPS has encrypted.
//!
//! Whoever reads a value decides whether the [`Redactor`](crate::redact::Redactor) should learn it: a stored repository
//! address is no secret and would garble every line that names it.

pub mod aws;
mod chain;
mod env;
mod error;
mod exec;
mod fetched;
mod files;
mod folder;
mod kubernetes;
mod parallel;
mod private_file;
mod private_mode;
pub mod sops;
mod store;
mod texts;
pub mod vault;
mod writer;

pub use env::Variables;
pub use error::{Error, ErrorKind};
pub use exec::{Output, Program, Settings as ProgramSettings};
pub use fetched::Fetched;
pub use files::Files;
pub use kubernetes::{Kubernetes, Settings as KubernetesSettings};
pub use parallel::{Request, look_all, read_all};
pub use store::{Home, Seen, Store, Stored, WHOLE, Wanted};
pub use writer::Writer;
