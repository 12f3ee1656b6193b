//! How the files of one source become manifests, as data: what an Application or a Kustomization says of it.
//!
//! [`Tool`] is what an agent's object says, in the agent's own words: its JSON form is that of the object. It is read by
//! `platform`, which knows the agents, and carried out by `render`, which knows the programs; neither knows the other.

mod directory;
mod environment;
mod flux;
mod helm;
mod kustomize;
mod login;
mod tool;

pub use directory::{Directory, Jsonnet, JsonnetVariable};
pub use environment::Environment;
pub use flux::{Flux, Metadata};
pub use helm::{FileParameter, Helm, Parameter};
pub use kustomize::{Kustomize, Replica};
pub use login::covers;
pub use tool::{Tool, read};
