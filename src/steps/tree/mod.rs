//! What follows from the roots: every Application and every set, with what its sources hold, rendered as the agent would.
//!
//! This is knowledge and no gate. What cannot be rendered is unknown with its reason, and what takes too long is too; no
//! restore is kept from going on by it. Only reads: sources that the runbook does not name are fetched where they can be.
//!
//! * `early` renders every app as soon as it is found, and `walk` puts them in order, from the roots down, level by level.
//! * `sourced` renders one Application, `generated` one set.
//! * `repositories` finds the checkout for a repository at a revision, `login` how to get in, `folder` what is in it.
//! * `charts` is which repositories of charts are known.
//! * `clusters` is what generators are told of clusters, `settings` what of the agent's settings counts.

mod charts;
mod clusters;
mod early;
mod folder;
mod generated;
mod login;
mod repositories;
mod settings;
mod sourced;
mod walk;

pub(super) use charts::repositories;
pub(super) use folder::Laid;
pub(super) use settings::{build_options, children_are_awaited, installed};
pub(super) use walk::{Ahead, follow};
