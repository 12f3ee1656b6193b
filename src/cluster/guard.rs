//! What stands before every request that changes something: is this still the cluster that the run was begun on, and is the
//! run still the one that may change it?
//!
//! An address can come to lead elsewhere in mid-run: a load balancer, a tunnel or a DNS name that is moved while both clusters
//! trust one authority. So trouble with a connection puts the cluster in doubt, and in doubt nothing is sent to it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use k8s_openapi::api::core::v1::Namespace;
use kube::api::Api;
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

use super::connect::Cluster;
use super::error::{Error, ErrorKind};
use super::lease::Held;

/// What all clones of a connection share.
#[derive(Default)]
pub(super) struct Guard {
    /// Whether a connection broke since the cluster was last asked who it is.
    doubt: AtomicBool,
    /// The same of the Lease, which a snapshot that was put back may have given to another.
    pub(super) doubts_lease: AtomicBool,
    /// When it was last asked: an answer holds good for the requests that were wanted before it was asked for. A read of one
    /// object takes a millisecond or two, and many requests come at once.
    asked: Mutex<Option<Instant>>,
    /// The Lease, once it is held.
    pub(super) held: OnceLock<Arc<Held>>,
    /// What is wrong with the server, while requests are made again because of it.
    pub(super) trouble: watch::Sender<Option<String>>,
}

impl Guard {
    /// Takes note that a connection broke: behind the next one may be another cluster.
    pub(super) fn doubt(&self) {
        self.doubt.store(true, Ordering::SeqCst);
        self.doubts_lease.store(true, Ordering::SeqCst);
    }

    /// Takes note of what is wrong with the server, or (`None`) that it answers.
    pub(super) fn has_trouble(&self, words: Option<String>) {
        self.trouble.send_if_modified(|known| {
            let is_news = known.is_some() != words.is_some();
            *known = words;
            is_news
        });
    }
}

impl Cluster {
    /// Lets a request pass that changes something.
    ///
    /// Were this wrong, whatever a restore applies would go to a cluster that nobody looked at, or into the middle of
    /// another operator's restore.
    pub(super) async fn pass(&self) -> Result<(), Error> {
        self.still_the_same().await?;
        match self.guard.held.get() {
            Some(held) => self.still_held(held).await,
            None => Ok(()),
        }
    }

    /// Whether this run may still change the cluster, for work that is done by others: a program, or the server of another cluster.
    /// Whoever has lost this one has lost what follows from it.
    pub async fn still_mine(&self) -> Result<(), Error> {
        self.again(|| self.pass()).await
    }

    /// Asks the cluster who it is, unless that was asked since this was called and no connection broke.
    pub async fn still_the_same(&self) -> Result<(), Error> {
        let wanted = Instant::now();
        let mut asked = self.guard.asked.lock().await;
        let is_fresh = asked.is_some_and(|at| at >= wanted);
        if is_fresh && !self.guard.doubt.load(Ordering::SeqCst) {
            return Ok(());
        }
        // Taken back before the question is put, so that what breaks meanwhile is not forgotten.
        self.guard.doubt.store(false, Ordering::SeqCst);
        let now = Instant::now();
        let identity = self.identity();
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        let found = self
            .once("read the namespace kube-system, which identifies the cluster", &|| {
                namespaces.get_metadata("kube-system")
            })
            .await
            .inspect_err(|_| self.guard.doubt())?;
        let uid = found.metadata.uid.unwrap_or_default();
        if uid != identity.uid {
            self.guard.doubt();
            return Err(Error::new(
                ErrorKind::OtherCluster,
                format!("{} leads to another cluster now", identity.server),
            )
            .because(format!(
                "the run was begun on the cluster {}, and {uid} answers; nothing was sent to it",
                identity.uid
            ))
            .hint("find out where the address of the kubeconfig leads, and go on with --resume once it leads back"));
        }
        *asked = Some(now);
        Ok(())
    }

    /// Asks the cluster who it is if a connection broke since it was last asked. For whoever only looks: what is seen after a
    /// break may be another cluster. Where nobody answers there is nothing to be mistaken about yet.
    pub async fn if_in_doubt_the_same(&self) -> Result<(), Error> {
        if !self.guard.doubt.load(Ordering::SeqCst) {
            return Ok(());
        }
        match self.still_the_same().await {
            Err(error) if error.is_final() => Err(error),
            _ => Ok(()),
        }
    }
}
