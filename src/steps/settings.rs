//! The agent's settings that a store holds: whom it trusts.

use super::ground::built;
use super::{Restored, World};
use crate::event::Failure;
use crate::object::Manifest;
use crate::platform::argocd::secret;
use crate::runbook::{Runbook, SecretShape};

/// Returns the ConfigMap that a secret of the runbook becomes; `None` where it becomes a Secret.
pub(super) fn of(runbook: &Runbook, name: &str, restored: &Restored) -> Result<Option<Manifest>, Failure> {
    let Some(SecretShape::Argocd(shape)) = runbook.secrets.get(name).map(|spec| &spec.shape) else {
        return Ok(None);
    };
    let value = secret::settings(shape, &runbook.agent.namespace, &restored.data);
    value.map(built).transpose()
}

/// Returns all of them.
pub(super) fn stored(world: &World, runbook: &Runbook) -> Result<Vec<Manifest>, Failure> {
    let secrets = World::need(&world.secrets, "what the stores hold")?.iter();
    let settings = secrets.map(|(name, restored)| of(runbook, name, restored));
    Ok(settings.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}
