//! Whether the cluster is as empty as the runbook expects.

use std::collections::BTreeSet;

use super::super::World;
use super::super::connect::counted;
use crate::cluster::{Cluster, Inventory};
use crate::event::Failure;

/// What was found on the cluster.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    /// Whether nothing was.
    pub(super) is_empty: bool,
    /// Why a cluster that is not empty is taken over, where a person said so.
    pub(super) adopted: Option<String>,
    /// It in a few words.
    pub(super) words: &'static str,
}

/// Looks what is on the cluster, and refuses what nobody expects there.
pub(super) async fn found(world: &World, cluster: &Cluster, agent_present: bool) -> Result<Found, Failure> {
    let runbook = world.runbook()?;
    let mut expected = runbook.target.namespaces.clone();
    if agent_present {
        // An agent without apps is no platform: it stays, and its namespace does not make the cluster a foreign one.
        expected.push(runbook.agent.namespace.clone());
    }
    let inventory = cluster.inventory(&expected).await?;
    let is_empty = inventory.is_empty();
    let mut adopted = None;
    let words = if world.adopts() {
        // A word that is not needed vouches for nothing.
        adopted = world.options.answers.adopt.clone().filter(|_| !is_empty);
        "taken over as it is"
    } else if is_empty {
        "empty"
    } else if world.earlier.get().is_some() {
        "as an earlier run left it"
    } else {
        return Err(not_empty(&inventory, cluster));
    };
    Ok(Found {
        is_empty,
        adopted,
        words,
    })
}

fn not_empty(inventory: &Inventory, cluster: &Cluster) -> Failure {
    let identity = cluster.identity();
    let mut failure = Failure::new(format!(
        "the cluster is not empty: {} (context {})",
        identity.server, identity.context
    ));
    for (what, names) in [
        ("agent resource", &inventory.agent_resources),
        ("bound volume", &inventory.bound_volumes),
        ("workload", &inventory.workloads),
    ] {
        if !names.is_empty() {
            let shown: Vec<_> = names.iter().take(5).map(String::as_str).collect();
            let more = if names.len() > shown.len() {
                format!(" and {} more", names.len() - shown.len())
            } else {
                String::new()
            };
            failure
                .causes
                .push(format!("{}: {}{more}", counted(names.len(), what), shown.join(", ")));
        }
    }
    failure = failure
        .hint("is this the right cluster?")
        .hint("if an earlier run was interrupted, go on with --resume")
        .hint(
            "if it is a platform to be taken over as it is, say so: `target: {expect: adopt}`, or for this once \
             --adopt REASON",
        );
    let foreign = namespaces_of(&inventory.workloads);
    if foreign.is_empty() {
        return failure;
    }
    let foreign = foreign.into_iter().collect::<Vec<_>>().join(", ");
    failure.hint(format!(
        "if these workloads belong there, say so: `target: {{namespaces: [{foreign}]}}`"
    ))
}

/// Returns the namespaces of objects named as `Kind namespace/name`.
fn namespaces_of(names: &[String]) -> BTreeSet<&str> {
    names
        .iter()
        .filter_map(|name| Some(name.split_once(' ')?.1.split_once('/')?.0))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_are_named_once() {
        let names = [
            "Deployment a/x",
            "StatefulSet a/y",
            "Deployment b/x",
            "PersistentVolume p",
        ]
        .map(str::to_owned);
        assert_eq!(namespaces_of(&names), BTreeSet::from(["a", "b"]));
    }
}
