//! Where the runbook's own steps go between the roots.

use petgraph::algo::toposort;
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
/// one that names nothing after all roots. Where that leaves a choice, the order of the runbook decides.
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
    let sorted = toposort(&graph, None).ok()?;
    Some(sorted.into_iter().map(|node| graph[node]).collect())
}
