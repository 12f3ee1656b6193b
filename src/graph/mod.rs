//! What stands on what in a whole platform. Pure: rendered manifests in, a graph out.
//!
//! [`Platform`] is what it is made from: every app that follows from the roots, each with the objects that its sources hold, or
//! with why these are not known.

mod platform;

pub use platform::{App, AppSource, Contents, Platform, Sourced};
