//! What is known of Flux.
//!
//! * [`graph`]: what its objects wait for.

pub mod graph;
