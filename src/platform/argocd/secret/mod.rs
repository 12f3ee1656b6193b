//! The Secrets that Argo CD reads: every key of every type, and what goes wrong silently when one is misspelt.
//!
//! What is no secret but restored beside them, such as whom Argo CD trusts, is a [`Shape`] too, and becomes a ConfigMap
//! ([`settings()`]).
//!
//! [`check`] looks at one secret, [`check_together`] at all of them, before anything is touched; [`build`] makes the
//! manifest. No finding ever quotes a value: one that is no boolean may be a password in the wrong key.
//!
//! One file a type: what its keys are and which of them contradict each other. Sources: `util/db/repository_secrets.go`,
//! `util/db/cluster.go`, `util/settings/settings.go` of Argo CD 3.5.1.

mod agent;
mod build;
mod check;
mod cluster;
mod cluster_config;
mod hosts;
mod key;
mod login;
mod reference;
mod repository;
mod settings;
mod shape;
mod together;
mod webhook;

pub use build::{TYPE, build, confidential, describe, is_public, repository_url};
pub use check::check;
pub use hosts::check_hosts;
pub use key::{Form, Key};
pub use login::{CONTEXT, kubeconfig};
pub use reference::{Held, check_references};
pub use settings::{settings, settings_of};
pub use shape::Shape;
pub use together::check_together;

pub use super::super::secret::{Data, text as field};
use super::super::secret::{encoded, has, text};
