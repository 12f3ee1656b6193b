//! Reads every secret of the runbook, before anything is created: what cannot be had is known now.
//!
//! What stores keep in a source is read once the sources are fetched, and what opens these is read before. So there are two steps,
//! of which the second is there only where it is needed.

mod given;
mod judged;
mod read;
mod reading;
mod taken;

pub use self::read::{ReadOpeners, ReadSources, ReadStores};
pub use self::reading::Early;

pub(super) use self::given::{given, wipe};
pub(super) use self::judged::{amiss, amiss_together, learn, with_set};
pub(super) use self::reading::closed;
pub(super) use self::taken::taken;
