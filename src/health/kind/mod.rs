//! The kinds that Argo CD has a check for in its own code: one file each, one row in the table.
//!
//! The rules are those of Argo CD 3.2 (gitops-engine at `5baed5604d2d`, `pkg/health/health_*.go`); the words are ours.

mod api_service;
mod autoscaler;
mod claim;
mod daemon_set;
mod deployment;
mod ingress;
mod job;
mod pod;
mod replica_set;
mod service;
mod stateful_set;
mod table;
mod workflow;

pub(super) use table::{KINDS, Row};

#[cfg(test)]
mod tests;
