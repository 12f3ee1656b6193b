//! How well live objects are. Pure: an object in, a verdict out.
//!
//! [`judge`] knows what Argo CD knows of the cluster's own kinds: one file below `kind` and one row in its table each.
//! [`lua::Checks`] knows the scripts of an Argo CD besides. [`by_convention`] reads what an object of any
//! other kind says of itself.

mod condition;
mod convention;
mod field;
mod judge;
mod kind;
pub mod lua;
mod verdict;

pub use condition::{condition_or_phase, established, names_refused};
pub use convention::by_convention;
pub use judge::{has_check, judge, workload};
pub use verdict::{Health, Status};
