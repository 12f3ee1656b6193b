//! The keys with which the controller of Sealed Secrets opens what is sealed in Git.
//!
//! The controller makes a new pair each month and keeps all earlier ones: a `SealedSecret` is opened only by the generation that it
//! was sealed for. So a store holds a *set*, in one secret: [`manifests`] makes the Secrets of it, [`data`] reads it back from
//! such Secrets, [`check`] says what is wrong with it, and [`newcomers`] which keys of a cluster are in no set.
//!
//! Sources: `pkg/controller/{main,keys,keyregistry}.go` of Sealed Secrets 0.27.1.

mod check;
mod keys;
mod renewal;

pub use check::check;
pub use keys::{ACTIVE, KEY_LABEL, data, manifests, names, newcomers};
pub use renewal::renewal_due;
