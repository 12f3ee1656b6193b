//! What stands before every request that changes something: is this still the cluster that the run was begun on, and is the
//! run still the one that may change it?
//!
//! An address can come to lead elsewhere in mid-run: a load balancer, a tunnel or a DNS name that is moved while both clusters
//! trust one authority. So trouble with a connection puts the cluster in doubt, and in doubt nothing is sent to it.
//!
//! **Which live system could be hit.** The one to which the address leads after it was moved. A connection never changes its end: a
//! request that goes out on one that was there when the question was put reaches who answered it, however long ago that was. So an
//! answer holds for as long as no connection was made or ended since the question, at most [`HOLDS`]: the bound is for what
//! no count can see, a load balancer that ends connections itself and leads each request where it likes. Without a bound it would
//! be asked once an hour; with this one, of thousands of requests a few tens are questions, and a balancer that is switched over
//! is noticed within a tenth of a second: less than a person or a health check takes to switch it. What is left open is a request
//! within that time for which a connection is made anew, to an address that was moved since the answer: because all others are
//! busy, or because its own ended a moment before it was sent and nobody had seen that yet. To close it, each connection would
//! have to prove whose it is before it is used for anything else.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::api::Api;
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

use super::connect::Cluster;
use super::connection::Changes;
use super::error::{Error, ErrorKind};
use super::lease::Held;

/// How long an answer of the cluster on who it is holds for requests that are wanted after the question was put, while all
/// connections stay as they were.
const HOLDS: Duration = Duration::from_millis(100);

/// An answer of the cluster on who it is.
#[derive(Debug, Clone, Copy)]
struct Answer {
    /// When the question was put.
    asked: Instant,
    /// How often connections had been made or ended by then.
    changes: u64,
}

impl Answer {
    /// Whether it holds for a request that was wanted at `wanted`, where connections were made or ended `changes` times by now.
    fn holds(self, wanted: Instant, changes: u64) -> bool {
        self.asked >= wanted || (changes == self.changes && wanted - self.asked <= HOLDS)
    }
}

/// What all clones of a connection share.
#[derive(Default)]
pub(super) struct Guard {
    /// Whether a connection broke since the cluster was last asked who it is.
    doubt: AtomicBool,
    /// The same of the Lease, which a snapshot that was put back may have given to another.
    pub(super) doubts_lease: AtomicBool,
    /// What it answered last. A read of one object takes a millisecond or two, and many requests come at once.
    answered: Mutex<Option<Answer>>,
    /// That connections come and go.
    changes: Changes,
    /// The Lease, once it is held.
    pub(super) held: OnceLock<Arc<Held>>,
    /// What is wrong with the server, while requests are made again because of it.
    pub(super) trouble: watch::Sender<Option<String>>,
}

impl Guard {
    /// A guard over the connections that are counted so.
    pub(super) fn of(changes: Changes) -> Self {
        Self {
            changes,
            ..Self::default()
        }
    }

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

    /// Asks the cluster who it is, unless the last answer still [holds](Answer::holds) and no connection broke.
    pub async fn still_the_same(&self) -> Result<(), Error> {
        let wanted = Instant::now();
        let mut answered = self.guard.answered.lock().await;
        let changes = self.guard.changes.count();
        let holds = answered.is_some_and(|answer| answer.holds(wanted, changes));
        if holds && !self.guard.doubt.load(Ordering::SeqCst) {
            return Ok(());
        }
        // Taken back before the question is put, so that what breaks meanwhile is not forgotten.
        self.guard.doubt.store(false, Ordering::SeqCst);
        let answer = Answer {
            asked: Instant::now(),
            changes,
        };
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
        *answered = Some(answer);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_holds_for_a_moment_and_not_beyond_a_change_of_connections() {
        let asked = Instant::now();
        let answer = Answer { asked, changes: 7 };
        let millis = Duration::from_millis;
        for (wanted, changes, holds) in [
            (asked - millis(50), 7, true),
            // The question was put after the request was wanted: whoever answered it is who was there since.
            (asked - millis(50), 9, true),
            (asked + millis(1), 7, true),
            (asked + millis(1), 8, false),
            (asked + millis(100), 7, true),
            (asked + millis(101), 7, false),
        ] {
            assert_eq!(answer.holds(wanted, changes), holds, "{:?} {changes}", wanted - asked);
        }
    }
}
