//! The checked runbook. Every reference in it resolves; every duration, address and name is valid.

mod runbook;
mod stores;

pub use self::runbook::{
    Agent, AgentKind, App, Approval, Check, Cluster, ClusterState, Done, Expect, ExtraAction, ExtraStep, From,
    InSource, Order, Part, Plain, Program, Replaces, Revision, Root, Runbook, SecretShape, SecretSpec, Source, Taken,
    Target,
};
pub use self::stores::{
    Auth, Aws, AwsReplica, AwsRole, Env, Exec, Files, Given, Kubernetes, Printed, Sops, SopsKey, SopsPlace, Store,
    StoreKind, Vault,
};
