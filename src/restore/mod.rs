//! A restore put together: resolve → interlock → run. What the command line calls, and later the drill.

mod answers;
mod build;
mod capture;
mod follow;
mod operator;
mod request;
mod resume;
mod run;
mod stores;
mod survey;
#[cfg(test)]
mod told;
mod took;

pub use crate::steps::{Answers, Wishes};
pub use capture::capture;
pub use request::{Request, Unreadable, read};
pub use run::{plan, restore};
pub use survey::survey;
