//! Apps that stand on each other in a row: each brings a kind, and has an object of the kind of the one before.
//!
//! Argo CD creates them at once. Each tries again by itself until what it needs is there, each time after a longer pause, and has used up
//! its tries when the row is long enough.

use crate::Trouble;
use crate::entry::Wanted;
use crate::goal::{Goal, Peer};
use crate::restore_100_apps::By;
use crate::restore_late_crd::restore;
use crate::results::Row;
use crate::scene::Platform;

/// How many apps stand on each other.
const DEPTH: usize = 8;

/// Restores by us in either order, and by the script that refreshes, which is the stronger of the two.
pub(crate) async fn measure(wanted: Wanted) -> Result<Vec<Row>, Trouble> {
    let (mut ours, mut script, mut by_graph) = (Vec::new(), Vec::new(), Vec::new());
    let chain = || Platform::of_a_chain(DEPTH);
    for _ in 0..wanted.rounds(1) {
        ours.push(Box::pin(restore(By::Us, chain())).await?);
        if wanted.has("restore-deep-chain") {
            script.push(Box::pin(restore(By::RefreshingScript, chain())).await?);
        }
        if wanted.has("restore-deep-chain-graph") {
            by_graph.push(Box::pin(restore(By::UsByGraph, chain())).await?);
        }
    }
    Ok(vec![
        Row {
            name: "restore-deep-chain",
            does: "`gitops-dr restore` of 8 apps in a row, each with an object of the kind that the one before brings; stopped after 300 s",
            unit: "s",
            ours: ours.clone(),
            peer: Some(Peer {
                name: "five-step script that refreshes, stopped after 300 s",
                does: "where it does not end, that it was stopped is all that is known of its time",
                rounds: script,
            }),
            goal: Goal::ShareOfTime(0.3),
        },
        Row {
            name: "restore-deep-chain-graph",
            does: "the same platform by `gitops-dr restore` with `order: graph`, which creates each app when the one before is ready",
            unit: "s",
            ours: by_graph,
            peer: Some(Peer {
                name: "`order: agent`, the default",
                does: "`gitops-dr restore`, which applies the kinds ahead and leaves the rest to Argo CD",
                rounds: ours,
            }),
            goal: Goal::Told,
        },
    ])
}
