//! Reads Git repositories; never writes one.
//!
//! [`fetch`] asks the address of a source and then its mirrors, takes one commit as shallowly as the server allows, and
//! lays its files out in a folder of their own, without any of Git's own files beside them. Every address that did not
//! answer is in the [`Error`], with its own reason.
//!
//! What is read of the machine: the user's and the system's `known_hosts` where none was given, the proxy variables of
//! the environment, and the system's certificates. libgit2 also opens the user's Git configuration when it makes the
//! folder that it fetches into, but an empty one is put in its place before anything of it is used. Credential helpers,
//! the SSH agent and the keys in `~/.ssh` are never asked.

mod access;
mod address;
mod ancestry;
mod error;
mod fetch;
mod known_hosts;
mod revision;
mod tls;
mod transfer;
mod tree;
mod version;

pub use access::{Access, Login, Trust};
pub use address::is_local;
pub use ancestry::follows;
pub use error::{Error, HostKey, Kind, Known, Refusal};
pub use fetch::{Checkout, PATIENCE, Request, Wanted, fetch};
