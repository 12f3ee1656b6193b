//! A program that prints secrets: the way to every store that has a command line.

mod printed;
mod program;
mod settings;

pub use program::Program;
pub use settings::{Output, Settings};
