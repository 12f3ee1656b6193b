//! Why a live object is not well: from the object down to the container, claim, quota or refusal that keeps it so.
//!
//! Pure. Whoever watches takes a [`Glance`] of each object and a [`Warning`] of each event, and hands them to [`Facts`], which joins
//! them by the chain of owners. Neither keeps the object.

mod cause;
mod condition;
mod container;
mod deadlock;
mod facts;
mod glance;
mod pod;
mod unwell;
mod warning;

pub use cause::{Cause, Depth, End, Question};
pub use facts::{Facts, News};
pub use glance::Glance;
pub use warning::Warning;

#[cfg(test)]
mod facts_tests;
