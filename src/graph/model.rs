//! The graph, and what it is asked first.

use super::cycle::Cycle;
use super::edge::{Edge, Firmness, When};
use super::lines::{Lines, Spot};
use super::node::{Node, NodeId, Place, Standing};
use super::reason::Reason;
use crate::object::ObjectRef;

/// What stands on what in a whole platform.
///
/// Every object, and every app, has two events: it *exists*, and it is *healthy*. An edge says that an event of one may happen only
/// after an event of another. What waits in a circle has been cut where it gives way first, and that is told.
#[derive(Debug)]
pub struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) apps: Vec<AppFacts>,
    pub(super) places: Vec<Place>,
    /// Without circles.
    pub(super) lines: Lines,
    pub(super) cycles: Vec<Cycle>,
    pub(super) dropped: Vec<Edge>,
    /// Of each node, behind how many others in a row it comes.
    pub(super) ranks: Vec<usize>,
}

/// What is known of an app besides its node.
#[derive(Debug, Clone)]
pub struct AppFacts {
    /// The app.
    pub node: NodeId,
    /// The app that brings it; `None` for a root.
    pub parent: Option<NodeId>,
    /// The cluster that its objects go to; empty for the target.
    pub cluster: String,
    /// Its own objects, child apps among them.
    pub objects: Vec<NodeId>,
    /// Why nobody knows what it brings; empty where it is known.
    pub unknown: Vec<String>,
}

impl Graph {
    /// Returns all nodes, by cluster and identity.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes
            .iter()
            .enumerate()
            .map(|(number, node)| (NodeId(number), node))
    }

    /// Returns a node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// Finds an object on a cluster; the target where it is empty.
    pub fn find(&self, cluster: &str, id: &ObjectRef) -> Option<NodeId> {
        // They are sorted by just that.
        let found = self
            .nodes
            .binary_search_by(|node| (node.cluster.as_str(), &node.id).cmp(&(cluster, id)));
        found.ok().map(NodeId)
    }

    /// Returns the apps, by cluster and identity.
    pub fn apps(&self) -> &[AppFacts] {
        &self.apps
    }

    /// Returns what waits for what, with its gates left out: what goes through one waits for the gate's own sources, of which the
    /// first stands for all. Circles have been cut.
    pub fn edges(&self) -> impl Iterator<Item = Edge> {
        self.lines.edge_indices().filter_map(|line| self.edge(line))
    }

    /// Returns the circles that are more than a good order gone too far: what the platform would wait for for ever, or nearly so.
    pub fn cycles(&self) -> &[Cycle] {
        &self.cycles
    }

    /// Returns the good orders that were given up because they were part of a circle.
    pub fn dropped(&self) -> &[Edge] {
        &self.dropped
    }

    /// Returns the nodes that more than one app brings, which no agent bears for long.
    pub fn doubled(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes()
            .filter(|(_, node)| node.standing == Standing::Brought && node.apps.len() > 1)
    }

    /// Returns what is needed and what nothing that is known brings.
    pub fn missing(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes().filter(|(_, node)| node.standing == Standing::Missing)
    }

    pub(super) fn edge(&self, line: petgraph::graph::EdgeIndex) -> Option<Edge> {
        let (from, to) = self.lines.edge_endpoints(line)?;
        let Spot::Node(later, when) = self.lines[to] else {
            return None;
        };
        let weight = &self.lines[line];
        Some(Edge {
            later: (later, when),
            earlier: self.real(from)?,
            reason: weight.reason.clone(),
            firmness: weight.firmness,
            place: self.places[weight.place].clone(),
        })
    }

    /// Returns the point itself, or what the gate there waits for and comes last of all.
    pub(super) fn real(&self, mut point: petgraph::graph::NodeIndex) -> Option<(NodeId, When)> {
        loop {
            match self.lines[point] {
                Spot::Node(node, when) => return Some((node, when)),
                Spot::Gate(_) => {
                    let before = self.lines.neighbors_directed(point, petgraph::Direction::Incoming);
                    point = before.max_by_key(|point| (self.lateness(*point), std::cmp::Reverse(point.index())))?;
                }
            }
        }
    }

    /// Returns how late a point is, to choose among several; a gate as its number says, which is no earlier than what it waits for.
    fn lateness(&self, point: petgraph::graph::NodeIndex) -> (usize, When) {
        match self.lines[point] {
            Spot::Node(node, when) => (self.ranks[node.0], when),
            Spot::Gate(_) => (0, When::Exists),
        }
    }

    /// Returns the app that a node is, or those that bring it.
    pub(super) fn owners(&self, node: NodeId) -> &[NodeId] {
        &self.nodes[node.0].apps
    }
}

/// How hard it is to do without a wait: what gives way first is first.
pub(super) fn hardness(reason: &Reason, firmness: Firmness) -> u8 {
    match (firmness, reason) {
        (Firmness::Optional, _) => 0,
        (Firmness::Conditional, _) => 1,
        (_, reason) if reason.is_sync_order() => 2,
        (_, Reason::Runbook | Reason::DependsOn) => 3,
        (_, reason) if reason.is_structure() => 5,
        _ => 4,
    }
}
