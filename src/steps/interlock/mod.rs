//! Proves that this is the right cluster and that nothing stands in the way.
//!
//! Everything here only reads, and whatever fails here has left everything as it was. One file an interlock; `step` puts
//! them in order and tells all that stands in the way at once. What must be known before a login is sent or spent is asked
//! by other steps too, ahead of the interlock, which asks again.

mod agent;
mod clocks;
pub(super) mod clusters;
mod empty;
mod replaced;
mod rights;
mod roots;
mod served;
mod standing;
mod step;
pub(super) mod target;

pub(super) use empty::not_empty;
pub use step::Interlock;
