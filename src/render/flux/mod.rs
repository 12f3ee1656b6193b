//! What kustomize-controller makes of a folder (`fluxcd/pkg/kustomize`): a kustomization, written where there is none, with what
//! the Kustomization adds to it, and then its variables replaced.

mod build;
mod evaluate;
mod parse;
mod substitute;

pub(super) use build::build;
pub use substitute::{Variables, substitute};
