//! Turns a folder of a checkout into manifests: plain YAML and JSON, a kustomization, or a Helm chart.
//!
//! [`render`] is for what is applied by us, such as the agent's install: it finds the [`Form`] from the folder and reads all
//! below it. [`Renderer`] is for what an agent applies: it renders a [`Job`] as that agent would, hooks and overrides included,
//! and says of what it cannot render why. Both run the same programs in the same bounds; they differ in what a folder of plain
//! files is, and in what becomes of hooks and of objects that are there twice. kustomize, Helm and jsonnet have a home folder of
//! their own, so that nothing of the user's settings changes what comes out. The digest of what was rendered does not depend on
//! the order of files, documents or keys, on comments or on spacing.

mod charts;
mod collect;
mod digest;
mod directory;
mod error;
mod flux;
mod form;
mod glob;
mod helm;
mod hooks;
mod job;
mod jsonnet;
mod kept;
mod kustomize;
mod links;
mod plain;
mod programs;
mod remote;
mod renderer;
mod rendering;
mod settings;
mod templates;
mod turn;
mod values;
mod workspace;

pub use error::Error;
pub use flux::{Variables, substitute};
pub use form::Form;
pub use job::{Checkout, Cluster, From, Job};
pub use renderer::Renderer;
pub use rendering::{Options, Rendered, render};
pub use settings::{Repository, Settings};
pub use templates::templates;
