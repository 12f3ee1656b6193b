//! For how long a platform must still stay as it is before it counts as settled.
//!
//! A quiet time guards against two things: that something is still to come, and that something which is well now falls ill
//! again. Where both are seen not to be so, no time is needed. `docs/design/waiting.md` tells why.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::well::{Wellness, wellness};
use super::{Memory, Rules, Tree, name, since};
use crate::event::{Node, NodePhase};
use crate::platform::argocd::application::Application;
use crate::platform::argocd::applicationset::ApplicationSet;

/// Returns how long all nodes, each of them ready or held, must still stay as they are. Of these the shorter:
///
/// * until none of them has changed for [`Rules::quiet`];
/// * until nothing was seen to fall ill for as long, and no node has changed for as long of which it is not proved that all is
///   well.
pub(super) fn left(tree: &Tree, rules: &Rules, memory: &Memory, nodes: &[Node], now: Timestamp) -> Duration {
    let quiet = |at: Timestamp| rules.quiet.saturating_sub(since(at, now));
    let by_time = memory.changed().map_or(rules.quiet, quiet);
    let proved = proved(tree);
    let unproved = nodes.iter().filter(|node| !is_proved(node, &proved));
    let by_sight = unproved
        .filter_map(|node| memory.phase_since(&node.id))
        .chain(memory.steady_since())
        .map(quiet)
        .max();
    by_sight.map_or(by_time, |by_sight| by_time.min(by_sight))
}

/// Whether it is proved that a node is well, with all that it deploys, and that all that follows from it is there.
///
/// A node that is ready was compared at its revision after all that it names was made: a child that is missing makes an app
/// `OutOfSync`, and a set says how many it has. What is accepted, held or on another cluster is not seen.
fn is_proved(node: &Node, proved: &BTreeSet<String>) -> bool {
    match node.phase {
        NodePhase::Ignored => true,
        NodePhase::Ready => proved.contains(&node.id),
        NodePhase::Failing | NodePhase::Missing | NodePhase::Progressing | NodePhase::Excepted => false,
    }
}

/// Returns the nodes of which that is so if they are ready.
fn proved(tree: &Tree) -> BTreeSet<String> {
    let applications = tree
        .applications
        .iter()
        .filter(|(_, object)| wellness(Application::new(object), tree) == Wellness::Well);
    let sets = tree
        .sets
        .iter()
        .filter(|(_, object)| ApplicationSet::new(object).is_judged_as_it_is());
    applications.chain(sets).map(|(id, _)| name(id)).collect()
}
