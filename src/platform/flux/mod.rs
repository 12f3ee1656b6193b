//! What is known of Flux.
//!
//! * [`graph`]: what its objects wait for. [`Recipe`]: how a Kustomization is rendered. [`secrets`]: which
//!   Secrets an object reads.

pub mod graph;
mod recipe;
mod references;

pub use recipe::{FromObject, Recipe};
pub use references::{KINDS, secrets};
