//! Leaves to the agent what it has taken over.
//!
//! A field that two own goes only when both let go of it. So what is taken out of Git later would stay in the cluster for ever,
//! if we still owned what we applied before the agent was there. Restored secrets stay ours, and what somebody has changed of them while the
//! run went on is said.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;

use super::connect::counted;
use super::ground::built;
use super::rotated::look_again;
use super::{World, weather};
use crate::agent::argocd::Observer;
use crate::cluster::{Cluster, Release as Released, all_ended};
use crate::engine::{Context, Step};
use crate::event::{Failure, Outcome, PlannedStep};
use crate::object::{Manifest, ObjectRef};
use crate::platform::argocd::{adoption, install};

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
        let cluster = self.world.cluster_until_stopped(context)?;
        weather::told(context, &cluster, self.release(&cluster, context)).await
    }
}

impl Release {
    async fn release(&self, cluster: &Cluster, context: &Context) -> Result<Outcome, Failure> {
        let mut observer = Observer::start(cluster)?;
        while !observer.is_complete() {
            if let Some(trouble) = observer.trouble() {
                context.progress(0, None, format!("Argo CD's apps cannot be seen: {trouble}"));
            }
            context.unless_stopped(observer.changed()).await?;
        }
        let managed = adoption::managed(observer.tree().applications.values());
        let mut ours = self.ours()?;
        // An earlier run may have applied more ahead of its app than this one knows of; of what is not ours nothing is taken.
        let is_ground = |id: &&ObjectRef| matches!(id.kind.as_str(), "CustomResourceDefinition" | "Namespace");
        ours.extend(managed.keys().filter(is_ground).cloned());
        let mut kept = ours.iter().filter(|id| !managed.contains_key(*id)).count();
        let requests: Vec<_> = ours
            .iter()
            .filter_map(|id| Some((id, managed.get(id)?)))
            .map(|(id, apps)| async move {
                match cluster
                    .release(id, move |live| adoption::has_taken_over(live, apps))
                    .await
                {
                    // Another cluster answers, another run holds this one, or this run is stopped: there is no more to do.
                    Err(error) if error.is_final() => Err(error),
                    // The platform is back; this is no reason to call it lost.
                    Err(error) => {
                        context.notice(format!("{error}: {}.", error.causes().join(": ")));
                        Ok(None)
                    }
                    Ok(released) => Ok(Some(released)),
                }
            })
            .collect();
        let results = all_ended(requests).await?;
        look_again(&self.world, cluster, context).await?;
        let count = |wanted| results.iter().filter(|result| **result == Some(wanted)).count();
        let released = count(Released::Released);
        kept += count(Released::Kept);
        Ok(Outcome::Done {
            detail: words(released, kept),
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
        let preloaded = prepared.preloaded.iter().map(|preloaded| Ok(preloaded.id()));
        let leaves = prepared.leaves.ours.iter().map(|leaf| Ok(leaf.id.clone()));
        let extras = prepared.extras.values().flatten();
        let ours = of_agent
            .chain(preloaded)
            .chain(leaves)
            .chain(extras.map(|manifest| cluster.located(manifest, "default")));
        Ok(ours.collect::<Result<_, _>>()?)
    }
}

/// Says what became of what a restore applied.
fn words(released: usize, kept: usize) -> String {
    let handed = format!("{} handed over to the apps", counted(released, "object"));
    match (released, kept) {
        (_, 0) => handed,
        (0, _) => "nothing to hand over: no app manages what was applied".to_owned(),
        _ => format!("{handed}, {kept} in no app stay as they are"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_owns_what_was_applied_is_said_in_plain_words() {
        for (released, kept, said) in [
            (0, 39, "nothing to hand over: no app manages what was applied"),
            (39, 0, "39 objects handed over to the apps"),
            (
                3,
                36,
                "3 objects handed over to the apps, 36 in no app stay as they are",
            ),
        ] {
            assert_eq!(words(released, kept), said);
        }
    }
}
