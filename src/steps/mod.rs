//! The actions of a restore, one file each: the only room that joins the engine to the adapters.
//!
//! Steps share a [`World`]: what earlier steps found out. A step that needs something which is not there yet says so
//! rather than guess.

mod agent;
mod answers;
mod approve;
mod apps;
mod check;
mod chosen;
mod connect;
mod credentials;
mod extra;
mod findings;
mod ground;
mod interlock;
mod moved;
mod prepare;
mod program;
mod release;
mod replanned;
mod root;
mod rotated;
mod sets;
mod sources;
mod stores;
mod world;

pub use agent::StartAgent;
pub use answers::{Answers, bare};
pub use approve::Approve;
pub use apps::{Drive, Until};
pub use check::CheckStep;
pub use connect::Connect;
pub use credentials::RestoreCredentials;
pub use extra::ApplyExtra;
pub use ground::LayGround;
pub use interlock::Interlock;
pub use prepare::Prepare;
pub use program::RunProgram;
pub use release::Release;
pub use root::ApplyRoot;
pub use sets::LetSetsGo;
pub use sources::FetchSources;
pub use stores::ReadStores;
pub use world::{Options, Prepared, Restored, World};
