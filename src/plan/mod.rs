//! What a restore would do, as data: the runbook, the revisions and the order, with a digest.
//!
//! Pure: everything it is made from was read by others.

mod apps;
mod asked;
mod digest;
mod extra;
mod foresight;
mod make;
mod manual;
mod outlook;
mod remark;
mod strangers;
mod text;
mod took;
mod waves;
mod zero;

pub use apps::{PlannedApp, PlannedObject, apps};
pub use asked::{Asked, HeldBack, Thing};
pub use digest::{Covered, Difference};
pub use extra::{Ordered, order};
pub use foresight::Foresight;
pub use make::{Action, Input, Item, Plan, RootInput, SourceAt, make};
pub use manual::manual;
pub use outlook::Outlook;
pub use remark::Remark;
pub use strangers::strangers;
pub use took::Took;
pub use waves::Waves;
pub use zero::unopened;
