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
        let earlier = world.earlier.get().map(|earlier| earlier.vouched.as_slice());
        let reason = vouched_for(world.options.answers.adopt.as_deref(), earlier.unwrap_or_default());
        // A word that is not needed vouches for nothing.
        adopted = reason.filter(|_| !is_empty).map(str::to_owned);
        "taken over as it is"
    } else if is_empty {
        "empty"
    } else if world.earlier.get().is_some() {
        "as an earlier run left it"
    } else {
        return Err(not_empty(&inventory, cluster, world.left_here()));
    };
    Ok(Found {
        is_empty,
        adopted,
        words,
    })
}

pub(in crate::steps) fn not_empty(inventory: &Inventory, cluster: &Cluster, left_by: Option<String>) -> Failure {
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
        .hint(left_by.unwrap_or_else(|| "if an earlier run was interrupted, go on with --resume".to_owned()))
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

/// Returns the word of this run, or else the last one of the run that it goes on with: it is vouched for anew, so that whoever
/// goes on with this run in turn finds it too.
fn vouched_for<'words>(given: Option<&'words str>, earlier: &'words [(String, String)]) -> Option<&'words str> {
    let mut earlier = earlier.iter().filter(|(what, _)| what == "adopt");
    given.or_else(|| earlier.next_back().map(|(_, reason)| reason.as_str()))
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
    fn the_word_of_an_earlier_run_is_handed_on() {
        let vouched = [("adopt", "seen"), ("adopt", "seen again"), ("approve data", "yes")]
            .map(|(what, reason)| (what.to_owned(), reason.to_owned()));
        assert_eq!(vouched_for(None, &vouched), Some("seen again"));
        assert_eq!(vouched_for(Some("today"), &vouched), Some("today"));
        assert_eq!(vouched_for(None, &vouched[2..]), None);
    }

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
