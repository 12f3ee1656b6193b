//! Proves that this is the right cluster and that nothing stands in the way.
//!
//! Everything here only reads, and whatever fails here has left everything as it was. One file an interlock; `step` puts
//! them in order and tells all that stands in the way at once.

mod agent;
mod clocks;
mod clusters;
mod empty;
mod replaced;
mod rights;
mod roots;
mod served;
mod standing;
mod step;
mod target;

pub use step::Interlock;
