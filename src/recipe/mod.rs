//! How the files of one source become manifests, as data: what an Application or a Kustomization says of it.
//!
//! [`Tool`] is what an agent's object says, in the agent's own words: its JSON form is that of the object. It is read by
//! `platform`, which knows the agents, and carried out by `render`, which knows the programs; neither knows the other.

mod address;
mod directory;
mod environment;
mod flux;
mod helm;
mod kustomize;
mod tool;

pub use address::{covers, has_password, password, without_password};
pub use directory::{Directory, Jsonnet, JsonnetVariable};
pub use environment::Environment;
pub use flux::{Flux, Metadata};
pub use helm::{FileParameter, Helm, Parameter};
pub use kustomize::{Kustomize, Replica};
pub use tool::{Tool, read};
