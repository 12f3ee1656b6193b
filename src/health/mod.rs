//! How well live objects are. Pure: an object in, a verdict out.

mod condition;
mod verdict;
mod workload;

pub use condition::{condition, condition_or_phase, established};
pub use verdict::{Health, Status};
pub use workload::workload;
