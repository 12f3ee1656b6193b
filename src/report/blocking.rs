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

/// Returns the nodes that are not ready, those first that a person should look at first. What only waits for another node comes
/// last; of the rest those come first that hold back most, then failing ones, then those that stand still longest.
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
            // A node that has failed must be mended by itself, whatever it waits for besides.
            *waits && !is_failing,
            std::cmp::Reverse(blocking.holds_back),
            !is_failing,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::story::story;

    #[test]
    fn the_culprit_comes_first_and_knows_how_many_wait_for_it() {
        let told = story()
            .node(
                "shop",
                NodePhase::Progressing,
                "",
                &[("Application argocd/payments", "not ready")],
            )
            .node(
                "payments",
                NodePhase::Progressing,
                "",
                &[("Application.argoproj.io argocd/issuer", "not ready")],
            )
            .node(
                "slow",
                NodePhase::Progressing,
                "",
                &[("Deployment.apps slow/slow", "0/1 ready")],
            )
            .node(
                "issuer",
                NodePhase::Progressing,
                "",
                &[("Deployment.apps issuer/hook", "0/1 ready")],
            )
            .after(1_000)
            .node("broken", NodePhase::Failing, "", &[])
            .node("ready", NodePhase::Ready, "", &[])
            .state();
        let ranks: Vec<_> = blocking(&told)
            .iter()
            .map(|blocking| (blocking.node.node.name.as_str(), blocking.holds_back))
            .collect();
        let expected = [("issuer", 2), ("broken", 0), ("slow", 0), ("payments", 1), ("shop", 0)];
        assert_eq!(ranks, expected);
    }

    #[test]
    fn nodes_that_wait_for_each_other_hold_each_other_back_once() {
        let told = story()
            .node(
                "a",
                NodePhase::Progressing,
                "",
                &[("Application argocd/b", ""), ("Application argocd/a", "")],
            )
            .node("b", NodePhase::Progressing, "", &[("Application argocd/a", "")])
            .state();
        let held: Vec<_> = blocking(&told).iter().map(|blocking| blocking.holds_back).collect();
        assert_eq!(held, [1, 1]);
    }
}
