//! `secrets capture`: takes from a live cluster what a restore will need, into the stores that the runbook reads from.
//!
//! From the cluster it only reads. Which live system it could hit: the stores. A cluster that is empty, half restored, in a run, or another
//! than the one that was captured last would put worthless values over good ones (argoproj-labs/argocd-operator#205), so [`FindLive`] and
//! [`capture`] refuse these before anything is written: `nothing_is_captured_from_what_is_no_whole_platform` and
//! `another_cluster_than_the_last_is_captured_only_if_a_person_says_so`, by the versions in the store. What a store holds newer than what was
//! captured last is never replaced but by name, and the store itself refuses a version that is not the one that was looked at.

mod compare;
mod find;
mod live;
mod manifest;
mod needed;
mod place;
mod remarks;
mod text;
mod told;
mod whole;
mod write;

pub use self::find::FindLive;
pub use self::live::read_live;
pub use self::told::Capture;
pub use self::whole::{Last, Wishes, capture, last};
