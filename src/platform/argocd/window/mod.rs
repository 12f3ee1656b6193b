//! Sync windows of a project: which of them holds an app back now, and until when.
//!
//! Argo CD only logs that it does not sync for a window (`controller/appcontroller.go`, `autoSync`), so without this an app would
//! be out of sync for no reason that anybody can see.

mod closed;
mod matching;
mod read;
mod schedule;

pub use closed::{Closed, closed};

#[cfg(test)]
mod tests;
