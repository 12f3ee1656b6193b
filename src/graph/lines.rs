//! The graph of what happens, as petgraph holds it: two points for each node, and one for each gate.

use petgraph::graph::{DiGraph, NodeIndex};

use super::edge::{Firmness, When};
use super::node::NodeId;
use super::reason::Reason;

/// A point of the graph: something that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spot {
    /// To a node.
    Node(NodeId, When),
    /// Many things have happened together; the app that they are about, where the gate is one of a sync.
    Gate(Option<NodeId>),
}

/// A line from what happens earlier to what happens later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) reason: Reason,
    pub(super) firmness: Firmness,
    /// Its number in the graph's list of places.
    pub(super) place: usize,
}

/// Points and lines.
pub(super) type Lines = DiGraph<Spot, Line>;

/// Returns the point of a node. The points of nodes come first, two each, so this is arithmetic.
pub(super) fn point(node: NodeId, when: When) -> NodeIndex {
    NodeIndex::new(node.0 * 2 + usize::from(when == When::Healthy))
}
