//! Where the runbook's own steps go between the roots.

use std::collections::BTreeSet;

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::runbook::Runbook;

/// A root or an extra step, by its index in the runbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ordered {
    /// The root with this index.
    Root(usize),
    /// The extra step with this index.
    Extra(usize),
}

/// Returns roots and extra steps in order: roots as written, each step after what it names and before what it names, and
/// one that names nothing after all roots. A step comes as early as what it names allows; among several the order of the
/// runbook decides.
///
/// `None` where the steps contradict each other; a checked runbook has no such steps.
pub fn order(runbook: &Runbook) -> Option<Vec<Ordered>> {
    let mut graph = DiGraph::<Ordered, ()>::new();
    let roots: Vec<NodeIndex> = (0..runbook.roots.len())
        .map(|index| graph.add_node(Ordered::Root(index)))
        .collect();
    let extras: Vec<NodeIndex> = (0..runbook.steps.len())
        .map(|index| graph.add_node(Ordered::Extra(index)))
        .collect();
    for pair in roots.windows(2) {
        graph.add_edge(pair[0], pair[1], ());
    }
    let named = |name: &str| {
        let root = runbook
            .roots
            .iter()
            .position(|root| root.id == name)
            .map(|index| roots[index]);
        root.or_else(|| {
            runbook
                .steps
                .iter()
                .position(|step| step.id == name)
                .map(|index| extras[index])
        })
    };
    for (step, node) in runbook.steps.iter().zip(&extras) {
        if let Some(after) = step.after.as_deref().and_then(named) {
            graph.add_edge(after, *node, ());
        }
        match step.before.as_deref().and_then(named) {
            Some(before) => {
                graph.add_edge(*node, before, ());
            }
            None if step.after.is_none() => {
                if let Some(last) = roots.last() {
                    graph.add_edge(*last, *node, ());
                }
            }
            None => {}
        }
    }
    in_order(&graph)
}

/// Sorts so that every edge is respected and, where that leaves a choice, steps come before roots and what was written
/// first comes first. petgraph's own sort does not keep that order.
fn in_order(graph: &DiGraph<Ordered, ()>) -> Option<Vec<Ordered>> {
    let mut waiting: Vec<usize> = graph
        .node_indices()
        .map(|node| graph.neighbors_directed(node, Direction::Incoming).count())
        .collect();
    let rank = |node: NodeIndex| (matches!(graph[node], Ordered::Root(_)), node);
    let mut ready: BTreeSet<_> = graph
        .node_indices()
        .filter(|node| waiting[node.index()] == 0)
        .map(rank)
        .collect();
    let mut sorted = Vec::with_capacity(graph.node_count());
    while let Some((_, node)) = ready.pop_first() {
        sorted.push(graph[node]);
        for next in graph.neighbors_directed(node, Direction::Outgoing) {
            waiting[next.index()] -= 1;
            if waiting[next.index()] == 0 {
                ready.insert(rank(next));
            }
        }
    }
    (sorted.len() == graph.node_count()).then_some(sorted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook;

    /// Returns the ids in their order, of a runbook with the roots `infra` and `apps` and these steps.
    fn ordered(steps: &str) -> Vec<String> {
        let text = format!(
            "apiVersion: gitops-dr/v1\nkind: Runbook\nname: shop\ntarget: {{context: new}}\n\
             sources:\n  platform: {{git: \"https://git.example.com/p.git\", revision: main}}\n\
             agent: {{argocd: {{from: {{source: platform, path: argocd}}}}}}\n\
             roots:\n  - {{id: infra, source: platform, path: infra}}\n  - {{id: apps, source: platform, path: apps}}\n{steps}"
        );
        let (runbook, findings) = runbook::parse("shop.yaml", &text);
        let runbook = runbook.unwrap_or_else(|| panic!("{findings:?}"));
        let id = |ordered: Ordered| match ordered {
            Ordered::Root(index) => runbook.roots[index].id.clone(),
            Ordered::Extra(index) => runbook.steps[index].id.clone(),
        };
        order(&runbook).unwrap().into_iter().map(id).collect()
    }

    #[test]
    fn steps_keep_the_order_in_which_they_are_written() {
        let apply =
            |id: &str, place: &str| format!("  - {{id: {id}, {place}, apply: {{source: platform, path: {id}}}}}\n");
        for (steps, expected) in [
            (String::new(), "infra apps"),
            (
                format!(
                    "steps:\n{}{}",
                    apply("velero", "after: infra"),
                    apply("data", "after: infra, before: apps")
                ),
                "infra velero data apps",
            ),
            (
                format!(
                    "steps:\n{}{}{}",
                    apply("a", "after: apps"),
                    apply("b", "after: apps"),
                    apply("c", "after: apps")
                ),
                "infra apps a b c",
            ),
            (
                format!(
                    "steps:\n{}{}",
                    apply("second", "after: first"),
                    apply("first", "after: infra")
                ),
                "infra first second apps",
            ),
            (
                format!("steps:\n{}", apply("early", "before: infra")),
                "early infra apps",
            ),
        ] {
            assert_eq!(ordered(&steps).join(" "), expected, "{steps}");
        }
    }
}
