//! The order in which Argo CD's own install manifests must reach a bare cluster, and what is wrong with them.
//!
//! [`arrange`] sorts rendered manifests (plain, kustomize or chart; core or full) into stages: what the agent stands on
//! first, its workloads last. Between them come the credentials: Argo CD started before its keys exist runs, but does not
//! reconcile until it is restarted (argo-cd#22231).

mod check;
mod hold;
mod image;
mod policy;
mod role;
mod settings;
mod stage;
mod stored;

pub use hold::Hold;
pub use image::{installed_version, version_of};
pub use policy::{Sets, sets};
pub use role::{Role, Workload, workloads};
pub use settings::{ArgocdSecret, argocd_secret, default_project};
pub use stage::{Install, Stage, StageName, arrange};
pub use stored::with_stored;

#[cfg(test)]
mod fixture;
