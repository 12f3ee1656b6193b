//! The Lease in the target by which two operators cannot restore onto one cluster at once.
//!
//! One object, [`NAME`] in [`NAMESPACE`], which every cluster has. It is never forced: each write names the version that it
//! follows, so of two writers one fails. It is never deleted either; a run that ends empties the holder's name.
//!
//! As in client-go's leader election, nobody compares another machine's clock with its own: a holder is gone when its Lease was
//! watched for its whole duration and did not change.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::StreamExt as _;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{Api, ObjectMeta, Patch, PatchParams, PostParams};
use kube::runtime::{WatchStreamExt as _, watcher};
use serde_json::{Value, json};
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::apply::MANAGER;
use super::connect::Cluster;
use super::error::{Error, ErrorKind};
use crate::clock::Clock;

/// The name of the Lease, and of the record beside it.
pub(super) const NAME: &str = "gitops-dr";
/// Where it is.
pub(super) const NAMESPACE: &str = "kube-system";

/// How long a Lease is good without being renewed.
const DURATION: Duration = Duration::from_secs(30);
/// How often it is renewed.
const RENEWAL: Duration = Duration::from_secs(10);
/// How long ago it was renewed at most when a request that changes something sets out: what is in flight ends well before another
/// run may take it.
const MARGIN: Duration = Duration::from_secs(15);
/// How soon a renewal that failed is tried again.
const RETRY: Duration = Duration::from_secs(2);
/// How long a holder is waited for at most, whatever its Lease says.
const PATIENCE: Duration = Duration::from_mins(5);

/// A run, and who runs it where. Written as `RUN user@host`. Whatever else holds the Lease is kept as it calls itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holder {
    /// The run's name; of a holder that is no run of ours, its own name.
    pub run: String,
    /// The user and the machine, `user@host`; empty where the holder is no run of ours.
    pub by: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_a_run() {
            write!(f, "{} {}", self.run, self.by)
        } else {
            f.write_str(&self.run)
        }
    }
}

impl Holder {
    fn of(text: &str) -> Option<Self> {
        let is_name = |run: &str| run.chars().all(|one| one.is_ascii_digit() || one.is_ascii_uppercase());
        let (run, by) = match text.split_once(' ') {
            Some((run, by)) if !run.is_empty() && is_name(run) && by.contains('@') => (run, by),
            _ => (text, ""),
        };
        (!run.is_empty()).then(|| Self {
            run: run.to_owned(),
            by: by.to_owned(),
        })
    }

    /// Whether it is a run of this program. Of any other holder nobody knows how it shows that it lives.
    pub fn is_a_run(&self) -> bool {
        !self.by.is_empty()
    }
}

/// The Lease as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Who holds it; nobody where the last run gave it back.
    pub holder: Option<Holder>,
    /// Since when, by the holder's clock.
    pub since: Option<Timestamp>,
    /// How long it is good without being renewed.
    pub duration: Duration,
    version: String,
}

impl Claim {
    fn of(lease: &Lease) -> Self {
        let spec = lease.spec.clone().unwrap_or_default();
        let seconds = spec
            .lease_duration_seconds
            .and_then(|seconds| u64::try_from(seconds).ok());
        Self {
            holder: spec.holder_identity.as_deref().and_then(Holder::of),
            since: spec.acquire_time.map(|time| time.0),
            duration: seconds.map_or(DURATION, Duration::from_secs).min(PATIENCE),
            version: lease.metadata.resource_version.clone().unwrap_or_default(),
        }
    }
}

/// What became of a claim that was watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pulse {
    /// Its holder lives: it was renewed, or another took it.
    Alive(Claim),
    /// Its holder gave it back; or it is not there any more.
    Released(Option<Claim>),
    /// It did not change for as long as it is good.
    Silent,
}

/// The Lease while it is ours.
pub(super) struct Held {
    holder: String,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Why it is not ours any more. Changed only by who has the state.
    lost: watch::Sender<Option<Error>>,
    /// Cancelled when it is to be renewed no more.
    ended: CancellationToken,
}

struct State {
    version: String,
    renewed: Renewed,
}

/// When the Lease was asked to be renewed, by both clocks: one stands still while the machine sleeps, and the other is set by
/// people.
#[derive(Debug, Clone, Copy)]
struct Renewed {
    by_machine: Instant,
    by_day: Timestamp,
}

impl Renewed {
    fn now(clock: &Arc<dyn Clock>) -> Self {
        Self {
            by_machine: Instant::now(),
            by_day: clock.now(),
        }
    }

    /// Whether by neither clock more than the margin has gone by. A time of day that was set back says nothing.
    fn is_recent(self, now: Self) -> bool {
        let by_day = Duration::try_from(now.by_day.duration_since(self.by_day));
        now.by_machine.duration_since(self.by_machine) < MARGIN && by_day.is_ok_and(|lasts| lasts < MARGIN)
    }
}

impl Held {
    fn lost(&self) -> Option<Error> {
        self.lost.borrow().clone()
    }

    /// Returns the name of the run that it is of.
    fn run(&self) -> &str {
        self.holder.split_once(' ').map_or(&self.holder, |(run, _)| run)
    }
}

impl Cluster {
    fn leases(&self) -> Api<Lease> {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }

    /// Returns the Lease as it is, or `None` where there never was one. Only reads.
    pub async fn claim(&self) -> Result<Option<Claim>, Error> {
        let api = self.leases();
        let found = self.attempt(&format!("read {}", words()), || api.get_opt(NAME)).await?;
        Ok(found.as_ref().map(Claim::of))
    }

    /// Watches a claim that was found at `since` until it shows whether its holder lives, or has not changed for so long. Only
    /// reads.
    pub async fn watch_claim(&self, claim: &Claim, since: Instant, lasts: Duration) -> Pulse {
        let mut seen = std::pin::pin!(watcher::watch_object(self.leases(), NAME).default_backoff());
        let mut ends = since + lasts;
        loop {
            let now = match tokio::time::timeout_at(ends, seen.next()).await {
                Ok(Some(Ok(now))) => Some(now.as_ref().map(Claim::of)),
                Ok(Some(Err(_)) | None) => None,
                // That nothing was heard means nothing yet: the time may have gone by before anybody listened, or the watch is
                // late.
                Err(_) => match self.claim().await {
                    Ok(now) => return pulse(claim, now).unwrap_or(Pulse::Silent),
                    Err(_) => None,
                },
            };
            if let Some(now) = now {
                if let Some(pulse) = pulse(claim, now) {
                    return pulse;
                }
            } else {
                // While nobody reaches the server its holder cannot renew it either: its time begins anew.
                self.guard.doubt();
                ends = Instant::now() + lasts;
            }
        }
    }

    /// Takes the Lease as it was found, or makes it, and keeps it renewed from then on. Every later request that changes
    /// something goes out only while it is ours. Fails with [`ErrorKind::Held`] if anybody else has touched it since.
    ///
    /// This is the first request of a restore that changes anything. On the wrong cluster it would leave one Lease in
    /// `kube-system`; all that could say so has been asked before.
    pub async fn hold(&self, found: Option<&Claim>, holder: &Holder, clock: &Arc<dyn Clock>) -> Result<(), Error> {
        let (api, doing, params) = (self.leases(), format!("take {}", words()), params());
        let began = Renewed::now(clock);
        let spec = taken(holder, began.by_day);
        let answer = match found {
            None => {
                let lease = Lease {
                    metadata: ObjectMeta {
                        name: Some(NAME.into()),
                        namespace: Some(NAMESPACE.into()),
                        ..ObjectMeta::default()
                    },
                    spec: Some(spec),
                };
                let creating = PostParams {
                    field_manager: Some(MANAGER.into()),
                    ..PostParams::default()
                };
                self.mutate(&doing, || api.create(&creating, &lease)).await
            }
            Some(claim) => {
                let body = following(&claim.version, &json!(spec));
                let patch = Patch::Merge(&body);
                self.mutate(&doing, || api.patch(NAME, &params, &patch)).await
            }
        };
        let lease = match answer {
            Ok(lease) => Claim::of(&lease),
            Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound) => {
                match self.claim().await? {
                    // Our own request, whose answer was lost on the way.
                    Some(claim) if claim.holder.as_ref() == Some(holder) => claim,
                    other => return Err(not_ours("was quicker", other.as_ref(), None)),
                }
            }
            Err(error) => return Err(error),
        };
        let held = Arc::new(Held {
            holder: holder.to_string(),
            clock: Arc::clone(clock),
            state: Mutex::new(State {
                version: lease.version,
                renewed: began,
            }),
            lost: watch::Sender::default(),
            ended: CancellationToken::new(),
        });
        let _ = self.guard.held.set(Arc::clone(&held));
        tokio::spawn(self.clone().keep_renewed(held));
        Ok(())
    }

    /// Gives the Lease back, if it is ours: nothing may be changed after that.
    pub async fn give_back(&self) -> Result<(), Error> {
        let Some(held) = self.guard.held.get() else {
            return Ok(());
        };
        held.ended.cancel();
        let state = held.state.lock().await;
        if held.lost().is_some() {
            return Ok(());
        }
        let over = Error::new(ErrorKind::Held, "the run has given the cluster back");
        held.lost.send_replace(Some(over));
        let spec = json!({"holderIdentity": "", "renewTime": MicroTime(held.clock.now())});
        self.still_the_same().await?;
        let doing = format!("give back {}", words());
        self.change(&doing, &state.version, &spec).await.map(drop)
    }

    /// Waits until the Lease is lost to another run, or this run's address leads to another cluster; returns how that came to
    /// light. `None` where it was given back, or never held.
    pub async fn until_lost(&self) -> Option<Error> {
        let held = self.guard.held.get()?;
        let mut lost = held.lost.subscribe();
        tokio::select! {
            biased;
            () = held.ended.cancelled() => None,
            lost = lost.wait_for(Option::is_some) => lost.ok()?.clone(),
        }
    }

    /// Whether the Lease is still ours. One that was not renewed just now, since the server was away or the machine slept, is
    /// renewed first, and so is one that a connection broke under: that fails if another run has taken it meanwhile.
    pub(super) async fn still_held(&self, held: &Held) -> Result<(), Error> {
        let mut state = held.state.lock().await;
        if let Some(lost) = held.lost() {
            return Err(lost);
        }
        let is_doubted = self.guard.doubts_lease.swap(false, Ordering::SeqCst);
        if !is_doubted && state.renewed.is_recent(Renewed::now(&held.clock)) {
            return Ok(());
        }
        let renewed = self.renew(held, &mut state).await;
        if renewed.is_err() {
            self.guard.doubts_lease.store(true, Ordering::SeqCst);
        }
        renewed
    }

    async fn keep_renewed(self, held: Arc<Held>) {
        let mut pause = RENEWAL;
        loop {
            tokio::select! {
                () = held.ended.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            let mut state = held.state.lock().await;
            if held.lost().is_some() {
                return;
            }
            pause = match self.renew(&held, &mut state).await {
                Ok(()) => RENEWAL,
                Err(_) => RETRY,
            };
        }
    }

    async fn change(&self, doing: &str, version: &str, spec: &Value) -> Result<Lease, Error> {
        let (api, params, body) = (self.leases(), params(), following(version, spec));
        let patch = Patch::Merge(&body);
        self.once(doing, &|| api.patch(NAME, &params, &patch)).await
    }

    async fn renew(&self, held: &Held, state: &mut State) -> Result<(), Error> {
        let renewed = self.renewed(held, &state.version).await;
        match renewed {
            Ok((version, at)) => {
                (state.version, state.renewed) = (version, at);
                Ok(())
            }
            Err(error) => {
                if error.is_final() {
                    held.lost.send_replace(Some(error.clone()));
                }
                Err(error)
            }
        }
    }

    /// Renews the Lease that has this version; returns its next version, and when that was asked for.
    async fn renewed(&self, held: &Held, version: &str) -> Result<(String, Renewed), Error> {
        let (api, doing) = (self.leases(), format!("renew {}", words()));
        let mut version = version.to_owned();
        loop {
            self.still_the_same().await?;
            let asked = Renewed::now(&held.clock);
            let spec = json!({"renewTime": MicroTime(asked.by_day)});
            let error = match self.change(&doing, &version, &spec).await {
                Ok(lease) => return Ok((Claim::of(&lease).version, asked)),
                Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound) => error,
                Err(error) => return Err(error),
            };
            let found = self.once(&doing, &|| api.get_opt(NAME)).await?.as_ref().map(Claim::of);
            match found {
                // Our own request, whose answer was lost on the way.
                Some(claim)
                    if claim.version != version
                        && claim
                            .holder
                            .as_ref()
                            .is_some_and(|holder| holder.to_string() == held.holder) =>
                {
                    version = claim.version;
                }
                Some(claim) if claim.version == version => return Err(error),
                other => return Err(not_ours("took over", other.as_ref(), Some(held.run()))),
            }
        }
    }
}

/// Compares a claim with what there is now; nothing where that tells nothing of its holder.
fn pulse(was: &Claim, now: Option<Claim>) -> Option<Pulse> {
    match now {
        Some(now) if now.holder.is_some() && now.version == was.version => None,
        Some(now) if now.holder.is_some() => Some(Pulse::Alive(now)),
        released => Some(Pulse::Released(released)),
    }
}

/// Says why the Lease is not ours, and what to do. `ours` is the run that held it before.
fn not_ours(what: &str, claim: Option<&Claim>, ours: Option<&str>) -> Error {
    let again = ours.map_or_else(|| "run again".to_owned(), |run| format!("go on with --resume={run}"));
    let Some(claim) = claim else {
        return Error::new(ErrorKind::Held, format!("{} is gone: somebody deleted it", words()))
            .hint(format!("see who did and why; then {again}"));
    };
    let error = match &claim.holder {
        Some(holder) if holder.is_a_run() => {
            let who = claim.words(holder);
            Error::new(ErrorKind::Held, format!("another run {what}: {who}")).hint(format!(
                "let it end, or stop it where it runs; then go on with --resume={}",
                holder.run
            ))
        }
        Some(holder) => Error::new(ErrorKind::Held, format!("another {what}: {}", claim.words(holder)))
            .hint(format!("find out what it is; then {again}")),
        None => Error::new(ErrorKind::Held, format!("another run {what}, and has ended"))
            .hint("look at the cluster, and run again"),
    };
    error.because(format!("{} is not ours", words()))
}

#[cfg(test)]
impl Claim {
    /// Returns a claim of a run, for tests.
    pub fn of_test(run: &str, duration: Duration) -> Self {
        Self {
            holder: Holder::of(&format!("{run} eve@elsewhere")),
            since: None,
            duration,
            version: String::new(),
        }
    }
}

impl Claim {
    /// Returns who holds it since when, for people.
    pub fn words(&self, holder: &Holder) -> String {
        let since = self
            .since
            .map(|since| format!(", since {since:.0}"))
            .unwrap_or_default();
        if !holder.is_a_run() {
            return format!("`{}`, which is not a run of gitops-dr{since}", holder.run);
        }
        format!("run {} of {}{since}", holder.run, holder.by)
    }
}

fn words() -> String {
    format!("the Lease {NAMESPACE}/{NAME}")
}

fn params() -> PatchParams {
    PatchParams {
        field_manager: Some(MANAGER.into()),
        ..PatchParams::default()
    }
}

fn taken(holder: &Holder, now: Timestamp) -> LeaseSpec {
    LeaseSpec {
        holder_identity: Some(holder.to_string()),
        lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
        acquire_time: Some(MicroTime(now)),
        renew_time: Some(MicroTime(now)),
        ..LeaseSpec::default()
    }
}

/// Returns a change that the server takes only for this version of the object.
fn following(version: &str, spec: &Value) -> Value {
    json!({"metadata": {"resourceVersion": version}, "spec": spec})
}

#[cfg(test)]
mod tests;
