//! The agents, as far as they are reached through the Kubernetes API: installing, observing, nudging.
//!
//! What is known of an agent without asking a cluster is in [`platform`](crate::platform).

pub mod argocd;
