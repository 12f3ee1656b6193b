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
    unless_foreign(&claim, &holder)?;
    match lives_here(world, &holder) {
        Some(true) => return Err(occupied(world, cluster, &claim, &holder).await),
        Some(false) => return Ok(()),
        None => {}
    }
    let lasts = FIRST_LOOK.min(claim.duration);
    wait_for(context, &claim.words(&holder), lasts);
    match cluster.watch_claim(&claim, at, lasts).await {
        Pulse::Alive(now) => {
            let holder = now.holder.clone().unwrap_or(holder);
            Err(occupied(world, cluster, &now, &holder).await)
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
    unless_foreign(&claim, &holder)?;
    let who = claim.words(&holder);
    if let Some(lives) = lives_here(world, &holder) {
        if lives {
            return Err(occupied(world, cluster, &claim, &holder).await);
        }
        context.notice(format!(
            "The cluster's Lease was held by {who}, which ended on this machine without giving it back: it may be taken over."
        ));
        return Ok(());
    }
    let seconds = claim.duration.as_secs();
    let left = claim.duration.saturating_sub(at.elapsed());
    if !left.is_zero() {
        wait_for(context, &who, left);
    }
    let now = match cluster.watch_claim(&claim, at, claim.duration).await {
        Pulse::Alive(now) => {
            let holder = now.holder.clone().unwrap_or(holder);
            return Err(occupied(world, cluster, &now, &holder).await);
        }
        Pulse::Released(now) => {
            unless_newer(world, cluster).await?;
            now
        }
        Pulse::Silent => {
            context.notice(format!(
                "The cluster's Lease was held by {who}, which gave no sign of life for {seconds}s: it may be taken over."
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

/// Says that a holder is waited for, and for how long, before that.
fn wait_for(context: &Context, who: &str, lasts: Duration) {
    let seconds = lasts.as_secs_f64().ceil();
    let waits = format!("the cluster's Lease is held by {who}: waiting up to {seconds}s for a sign of life");
    context.progress(0, None, waits.clone());
    // Screens without a live view show no progress.
    context.notice(format!("{}{}.", waits[..1].to_uppercase(), &waits[1..]));
}

/// Refuses beside a holder that is no run of ours: nobody knows how soon it would show that it lives.
fn unless_foreign(claim: &Claim, holder: &Holder) -> Result<(), Failure> {
    if holder.is_a_run() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "the Lease kube-system/gitops-dr is held by {}",
        claim.words(holder)
    ))
    .hint("find out what it is and what it does to the cluster, and let it end: it is never taken for dead")
    .hint(
        "if it is gone, empty the Lease in its place: kubectl -n kube-system patch lease gitops-dr --type merge \
         -p '{\"spec\":{\"holderIdentity\":\"\"}}'",
    ))
}

async fn occupied(world: &World, cluster: &Cluster, claim: &Claim, holder: &Holder) -> Failure {
    if let Err(foreign) = unless_foreign(claim, holder) {
        return foreign;
    }
    // Only a run that has changed anything has a record, so that its runbook is not always known.
    let its = match record(cluster).await {
        Ok(Some(Ok(found))) if found.state.run.as_ref().is_some_and(|run| run.0 == holder.run) => {
            Some(found.state.runbook)
        }
        _ => None,
    };
    let ours = world.runbook.get().map(|runbook| runbook.name.as_str());
    restored_by(claim, holder, its.as_deref(), ours)
}

fn restored_by(claim: &Claim, holder: &Holder, its: Option<&str>, ours: Option<&str>) -> Failure {
    let other = its.filter(|its| Some(*its) != ours);
    let by = other
        .map(|other| format!(" by the runbook {other}"))
        .unwrap_or_default();
    Failure::new(format!(
        "the cluster is being restored by another{}: {}",
        if other.is_some() { " runbook" } else { "" },
        claim.words(holder)
    ))
    .hint(match other {
        Some(_) => format!("let it end, or stop it there with Ctrl-C; it is gone on with{by} alone"),
        None => format!(
            "let it end, or stop it there with Ctrl-C and go on with --resume={}",
            holder.run
        ),
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn claim() -> Claim {
        Claim::of_test("01B", Duration::from_secs(30))
    }

    fn holder(run: &str, by: &str) -> Holder {
        Holder {
            run: run.into(),
            by: by.into(),
        }
    }

    #[test]
    fn beside_a_run_of_another_runbook_nobody_is_told_to_go_on_with_it() {
        let by = holder("01B", "eve@elsewhere");
        for (its, is_hinted) in [(None, true), (Some("shop"), true), (Some("search"), false)] {
            let told = restored_by(&claim(), &by, its, Some("shop"));
            let words = format!("{} {}", told.message, told.hints.concat());
            assert_eq!(words.contains("--resume=01B"), is_hinted, "{words}");
            assert_eq!(words.contains("the runbook search"), !is_hinted, "{words}");
        }
    }

    #[test]
    fn a_holder_that_is_no_run_of_ours_is_never_taken_for_dead() {
        assert_eq!(unless_foreign(&claim(), &holder("01B", "eve@elsewhere")), Ok(()));
        let refused = unless_foreign(&claim(), &holder("velero-backup-7", "")).unwrap_err();
        assert_eq!(
            refused.message,
            "the Lease kube-system/gitops-dr is held by `velero-backup-7`, which is not a run of gitops-dr"
        );
        assert!(
            refused
                .hints
                .concat()
                .contains("kubectl -n kube-system patch lease gitops-dr"),
            "{refused:?}"
        );
    }
}
