//! What a loop cannot heal: an app that has given up before the CRD that it needs was there. Argo CD never tries again.

use std::time::Duration;

use crate::entry::Wanted;
use crate::goal::{Goal, Peer};
use crate::measured::Run;
use crate::restore_100_apps::{By, run};
use crate::results::Row;
use crate::scene::{Platform, Scene};
use crate::sights::Sights;
use crate::{Trouble, say};

/// When the script, which would wait for ever, is stopped.
const CAP: Duration = Duration::from_mins(5);

/// Restores by us and by the script that refreshes, which is the stronger of the two.
pub(crate) async fn measure(wanted: Wanted) -> Result<Vec<Row>, Trouble> {
    let (mut ours, mut script) = (Vec::new(), Vec::new());
    for _ in 0..wanted.rounds(1) {
        ours.push(Box::pin(restore(By::Us, Platform::of_a_late_definition())).await?);
        script.push(Box::pin(restore(By::RefreshingScript, Platform::of_a_late_definition())).await?);
    }
    Ok(vec![Row {
        name: "restore-late-crd",
        does: "`gitops-dr restore` of an app whose CRD comes after its last retry; stopped after 300 s",
        unit: "s",
        ours,
        peer: Some(Peer {
            name: "five-step script that refreshes, stopped after 300 s",
            does: "it does not end: that it was stopped is all that is known of its time",
            rounds: script,
        }),
        goal: Goal::ShareOfTime(0.5),
    }])
}

/// Restores a platform; returns how long it took: the whole cap if it was stopped.
pub(crate) async fn restore(by: By, platform: Platform) -> Result<f64, Trouble> {
    let scene = Box::pin(Scene::start(platform)).await?;
    let sights = Sights::start(scene.outage.bed.admin());
    let seconds = match run(by, &scene, CAP).await? {
        Run::Capped(cap) => {
            // Stopped for the reason that is measured, and for no other: all is well but what gave up.
            match sights.check(&scene.platform).await {
                Ok(()) => return Err(format!("the restore by {by:?} went on although all was well").into()),
                Err(left) => say(&format!("  {by:?}: stopped after {} s: {left}", cap.as_secs())),
            }
            cap.as_secs_f64()
        }
        ended @ Run::Ended(..) => {
            let (took, _) = ended.succeeded(&format!("the restore by {by:?}"))?;
            sights.check(&scene.platform).await?;
            say(&format!("  {by:?}: {:.1} s", took.seconds));
            took.seconds
        }
    };
    Ok(seconds)
}
