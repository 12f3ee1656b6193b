//! What every Secret must be, whoever reads it: what the API server takes, and what is in PEM blocks.
//!
//! [`check`] never quotes a value. What an agent wants of its own Secrets is in that agent's room.

mod certificate;
mod check;
mod data;
mod kind;
mod private_key;
mod report;

pub use self::check::check;
pub use self::data::{Data, decoded, encoded, text};

pub(super) use self::certificate::check_pair;
pub(super) use self::check::is_key;
pub(super) use self::data::has;
pub(super) use self::report::Report;
