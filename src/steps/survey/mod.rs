//! `secrets check`: whether the credentials of a runbook are where it says, before they are needed.
//!
//! Every place of every secret is looked at, the fallbacks too: a place that nobody needs today is the one that an outage needs.
//! Values are read only where something is to be said of them, unless all are to be read. Nothing is written but the cache of the sources.
//! With Flux the sources are looked into, too: what they hold encrypted is opened by a key that is restored, or not at all.

mod flux;
mod look;
mod text;
mod told;

pub use self::flux::{decrypts, encrypted};
pub use self::look::survey;
pub use self::told::Survey;

pub(super) use self::told::Lack;
