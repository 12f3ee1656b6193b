//! Which cluster, and as whom.

use std::path::PathBuf;

/// Which cluster is read from.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The store's name in the runbook.
    pub name: String,
    /// The context of the kubeconfig. Never guessed: `current-context` is what somebody did last.
    pub context: String,
    /// The kubeconfig file; the usual ones if not given.
    pub kubeconfig: Option<PathBuf>,
    /// The namespace of paths that name none; that of the context if not given.
    pub namespace: Option<String>,
}
