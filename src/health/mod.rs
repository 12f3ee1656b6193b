//! How well live objects are. Pure: an object in, a verdict out.
//!
//! [`judge`] knows what Argo CD knows of the cluster's own kinds: one file below `kind` and one row in its table each.

mod condition;
mod field;
mod judge;
mod kind;
mod verdict;

pub use condition::{condition_or_phase, established};
pub use judge::{judge, workload};
pub use verdict::{Health, Status};
