//! OpenBao, the secret store of the tests.
//!
//! A real server with storage on disk, not `bao server -dev`: it can be sealed, and stopped and started again without
//! loss, and comes up sealed then, as in life. [`OpenBao`] is the server, [`Namespace`] what is written in it.

mod namespace;
mod server;

pub use namespace::{AppRole, Namespace};
pub use server::OpenBao;
