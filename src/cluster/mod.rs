//! The Kubernetes API: connecting, finding kinds, applying, watching, and judging the workloads that the agent needs.
//!
//! Everything here is IO against one cluster and knows nothing of runs, agents or stores.

mod access;
mod apply;
mod connect;
mod error;
mod guard;
pub mod health;
mod inventory;
mod lease;
mod ranked;
mod record;
mod request;
mod wait;

pub use access::{Missing, Place};
pub use apply::{Applied, MANAGER, Mode};
pub use connect::{Cluster, Identity, Target};
pub use error::{Error, ErrorKind};
pub use inventory::Inventory;
pub use lease::{Claim, Holder, Sign};
pub use record::Kept;
pub use wait::Seen;
