//! Turns a folder of a checkout into manifests: plain YAML and JSON, a kustomization, or a Helm chart.
//!
//! [`render`] finds the [`Form`] from the folder. Plain files are read here; kustomize and Helm are run as programs, with
//! a home folder of their own, so that nothing of the user's settings changes what comes out. The digest of what was
//! rendered does not depend on the order of files, documents or keys, on comments or on spacing.

mod collect;
mod digest;
mod error;
mod form;
mod helm;
mod kustomize;
mod plain;
mod rendering;
mod templates;

pub use error::Error;
pub use form::Form;
pub use rendering::{Options, Rendered, render};
pub use templates::templates;
