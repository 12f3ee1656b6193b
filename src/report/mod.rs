//! What a user sees of a run.
//!
//! Every report is a function of events. [`terminal::Live`], [`terminal::Lines`], [`Json`] and [`Quiet`] take events one
//! by one as they happen or as a journal tells them again; [`summary`] reads the fold at the end. A report made live
//! equals one made from the journal. Nothing here prints by itself: each sink is given where to write.
//!
//! Texts from outside, such as a controller's message, are made one line before they reach a screen, so that
//! no control character can disturb it.

mod blocking;
mod causes;
mod clean;
mod estimate;
mod failure;
mod json;
mod outcome;
#[cfg(test)]
mod properties;
mod question;
mod quiet;
#[cfg(test)]
mod story;
mod style;
mod summary;
pub mod terminal;
mod text;
mod timetable;
mod wording;

pub use clean::clean;
pub use failure::failure;
pub use json::Json;
pub use outcome::outcome;
pub use question::{again, cue, question};
pub use quiet::Quiet;
pub use style::Style;
pub use summary::summary;
