//! The actions of a restore, one file each: the only room that joins the engine to the adapters.
//!
//! Steps share a [`World`]: what earlier steps found out. A step that needs something which is not there yet says so
//! rather than guess.

mod agent;
mod ahead;
mod answers;
mod approve;
mod apps;
mod capture;
mod check;
mod checks;
mod chosen;
mod clusters;
mod connect;
mod credentials;
mod extra;
mod findings;
mod ground;
mod homes;
mod hosts;
mod interlock;
mod lease;
mod leaves;
mod moved;
mod outlook;
mod preload;
mod prepare;
mod program;
mod record;
mod references;
mod release;
mod replanned;
mod root;
mod rotated;
mod sealed;
mod sets;
mod settings;
mod sources;
mod stores;
mod survey;
mod table;
mod tree;
mod variables;
mod weather;
mod world;

pub use crate::cluster::Holder;

pub use agent::StartAgent;
pub use answers::{Answers, bare};
pub use approve::Approve;
pub use apps::{Drive, Until};
pub use capture::{Capture, FindLive, Last, Wishes, capture, last, read_live};
pub use check::CheckStep;
pub use checks::read_checks;
pub use clusters::{ConnectSurvivor, Fate, ProveClusters, RegisterCluster};
pub use connect::Connect;
pub use credentials::RestoreCredentials;
pub use extra::ApplyExtra;
pub use ground::LayGround;
pub use homes::apart as homes_apart;
pub use interlock::Interlock;
pub use lease::Sight;
pub use preload::Preload;
pub use prepare::Prepare;
pub use program::RunProgram;
pub use record::{Found, RunRecord};
pub use release::Release;
pub use root::ApplyRoot;
pub use sealed::SealedKeys;
pub use sets::LetSetsGo;
pub use sources::FetchSources;
pub use stores::{Early, ReadOpeners, ReadSources, ReadStores};
pub use survey::{Survey, decrypts, encrypted, survey};
pub use variables::{learn_variables, of_output};
pub use world::{Options, Prepared, Restored, World};
