//! Applies what apps need of each other before the roots: CRDs and namespaces.

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::try_join_all;

use super::connect::counted;
use super::{World, weather};
use crate::cluster::{Cluster, Error};
use crate::engine::{Context, Step};
use crate::event::{Failure, Outcome, PlannedStep};
use crate::object::{Manifest, ObjectRef};
use crate::platform::argocd::preload::Preloaded;
use crate::platform::argocd::tracking::Tracking;

/// How many objects are looked for at a time.
const AT_ONCE: usize = 16;

/// Applies the CRDs and namespaces that apps need of each other, each as the app that brings it would find it its own.
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
        match Self::lacking(cluster, &prepared.preloaded, namespace, context).await {
            Ok(lacking) => {
                let there = prepared.preloaded.len() - lacking.len();
                match cluster.apply_ranked(&lacking, namespace, self.world.mode()).await {
                    Ok(_) => Ok(Outcome::Done {
                        detail: words(lacking.len(), there),
                    }),
                    Err(error) => left(&error, context),
                }
            }
            Err(error) => left(&error, context),
        }
    }

    /// Returns what is not there yet, as it is to be applied; tells what is wrong with what is.
    async fn lacking(
        cluster: &Cluster,
        preloaded: &[Preloaded],
        namespace: &str,
        context: &Context,
    ) -> Result<Vec<Manifest>, Error> {
        let settings = ObjectRef::new("v1", "ConfigMap", namespace, "argocd-cm");
        let tracking = Tracking::of(cluster.get(&settings).await?.as_ref());
        let mut lacking = Vec::new();
        for some in preloaded.chunks(AT_ONCE) {
            let ids: Vec<_> = some.iter().map(Preloaded::id).collect();
            let live = try_join_all(ids.iter().map(|id| cluster.get(id))).await?;
            for (one, live) in some.iter().zip(live) {
                match live {
                    None => lacking.push(one.object(&tracking)),
                    Some(live) => {
                        if let Some(amiss) = one.amiss(&live, &tracking) {
                            context.notice(format!("{amiss}."));
                        }
                    }
                }
            }
        }
        Ok(lacking)
    }
}

/// Says how much was applied, and how much was there and is left as it is.
fn words(applied: usize, there: usize) -> String {
    let applied = (applied > 0).then(|| format!("{} applied", counted(applied, "object")));
    let there = (there > 0).then(|| format!("{there} there already"));
    [applied, there].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Tells that it is left to the agent, which applies all of it too, so that a recovery does not end here; unless the run must stop.
fn left(error: &Error, context: &Context) -> Result<Outcome, Failure> {
    if error.is_final() {
        return Err(Failure::of(error));
    }
    context.notice(format!(
        "What apps need of each other is left to Argo CD: {error}: {}.",
        error.causes().join(": ")
    ));
    Ok(Outcome::Done {
        detail: "left to Argo CD".into(),
    })
}
