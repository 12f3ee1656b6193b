//! What is known of Argo CD.
//!
//! * [`secret`]: the Secrets that it reads, key by key: check what a store holds, build the manifest.
//! * [`install`]: the order in which its own install manifests must reach a bare cluster.
//! * [`manifest`]: how a root from Git is made fit for a restore. [`damage`]: what in the sources would do harm.
//! * [`application`], [`applicationset`]: a typed view of the live objects.
//! * [`checks`]: where it keeps the health checks that are not in its code. [`exclusions`]: which kinds it does not look at.
//! * [`recipe`]: what an Application is rendered from. [`hook`]: what a sync runs instead of managing it. [`sets`]: which Applications a set makes.
//! * [`adoption`]: whether an app has taken over what was applied before the agent was there.
//! * [`preload`]: what is applied before the roots because apps need it of each other.
//! * [`leaves`]: which apps a restore creates itself, and in which order, where the runbook says `order: graph`.
//! * [`project`]: what a project lets its apps bring.
//! * [`settled`]: whether one of them is ready, and why not. [`decide`]: the same for everything that follows from the
//!   roots, and what to do about it.
//! * [`graph`]: what its apps and their objects wait for.
//! * [`bundled`]: of which kinds it may judge the health. [`cause`]: why a sync failed. [`operation`]: a sync that is begun again.
//! * [`remote`]: how a cluster that was built anew is registered. [`tracking`] and [`survivor`]: what the agent would delete on
//!   one that lives on.

pub(crate) mod address;
pub mod adoption;
pub mod application;
pub mod applicationset;
pub mod bundled;
pub mod cause;
pub mod checks;
pub mod damage;
pub mod decide;
pub mod exclusions;
mod glob;
pub mod graph;
pub mod hook;
pub mod install;
pub mod leaves;
pub mod manifest;
mod message;
pub mod operation;
mod place;
pub mod preload;
pub mod project;
pub mod recipe;
pub mod remote;
pub mod secret;
pub mod served;
pub mod sets;
pub mod settled;
pub mod survivor;
pub mod tracking;
pub mod window;

/// The API group of Applications, their sets and their projects.
pub const GROUP: &str = "argoproj.io";

/// The address by which a cluster's own API server is named in an Application's destination.
pub const IN_CLUSTER: &str = "https://kubernetes.default.svc";

/// The annotation that asks for a refresh of an Application.
pub const REFRESH: &str = "argocd.argoproj.io/refresh";

/// The annotation that asks for a refresh of an `ApplicationSet`.
pub const REFRESH_SET: &str = "argocd.argoproj.io/application-set-refresh";

/// The label without which Argo CD does not see its own ConfigMaps and `argocd-secret` (`util/settings/settings.go`).
pub const PART_OF: &str = "app.kubernetes.io/part-of";
