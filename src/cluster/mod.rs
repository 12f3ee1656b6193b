//! The Kubernetes API: connecting, finding kinds, applying, watching, and judging the workloads that the agent needs.
//!
//! Everything here is IO against one cluster and knows nothing of runs, agents or stores.

mod access;
mod address;
mod apply;
mod batch;
mod brought;
mod connect;
mod create;
mod error;
mod everything;
mod going;
mod guard;
mod inventory;
mod kinds;
mod lease;
mod leaving;
mod log;
mod ownership;
mod pace;
mod pause;
mod probe;
mod ranked;
mod record;
mod removed;
mod request;
mod send;
mod skew;
mod trial;
mod verdict;
mod wait;

pub use access::{Missing, Place};
pub use address::same_server;
pub use apply::{Applied, Change, MANAGER, Mode};
pub use batch::all_ended;
pub use connect::{Cluster, Identity, Target, Trust};
pub use error::{Error, ErrorKind};
pub use everything::Everything;
pub use inventory::Inventory;
pub use lease::{Claim, Holder, Pulse};
pub use leaving::Leaving;
pub use ownership::Release;
pub use probe::{Sign, look, sign_of_life};
pub use ranked::Counts;
pub use record::Kept;
pub use skew::{Skew, TOLERATED};
pub use trial::Tried;
pub use wait::{Refused, Seen, Sort};
