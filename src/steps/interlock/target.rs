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
    begun_here(earlier.map(|earlier| earlier.uid.as_str()), identity)
}

fn begun_here(earlier: Option<&str>, identity: &Identity) -> Result<(), Failure> {
    match earlier {
        Some(earlier) if earlier != identity.uid => Err(Failure::new(format!(
            "the run to go on with was on the cluster {earlier}, and context {} leads to {}",
            identity.context, identity.uid
        ))
        .hint("name the context of that run, or begin a new run without --resume")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_goes_on_where_it_was_begun_and_nowhere_else() {
        let identity = Identity {
            context: "shop-new".into(),
            server: "https://10.0.0.3:6443".into(),
            uid: "here".into(),
            version: String::new(),
        };
        assert!(begun_here(None, &identity).is_ok());
        assert!(begun_here(Some("here"), &identity).is_ok());
        let told = begun_here(Some("there"), &identity).unwrap_err().message;
        assert!(
            told.contains("was on the cluster there, and context shop-new leads to here"),
            "{told}"
        );
    }
}
