//! Applies what apps need of each other before the roots: CRDs and namespaces.

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::try_join_all;

use super::ground::counted;
use super::{World, weather};
use crate::cluster::{Cluster, Error};
use crate::engine::{Context, Step};
use crate::event::{Failure, Outcome, PlannedStep};
use crate::object::{Manifest, ObjectRef};
use crate::platform::argocd::tracking::Tracking;

/// Applies the CRDs and namespaces that apps need of each other, marked as the objects of the apps that bring them.
///
/// Which live system it would hit if the target were wrong: the cluster of the connection, whose guard asks who answers before each
/// request. What is there already is never written: on a platform that lives it is its app's.
pub struct Preload {
    /// What the run knows.
    pub world: Arc<World>,
    /// The step as planned.
    pub planned: PlannedStep,
}

#[async_trait]
impl Step for Preload {
    fn planned(&self) -> PlannedStep {
        self.planned.clone()
    }

    async fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        let cluster = self.world.cluster_until_stopped(context)?;
        weather::told(context, &cluster, self.preload(&cluster, context)).await
    }
}

impl Preload {
    async fn preload(&self, cluster: &Cluster, context: &Context) -> Result<Outcome, Failure> {
        let (runbook, prepared) = (self.world.runbook()?, self.world.prepared()?);
        let namespace = &runbook.agent.namespace;
        let settings = ObjectRef::new("v1", "ConfigMap", namespace, "argocd-cm");
        let tracking = Tracking::of(cluster.get(&settings).await?.as_ref());
        let lacking = try_join_all(prepared.preloaded.iter().map(|preloaded| async {
            let is_there = cluster.get(&preloaded.id()).await?.is_some();
            Ok::<_, Error>((!is_there).then(|| preloaded.object(&tracking)))
        }));
        let lacking: Vec<Manifest> = lacking.await?.into_iter().flatten().collect();
        let same = prepared.preloaded.len() - lacking.len();
        let sent = match cluster.apply_ranked(&lacking, namespace, self.world.mode()).await {
            Ok(_) => lacking.len(),
            Err(error) if error.is_final() => return Err(error.into()),
            // The agent applies all of it too, so a recovery does not end here.
            Err(error) => {
                context.notice(format!(
                    "What apps need of each other is left to Argo CD: {error}: {}.",
                    error.causes().join(": ")
                ));
                return Ok(Outcome::Done {
                    detail: "left to Argo CD".into(),
                });
            }
        };
        Ok(Outcome::Done {
            detail: counted(sent, same),
        })
    }
}
