//! The hosts of Git repositories that the agent would have to know.

use super::World;
use crate::finding::Finding;
use crate::platform::argocd::install::Install;
use crate::platform::argocd::secret;
use crate::runbook::{Runbook, SecretShape};

/// Finds the hosts from which secrets let the agent read by SSH, and of which neither a store nor its install brings a key.
pub(super) fn unknown(world: &World, runbook: &Runbook, install: &Install) -> Vec<Finding> {
    let mut maps = install.manifests().filter(|manifest| manifest.is("", "ConfigMap"));
    let known = maps.find(|map| map.id().name == "argocd-ssh-known-hosts-cm");
    let known = known.map(|map| map.text("/data/ssh_known_hosts")).unwrap_or_default();
    let restored = world.secrets.get().into_iter().flatten();
    let typed: Vec<_> = restored
        .filter_map(|(name, restored)| match &runbook.secrets.get(name)?.shape {
            SecretShape::Argocd(shape) => Some((name.as_str(), shape.as_str(), &restored.data)),
            SecretShape::SealedKeys { .. } | SecretShape::Kubernetes { .. } => None,
        })
        .collect();
    secret::check_hosts(known, &typed)
}
