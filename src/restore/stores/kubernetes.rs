//! Secrets of a cluster that lives on.

use std::path::PathBuf;

use crate::redact::Redactor;
use crate::runbook::Kubernetes as Configured;
use crate::secrets::{Kubernetes, KubernetesSettings, Store};

/// Makes the store.
pub(super) fn make(name: &str, cluster: &Configured, redactor: &Redactor) -> Box<dyn Store> {
    let settings = KubernetesSettings {
        name: name.to_owned(),
        context: cluster.context.clone(),
        kubeconfig: cluster.kubeconfig.as_ref().map(PathBuf::from),
        namespace: cluster.namespace.clone(),
    };
    Box::new(Kubernetes::new(settings, redactor))
}
