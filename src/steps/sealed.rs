//! Tells of keys that the controller of Sealed Secrets has made since, and that no store has. Only reads.
//!
//! The controller makes a key each month, and at its start where its newest one is older than that. What is sealed for such a key
//! is lost with the cluster, unless the key is stored with the others.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;

use super::World;
use crate::cluster::Cluster;
use crate::engine::{Context, Step};
use crate::event::{Failure, Outcome, PlannedStep, Run};
use crate::platform::sealed;
use crate::runbook::SecretShape;

/// Looks for keys that no store has.
pub struct SealedKeys {
    /// What the run knows.
    pub world: Arc<World>,
    /// The step as planned.
    pub planned: PlannedStep,
}

#[async_trait]
impl Step for SealedKeys {
    fn planned(&self) -> PlannedStep {
        self.planned.clone()
    }

    async fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        let cluster = self.world.cluster_until_stopped(context)?;
        let (mut stored, mut others) = (0, 0);
        let secrets = World::need(&self.world.secrets, "what the stores hold")?;
        let runbook = self.world.runbook()?;
        for (name, restored) in secrets {
            let Some(SecretShape::SealedKeys { namespace }) = runbook.secrets.get(name).map(|spec| &spec.shape) else {
                continue;
            };
            let known = sealed::names(&restored.data);
            stored += known.len();
            let Some(newcomers) = newcomers(&cluster, namespace, &known, context).await? else {
                continue;
            };
            others += newcomers.len();
            for key in &newcomers {
                context.emit(Run::LeftToDo {
                    what: format!(
                        "Sealed Secrets made the key {key} in {namespace}, which no store has: capture it (gitops-dr secrets \
                         capture). What is sealed from now on is sealed for it."
                    ),
                    lasting: false,
                });
            }
            if newcomers.is_empty()
                && let Some(newest) = sealed::renewal_due(&restored.data, context.clock().now())
            {
                context.notice(format!(
                    "The newest key of Sealed Secrets in {namespace} is of {newest}, so the controller makes another soon after its \
                     start: look for it, and capture it (gitops-dr secrets capture)."
                ));
            }
        }
        let detail = match others {
            0 => format!("{stored} restored, and no other is there"),
            others => format!("{stored} restored, and {others} that no store has"),
        };
        Ok(Outcome::Done { detail })
    }
}

/// Returns the keys in a namespace that the set has not; `None` where nobody lets us look, which is told.
async fn newcomers(
    cluster: &Cluster,
    namespace: &str,
    known: &BTreeSet<&str>,
    context: &Context,
) -> Result<Option<Vec<String>>, Failure> {
    let label = format!("{}={}", sealed::KEY_LABEL, sealed::ACTIVE);
    match cluster.labelled_names("v1", "Secret", namespace, &label).await {
        Err(error) if error.is_final() => Err(error.into()),
        // The platform is back; this is no reason to call it lost.
        Err(error) => {
            context.notice(format!("{error}: {}.", error.causes().join(": ")));
            Ok(None)
        }
        Ok(there) => {
            let newcomers = sealed::newcomers(there.iter().map(String::as_str), known);
            Ok(Some(newcomers.into_iter().map(str::to_owned).collect()))
        }
    }
}
