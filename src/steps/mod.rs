//! The actions of a restore, one file each: the only room that joins the engine to the adapters.
//!
//! Steps share a [`World`]: what earlier steps found out. A step that needs something which is not there yet says so
//! rather than guess.

mod agent;
mod apps;
mod check;
mod connect;
mod credentials;
mod extra;
mod findings;
mod ground;
mod interlock;
mod lease;
mod prepare;
mod record;
mod root;
mod sources;
mod stores;
mod world;

pub use crate::cluster::Holder;

pub use agent::StartAgent;
pub use apps::{Drive, Until};
pub use check::CheckStep;
pub use connect::Connect;
pub use credentials::RestoreCredentials;
pub use extra::ApplyExtra;
pub use ground::LayGround;
pub use interlock::Interlock;
pub use lease::Sight;
pub use prepare::Prepare;
pub use record::{Found, RunRecord};
pub use root::ApplyRoot;
pub use sources::FetchSources;
pub use stores::ReadStores;
pub use world::{Answers, Options, Prepared, Restored, World};
