//! Takes the cluster's Lease for this run, keeps out of another's way, and gives the Lease back.

use std::sync::Arc;
use std::time::Duration;

use super::{Found, World};
use crate::cluster::{Claim, Cluster, ErrorKind, Holder, Pulse};
use crate::engine::{Context, Record as _, journal};
use crate::event::Failure;

/// How long the end of a run waits for a server that does not answer: the Lease runs out by itself.
const LEAVING: Duration = Duration::from_secs(10);

/// How long a holder is looked at before anything is prepared. One that lives renews its Lease every ten seconds.
const FIRST_LOOK: Duration = Duration::from_secs(12);

/// The Lease as the run first saw it, and when.
pub struct Sight {
    claim: Option<Claim>,
    at: tokio::time::Instant,
}

impl Sight {
    /// Returns the claim, when it was seen, and whose it is; nothing where nobody holds the Lease.
    fn held(&self) -> Option<(Claim, tokio::time::Instant, Holder)> {
        let claim = self.claim.clone()?;
        let holder = claim.holder.clone()?;
        Some((claim, self.at, holder))
    }
}

/// Reads the Lease. Who may not read it learns that from the interlock, with all other rights.
pub(super) async fn look(world: &World, cluster: &Cluster) -> Result<(), Failure> {
    let unless_denied = |error: crate::cluster::Error| match error.kind() {
        ErrorKind::Denied => Ok(None),
        _ => Err(error),
    };
    let claim = cluster.claim().await.or_else(unless_denied)?;
    let at = tokio::time::Instant::now();
    *world.sight.lock().await = Some(Sight { claim, at });
    Ok(())
}

/// Reads the record of the newest run.
pub(super) async fn read_record(world: &World, cluster: &Cluster) -> Result<(), Failure> {
    if let Some(found) = record(cluster).await? {
        let _ = world.found.set(found);
    }
    Ok(())
}

async fn record(cluster: &Cluster) -> Result<Option<Result<Found, Failure>>, Failure> {
    match cluster.kept().await {
        Err(error) if error.kind() == ErrorKind::Denied => Ok(None),
        // What cannot be read concerns only who goes on with it, or does something that must not be done twice.
        Err(error) if error.kind() == ErrorKind::Invalid => Ok(Some(Err(error.into()))),
        kept => Ok(kept?.map(|kept| super::record::found(&kept))),
    }
}

/// Refuses where the holder of the Lease has done more while it was waited for: what it began is not known to this run.
async fn unless_newer(world: &World, cluster: &Cluster) -> Result<(), Failure> {
    let newest = |found: Option<&Result<Found, Failure>>| {
        found
            .and_then(|found| found.as_ref().ok())
            .map(|found| (found.state.run.clone(), found.state.seq))
    };
    let now = record(cluster).await?;
    if newest(now.as_ref()) == newest(world.found.get()) {
        return Ok(());
    }
    Err(
        Failure::new("another run has changed the cluster while this one was prepared")
            .hint("see what it did, and run again, or go on with it: --resume"),
    )
}

/// Refuses beside another run that shows at once that it lives: a login that opens only once should not be spent before. Whether
/// one is gone that shows nothing yet, [`keep_out`] finds out while the Lease runs out. Only reads.
pub(super) async fn first_look(world: &World, cluster: &Cluster, context: &Context) -> Result<(), Failure> {
    let mut sight = world.sight.lock().await;
    let Some((claim, at, holder)) = sight.as_ref().and_then(Sight::held) else {
        return Ok(());
    };
    match lives_here(world, &holder) {
        Some(true) => return Err(occupied(&claim, &holder)),
        Some(false) => return Ok(()),
        None => {}
    }
    let who = claim.words(&holder);
    context.progress(
        0,
        None,
        format!("the cluster's Lease is held by {who}: looking for a sign of life"),
    );
    match cluster.watch_claim(&claim, at, FIRST_LOOK.min(claim.duration)).await {
        Pulse::Alive(now) => {
            let holder = now.holder.clone().unwrap_or(holder);
            Err(occupied(&now, &holder))
        }
        Pulse::Released(claim) => {
            *sight = Some(Sight { claim, at });
            Ok(())
        }
        Pulse::Silent => Ok(()),
    }
}

/// Keeps out of the way of another run that lives. One that is gone is no obstacle: on this machine its journal tells that at
/// once, and elsewhere the Lease is watched for as long as it is good. Only reads.
pub(super) async fn keep_out(world: &World, cluster: &Cluster, context: &Context) -> Result<(), Failure> {
    let mut sight = world.sight.lock().await;
    let Some((claim, at, holder)) = sight.as_ref().and_then(Sight::held) else {
        return Ok(());
    };
    let who = claim.words(&holder);
    if let Some(lives) = lives_here(world, &holder) {
        if lives {
            return Err(occupied(&claim, &holder));
        }
        context.notice(format!(
            "The cluster's Lease was held by {who}, which ended on this machine without giving it back: it is taken over."
        ));
        return Ok(());
    }
    let seconds = claim.duration.as_secs();
    context.progress(
        0,
        None,
        format!("the cluster's Lease is held by {who}: waiting up to {seconds}s for a sign of life"),
    );
    let now = match cluster.watch_claim(&claim, at, claim.duration).await {
        Pulse::Alive(now) => {
            let holder = now.holder.clone().unwrap_or(holder);
            return Err(occupied(&now, &holder));
        }
        Pulse::Released(now) => {
            unless_newer(world, cluster).await?;
            now
        }
        Pulse::Silent => {
            context.notice(format!(
                "The cluster's Lease was held by {who}, which gave no sign of life for {seconds}s: it is taken over."
            ));
            Some(claim)
        }
    };
    *sight = Some(Sight { claim: now, at });
    Ok(())
}

/// Takes the Lease. The last act of the interlock, and the first request of a restore that changes anything: on the wrong
/// cluster it would leave a Lease in `kube-system`, so it comes after all that could refuse.
pub(super) async fn take(world: &Arc<World>, cluster: &Cluster, context: &Context) -> Result<(), Failure> {
    let sight = world.sight.lock().await;
    let found = sight.as_ref().and_then(|sight| sight.claim.as_ref());
    cluster
        .hold(found, &world.options.holder, &context.shared_clock())
        .await?;
    world.record.write_to(cluster.clone());
    let (alarm, held) = (world.alarm.clone(), cluster.clone());
    // Who loses it must end even where nothing is being changed, such as while a program runs.
    tokio::spawn(async move {
        if let Some(lost) = held.until_lost().await {
            alarm.raise(lost.into());
        }
    });
    Ok(())
}

/// Whether the holder lives, where its journal tells: of a run of this machine that kept it where this run does. Whoever writes a
/// journal holds its lock.
fn lives_here(world: &World, holder: &Holder) -> Option<bool> {
    let journal = world.options.journals.join(format!("{}.jsonl", holder.run));
    let host = |by: &str| by.rsplit_once('@').map(|(_, host)| host.to_owned());
    if host(&holder.by) != host(&world.options.holder.by) {
        return None;
    }
    journal::is_being_written(&journal)
}

fn occupied(claim: &Claim, holder: &Holder) -> Failure {
    Failure::new(format!(
        "the cluster is being restored by another: {}",
        claim.words(holder)
    ))
    .hint(format!(
        "let it end, or stop it there with Ctrl-C and go on with --resume={}",
        holder.run
    ))
    .hint(format!(
        "if its machine is lost, run again: a run that is gone loses the cluster {}s after its last sign of life",
        claim.duration.as_secs()
    ))
}

impl World {
    /// Writes down the end of the run where others find it, and gives the Lease back. Nothing may be changed after that. Waits no
    /// longer than a few seconds for a server that does not answer.
    pub async fn leave(&self) {
        let Some(cluster) = self.cluster.get() else {
            return;
        };
        let leaving = async {
            // The journal has the end as well; and a Lease that is not given back runs out.
            let _ = self.record.kept().await;
            let _ = cluster.give_back().await;
        };
        let _ = tokio::time::timeout(LEAVING, leaving).await;
    }
}
