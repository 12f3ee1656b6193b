//! Which Applications a restore creates itself, each when what it needs is ready: `order: graph` of a runbook. Pure: a platform and its
//! graph in.
//!
//! Argo CD creates all children of a wave at once and orders nothing across apps (argo-cd #3781, #27917). Under `order: graph` the
//! *leaves*, the apps that bring no other, are created one by one before the roots; the apps above them come with the roots and find
//! them as their own.
//!
//! * [`leaf`](Leaf): such an app, and what it waits for.
//! * `fit`: which apps may be created ahead of their parents at all.
//! * `closed`: which of these need only what is there, or what another of them brings.
//! * [`projects`]: which projects are applied before them.
//! * [`refused`]: what a platform must not hold for it.

mod closed;
mod fit;
mod leaf;
mod projects;
mod refused;
#[cfg(test)]
mod tests;

pub use closed::leaves;
pub use leaf::{Leaf, Leaves, Left, Wait};
pub use projects::{named, projects};
pub use refused::refused;
