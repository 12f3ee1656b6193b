//! The runbook: the file that a tired person can read aloud, from text to a checked model.
//!
//! Passes, each a type: text → tree (as written, every key and value with its place) → [`Runbook`] (checked). One table
//! says what the structure is; the walk that checks a file and the JSON schema both read it. Pure: nothing here reads a
//! file, an environment variable or a server.

mod build;
mod check;
mod model;
mod parse;
mod read;
mod schema;
mod shape;
mod table;
mod tree;

pub(crate) use check::among;
pub use model::{
    Agent, AgentKind, App, Approval, Auth, Aws, AwsReplica, AwsRole, Check, Cluster, ClusterState, Done, Expect,
    ExtraAction, ExtraStep, From, InSource, Order, Plain, Program, Replaces, Revision, Root, Runbook, SecretShape,
    SecretSpec, Sops, Source, Store, StoreKind, Target, Vault,
};
pub use parse::parse;
pub use schema::schema;

#[cfg(test)]
mod tests;
