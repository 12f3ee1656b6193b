//! A run in a terminal, or in a log file where there is none.
//!
//! [`Live`] keeps a few moving lines at the bottom of a terminal; what is done scrolls away above them. [`Lines`] writes
//! one plain line for each transition. What is typed meanwhile is not echoed into the moving lines. The moving lines are drawn by a pure function of the state and the time.

mod echo;
mod frame;
mod lines;
mod live;
mod resting;
mod row;

pub use echo::restore_echo;
pub use lines::Lines;
pub use live::Live;
