//! Whether this is a cluster that may be restored onto at all.

use super::super::World;
use crate::cluster::{Identity, same_server};
use crate::event::Failure;
use crate::runbook::Runbook;

/// Refuses a cluster that the runbook never restores onto, by its UID or its server.
pub(in crate::steps) fn never(runbook: &Runbook, identity: &Identity) -> Result<(), Failure> {
    let same = |never: &&String| **never == identity.uid || same_server(never, &identity.server);
    match runbook.target.never.iter().find(same) {
        None => Ok(()),
        Some(never) => Err(
            Failure::new(format!("this is {never}, which the runbook never restores onto")).hint(format!(
                "context {} leads there; name another with --context",
                identity.context
            )),
        ),
    }
}

/// A run goes on where it was begun. An earlier run opens the way onto its own cluster and no other.
pub(in crate::steps) fn same_cluster(world: &World, identity: &Identity) -> Result<(), Failure> {
    let earlier = world.earlier.get().and_then(|earlier| earlier.cluster.as_ref());
    match earlier {
        Some(earlier) if earlier.uid != identity.uid => Err(Failure::new(format!(
            "the run to go on with was on the cluster {}, and context {} leads to {}",
            earlier.uid, identity.context, identity.uid
        ))
        .hint("name the context of that run, or begin a new run without --resume")),
        _ => Ok(()),
    }
}
