//! A real control plane: etcd, API server, controller manager and scheduler as child processes.
//!
//! [`ControlPlane`] starts and stops them, [`User`] is somebody who talks to the API server, [`audit`] reads what the API server
//! was asked to do.

pub mod audit;
mod server;
mod user;

pub use audit::{AuditEvent, AuditLog};
pub use server::ControlPlane;
pub use user::User;
