//! Which of the nodes that are not ready hold the others back.

use std::collections::{HashMap, HashSet};

use crate::event::{NodePhase, NodeState, RunState};

/// A node that is not ready.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blocking<'state> {
    /// The node.
    pub(super) node: &'state NodeState,
    /// How many other nodes wait for it, directly or through others.
    pub(super) holds_back: usize,
}

/// Returns the nodes that are not ready, those first that a person should look at first: failing ones, then those that
/// wait for no other node, then those that hold back most, then those that stand still longest.
pub(super) fn blocking(state: &RunState) -> Vec<Blocking<'_>> {
    let unready = state.unready();
    let index: HashMap<String, usize> = unready
        .iter()
        .enumerate()
        .map(|(index, node)| (without_group(&node.node.id), index))
        .collect();
    let mut waiting: Vec<Vec<usize>> = vec![Vec::new(); unready.len()];
    let mut waits = vec![false; unready.len()];
    for (waiter, node) in unready.iter().enumerate() {
        for blocker in &node.node.blocked_by {
            if let Some(&blocked_on) = index.get(&without_group(&blocker.object))
                && blocked_on != waiter
            {
                waiting[blocked_on].push(waiter);
                waits[waiter] = true;
            }
        }
    }
    let mut nodes: Vec<_> = unready
        .into_iter()
        .enumerate()
        .map(|(index, node)| {
            (
                waits[index],
                Blocking {
                    node,
                    holds_back: reach(&waiting, index),
                },
            )
        })
        .collect();
    nodes.sort_by_key(|(waits, blocking)| {
        let node = blocking.node;
        let is_failing = node.node.phase == NodePhase::Failing;
        (
            !is_failing,
            *waits,
            std::cmp::Reverse(blocking.holds_back),
            node.since_ms,
        )
    });
    nodes.into_iter().map(|(_, blocking)| blocking).collect()
}

/// Counts all that wait for one node, itself left out.
fn reach(waiting: &[Vec<usize>], from: usize) -> usize {
    let mut seen = HashSet::from([from]);
    let mut next = vec![from];
    while let Some(node) = next.pop() {
        next.extend(waiting[node].iter().copied().filter(|waiter| seen.insert(*waiter)));
    }
    seen.len() - 1
}

/// Returns `Kind namespace/name` for `Kind.group namespace/name`: a blocker names the group, a node need not.
fn without_group(object: &str) -> String {
    match object.split_once(' ') {
        Some((kind, name)) => format!("{} {name}", kind.split('.').next().unwrap_or(kind)),
        None => object.to_owned(),
    }
}
