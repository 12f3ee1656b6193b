//! The other clusters that the agent drives: those that were rebuilt, those that live on, those that are absent.
//!
//! * A rebuilt one is proved to be the right one before anything is changed (`prove`), and registered anew before the
//!   roots (`register`).
//! * One that lives on is connected when all other apps are settled, after a person has seen what the agent would do there:
//!   `look` reads it, `toll` says it, `connect` asks and connects.
//! * What else would connect one that lives on is refused beforehand, and told where it has happened (`unapproved`).
//! * The apps of one that is absent, or is not connected, are not waited for (`away`).

mod away;
mod connect;
mod fresh;
mod look;
mod prove;
mod register;
mod rendered;
mod toll;
mod unapproved;

pub use away::Fate;
pub use connect::ConnectSurvivor;
pub use prove::ProveClusters;
pub use register::RegisterCluster;

pub(super) use away::{away, find_connected, held_back};
pub(super) use rendered::{Whole, lent, renderer};
pub(super) use unapproved::unapproved;
