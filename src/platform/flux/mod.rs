//! What is known of Flux.
//!
//! * [`graph`]: what its objects wait for. [`Recipe`]: how a Kustomization is rendered.

pub mod graph;
mod recipe;

pub use recipe::{FromObject, Recipe};
