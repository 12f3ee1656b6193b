//! The runbook: the file that a tired person can read aloud, from text to a checked model.
//!
//! Passes, each a type: text → `Raw` (as written, every value with its span) → [`Runbook`] (checked). Pure: nothing here
//! reads a file, an environment variable or a server.

mod model;

pub use model::{
    Agent, AgentKind, App, Auth, Check, Cluster, ClusterState, Done, Expect, ExtraAction, ExtraStep, From, InSource,
    Plain, Replaces, Revision, Root, Runbook, SecretShape, SecretSpec, Source, Store, StoreKind, Target, Vault,
};
