//! Secrets of a cluster that lives on, such as the one from which others are managed.
//!
//! The connection is our own and not that of the cluster that is restored: other rights, another address, and nothing is ever
//! changed there. That it is not the very cluster that is restored is for whoever knows both to see: [`Store::home`](super::Store::home).

mod connect;
mod said;
mod settings;
mod store;

pub use settings::Settings;
pub use store::Kubernetes;
