//! Leaves to the agent what it has taken over.
//!
//! A field that two own goes only when both let go of it. So what is taken out of Git later would stay in the cluster for ever,
//! if we still owned what we applied before the agent was there.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{self, StreamExt as _};

use super::connect::counted;
use super::ground::built;
use super::{World, weather};
use crate::agent::argocd::Observer;
use crate::cluster::Release as Released;
use crate::engine::{Context, Step};
use crate::event::{Failure, Outcome, PlannedStep};
use crate::object::{Manifest, ObjectRef};
use crate::platform::argocd::{adoption, install};

/// Requests in flight at most.
const IN_FLIGHT: usize = 16;

/// Gives up the ownership of what the agent has taken over. Restored secrets are in no repository and stay ours.
pub struct Release {
    /// What the run knows.
    pub world: Arc<World>,
    /// The step as planned.
    pub planned: PlannedStep,
}

#[async_trait]
impl Step for Release {
    fn planned(&self) -> PlannedStep {
        self.planned.clone()
    }

    async fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        weather::told(context, self.world.cluster()?, self.release(context)).await?
    }
}

impl Release {
    async fn release(&self, context: &Context) -> Result<Outcome, Failure> {
        let cluster = self.world.cluster()?;
        let mut observer = Observer::start(cluster)?;
        while !observer.is_complete() {
            if let Some(trouble) = observer.trouble() {
                context.progress(0, None, format!("Argo CD's apps cannot be seen: {trouble}"));
            }
            observer.changed().await;
        }
        let managed = adoption::managed(observer.tree().applications.values());
        let ours = self.ours()?;
        let requests: Vec<_> = ours
            .iter()
            .filter_map(|id| Some((id, managed.get(id)?)))
            .map(|(id, apps)| cluster.release(id, move |live| adoption::has_taken_over(live, apps)))
            .collect();
        let (mut released, mut kept) = (0, ours.len() - requests.len());
        let mut results = stream::iter(requests).buffer_unordered(IN_FLIGHT);
        while let Some(result) = results.next().await {
            match result {
                Ok(Released::Released) => released += 1,
                Ok(Released::Kept) => kept += 1,
                Ok(Released::NotOurs) => {}
                // Another cluster answers, or another run holds this one: there is nothing more that is ours to do.
                Err(error) if error.is_final() => return Err(error.into()),
                // The platform is back; this is no reason to call it lost.
                Err(error) => context.notice(format!("{error}: {}.", error.causes().join(": "))),
            }
        }
        Ok(Outcome::Done {
            detail: format!("{} left to their apps, {kept} in no app", counted(released, "object")),
        })
    }

    /// Returns what a restore applies of what is in Git.
    fn ours(&self) -> Result<BTreeSet<ObjectRef>, Failure> {
        let (runbook, cluster, prepared) = (self.world.runbook()?, self.world.cluster()?, self.world.prepared()?);
        let namespace = &runbook.agent.namespace;
        let stages = prepared.ground.iter().chain(&prepared.agent);
        let project = built(install::default_project(namespace))?;
        let of_agent = stages
            .flat_map(|stage| &stage.manifests)
            .chain(&prepared.placeholders)
            .chain(prepared.roots.iter().flatten())
            .chain([&project])
            .map(|manifest: &Manifest| cluster.located(manifest, namespace));
        let extras = prepared.extras.values().flatten();
        let ours = of_agent.chain(extras.map(|manifest| cluster.located(manifest, "default")));
        Ok(ours.collect::<Result<_, _>>()?)
    }
}
