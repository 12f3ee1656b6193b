//! Registers a cluster that was built anew: an account there, and its secret here.
//!
//! Which system it would hit if the context were wrong: any cluster that it leads to, which would get an account with all
//! rights. `prove` has refused a wrong one before anything was changed; `a_wrong_rebuilt_cluster_is_refused` shows it by the
//! audit logs.

use std::sync::{Arc, PoisonError};

use async_trait::async_trait;

use super::away::stored;
use crate::cluster::{Applied, Cluster, Mode};
use crate::engine::{Context, Step};
use crate::event::{Failure, Outcome, PlannedStep};
use crate::object::Manifest;
use crate::platform::argocd::remote::{self, Address};
use crate::platform::argocd::secret;
use crate::redact::Secret;
use crate::runbook;
use crate::steps::World;
use crate::steps::ground::{built, counted};

/// Registers one cluster.
pub struct RegisterCluster {
    /// What the run knows.
    pub world: Arc<World>,
    /// The step as planned.
    pub planned: PlannedStep,
    /// The cluster's name in the runbook.
    pub name: String,
}

#[async_trait]
impl Step for RegisterCluster {
    fn planned(&self) -> PlannedStep {
        self.planned.clone()
    }

    async fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        self.register(context).await
    }
}

impl RegisterCluster {
    async fn register(&self, context: &Context) -> Result<Outcome, Failure> {
        let (runbook, target) = (self.world.runbook()?, self.world.cluster_until_stopped(context)?);
        let cluster = &runbook.clusters[&self.name];
        let remote = {
            let remotes = self.world.remotes.lock().unwrap_or_else(PoisonError::into_inner);
            remotes.get(&self.name).cloned()
        };
        let remote = remote.ok_or_else(|| Failure::new(format!("cluster {} was not proved", self.name)))?;
        let remote = remote.until_stopped(context.halt());
        let (mut sent, mut same) = (0, 0);
        let mut count = |applied| match applied {
            Applied::Sent => sent += 1,
            Applied::Same => same += 1,
        };
        // The account comes first: a Secret for the token of one that is not there is deleted by the server.
        for object in remote::account() {
            // The Lease that holds off other operators is on the target.
            target.still_mine().await?;
            count(remote.apply(&built(object)?, remote::NAMESPACE, Mode::Careful).await?);
        }
        let token = self.token(&remote, context).await?;
        let manifest = self.secret(cluster, &remote, &token)?;
        count(
            target
                .apply(&manifest, &runbook.agent.namespace, self.world.mode())
                .await?,
        );
        Ok(Outcome::Done {
            detail: format!("{} ({})", remote.identity().server, counted(sent, same)),
        })
    }

    /// Waits until the server has made the account's token.
    async fn token(&self, remote: &Cluster, context: &Context) -> Result<Secret, Failure> {
        let told = |why: &str| context.progress(0, None, format!("the account's token: {why}"));
        let secret = remote
            .until(&remote::token_id(), |secret| remote::token(secret).map(drop), told)
            .await?;
        let token = remote::token(&secret).map_err(Failure::new)?;
        self.world.redactor.learn(&token);
        Ok(token)
    }

    /// Builds the cluster secret: its address, CA and token are new; what of the stored one still holds is kept.
    fn secret(&self, cluster: &runbook::Cluster, remote: &Cluster, token: &Secret) -> Result<Manifest, Failure> {
        let runbook = self.world.runbook()?;
        let stored = stored(&self.world, cluster).map(|restored| &restored.data);
        let trust = remote.trust();
        let address = Address {
            server: cluster.server.as_ref().map_or_else(
                || remote.identity().server.clone(),
                |server| server.as_str().trim_end_matches('/').to_owned(),
            ),
            authority: trust.authority.clone(),
            insecure: trust.insecure,
            server_name: trust.server_name.clone(),
        };
        let data = remote::registered(&self.name, &address, token, stored);
        for value in &secret::confidential("cluster", &data) {
            self.world.redactor.learn(value);
        }
        let name = cluster
            .secret
            .clone()
            .unwrap_or_else(|| format!("cluster-{}", self.name));
        let mut manifest = secret::build("cluster", &name, &runbook.agent.namespace, &data);
        secret::describe(&mut manifest, &cluster.labels, &cluster.annotations);
        built(manifest)
    }
}
