//! Which of the nodes that are not ready hold the others back.

use std::collections::HashMap;

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
    let mut waiting = foreseen(state, &index, unready.len());
    let mut waits = vec![false; unready.len()];
    // What is not there waits for what brings it, whatever that says of it.
    let brings = |place: usize| {
        let node = &unready[place].node;
        let parent = node.parent.as_deref().filter(|_| node.phase == NodePhase::Missing)?;
        index.get(&without_group(parent)).copied()
    };
    for (waiter, node) in unready.iter().enumerate() {
        if let Some(parent) = brings(waiter).filter(|parent| *parent != waiter) {
            waiting[parent].push(waiter);
            waits[waiter] = true;
        }
        for blocker in &node.node.blocked_by {
            if let Some(&blocked_on) = index.get(&without_group(&blocker.object))
                && blocked_on != waiter
                && brings(blocked_on) != Some(waiter)
            {
                waiting[blocked_on].push(waiter);
                waits[waiter] = true;
            }
        }
    }
    let all = unready.len();
    let mut nodes: Vec<_> = unready
        .into_iter()
        .enumerate()
        .map(|(index, node)| {
            (
                waits[index],
                Blocking {
                    node,
                    holds_back: reach(&waiting, index, all),
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

/// Returns who waits for each of the nodes that are not ready, by the sources and whatever its own state says. After the nodes come the
/// points where many wait for many.
///
/// Of what is not there or has failed nobody knows that its objects are; what is on its way only holds back who waits until it is well.
fn foreseen(state: &RunState, index: &HashMap<String, usize>, nodes: usize) -> Vec<Vec<usize>> {
    let (apps, waits) = &state.foreseen;
    let mut places = nodes;
    let place = |id: &String| {
        if id.is_empty() {
            places += 1;
            Some(places - 1)
        } else {
            index.get(id).copied()
        }
    };
    let place: Vec<Option<usize>> = apps.iter().map(place).collect();
    let mut waiting = vec![Vec::new(); places];
    for line in waits {
        let at = |number: usize| place.get(number).copied().flatten();
        let (Some(earlier), Some(later)) = (at(line.earlier), at(line.later)) else {
            continue;
        };
        let phase = || state.nodes.get(&apps[line.earlier]).map(|node| node.node.phase);
        if line.until_well || matches!(phase(), Some(NodePhase::Missing | NodePhase::Failing)) {
            waiting[earlier].push(later);
        }
    }
    waiting
}

/// Counts all of the first `nodes` that wait for one of them, itself left out.
fn reach(waiting: &[Vec<usize>], from: usize, nodes: usize) -> usize {
    let mut seen = vec![false; waiting.len()];
    seen[from] = true;
    let (mut next, mut count) = (vec![from], 0);
    while let Some(node) = next.pop() {
        for waiter in &waiting[node] {
            if !std::mem::replace(&mut seen[*waiter], true) {
                count += usize::from(*waiter < nodes);
                next.push(*waiter);
            }
        }
    }
    count
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
    use crate::event::{Run, Waits};
    use crate::report::story::story;

    #[test]
    fn what_is_not_there_waits_for_what_brings_it_and_not_the_other_way() {
        let mut told = story().node(
            "apps",
            NodePhase::Failing,
            "",
            &[
                (
                    "Application argocd/apps",
                    "references project platform which does not exist",
                ),
                ("Application argocd/cart", "not there"),
            ],
        );
        for child in ["cart", "search"] {
            told = told.node(child, NodePhase::Missing, "not there", &[]);
        }
        let state = told.state();
        let blocking: Vec<_> = blocking(&state)
            .iter()
            .map(|blocking| (blocking.node.node.name.as_str(), blocking.holds_back))
            .collect();
        assert_eq!(blocking, [("apps", 2), ("cart", 0), ("search", 0)]);
    }

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
    fn what_waits_by_the_sources_counts_though_its_own_state_does_not_say_so() {
        let id = |name: &str| format!("Application argocd/{name}");
        let wait = |later, earlier, until_well| Waits {
            later,
            earlier,
            until_well,
        };
        let held = |culprit: NodePhase| {
            let told = story()
                .say(Run::Foreseen {
                    // Behind the wave are cart and search; checkout waits for cart, and so does what is ready; shop only for an object of crds.
                    apps: ["crds", "vault", "", "cart", "search", "checkout", "ready", "shop"]
                        .map(|name| if name.is_empty() { String::new() } else { id(name) })
                        .to_vec(),
                    waits: vec![
                        wait(2, 0, true),
                        wait(2, 1, true),
                        wait(3, 2, true),
                        wait(4, 2, true),
                        wait(5, 3, true),
                        wait(6, 3, true),
                        wait(7, 0, false),
                        // Of a newer version, or torn.
                        wait(70, 0, true),
                    ],
                })
                .node("crds", culprit, "", &[])
                .node("vault", NodePhase::Progressing, "", &[])
                .node("cart", NodePhase::Progressing, "", &[("Pod cart/cart", "its own")])
                .node("search", NodePhase::Missing, "", &[])
                .node("checkout", NodePhase::Missing, "", &[])
                .node("shop", NodePhase::Progressing, "", &[])
                .node("ready", NodePhase::Ready, "", &[])
                .state();
            let all = blocking(&told);
            let of = |name: &str| all.iter().find(|one| one.node.node.name == name).unwrap().holds_back;
            ["crds", "vault", "cart", "search", "checkout", "shop"].map(of)
        };
        assert_eq!(held(NodePhase::Failing), [4, 3, 1, 0, 0, 0]);
        assert_eq!(held(NodePhase::Missing), [4, 3, 1, 0, 0, 0]);
        assert_eq!(held(NodePhase::Progressing), [3, 3, 1, 0, 0, 0]);
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
