//! Why something comes no earlier.

use std::collections::HashSet;

use petgraph::Direction;
use petgraph::visit::EdgeRef as _;

use super::edge::{Edge, When};
use super::lines::{Spot, point};
use super::model::Graph;
use super::node::{NodeId, Standing};
use super::rank::is_brought;
use super::reason::Reason;

/// More links than this are no explanation.
const LONGEST: usize = 64;

impl Graph {
    /// Returns what something waits for, one chain for each thing that it waits for itself: each link's `earlier` is the next one's
    /// `later`, down to what waits for nothing. A chain goes on with what comes last of several. For an app that is what its own
    /// objects wait for outside of it, too.
    pub fn why(&self, node: NodeId) -> Vec<Vec<Edge>> {
        let mut first = self.waits((node, When::Exists));
        first.extend(self.waits((node, When::Healthy)));
        if let Some(app) = self.apps.iter().find(|app| app.node == node) {
            let inside: HashSet<NodeId> = app.objects.iter().copied().chain([node]).collect();
            for object in app
                .objects
                .iter()
                .filter(|object| self.node(**object).standing != Standing::App)
            {
                let waits = [When::Exists, When::Healthy]
                    .into_iter()
                    .flat_map(|when| self.waits((*object, when)));
                first.extend(
                    waits.filter(|edge| !inside.contains(&edge.earlier.0) && !self.is_of(edge.earlier.0, node)),
                );
            }
        }
        first.retain(|edge| !matches!(edge.reason, Reason::Contains | Reason::KindOrder | Reason::Grows));
        first.retain(|edge| !self.is_there(edge.earlier.0));
        // That an app comes with the one above it says little beside what else it waits for; of an object it says where to look.
        let is_app = self.node(node).standing == Standing::App;
        if is_app && first.iter().any(|edge| edge.reason != Reason::PartOf) {
            first.retain(|edge| edge.reason != Reason::PartOf);
        }
        first.sort_by_key(|edge| (std::cmp::Reverse(self.rank(edge.earlier.0)), edge.clone()));
        let mut seen = HashSet::new();
        first.retain(|edge| seen.insert((edge.earlier, edge.reason.clone())));
        first.into_iter().map(|edge| self.chain(edge)).collect()
    }

    fn is_of(&self, node: NodeId, app: NodeId) -> bool {
        self.owners(node).contains(&app) && self.node(node).standing != Standing::App
    }

    /// Whether something is there before the first app, so that nobody waits for it.
    fn is_there(&self, node: NodeId) -> bool {
        let node = self.node(node);
        node.standing != Standing::Missing && !is_brought(node) && node.id.kind != "Step"
    }

    fn chain(&self, first: Edge) -> Vec<Edge> {
        let mut seen: HashSet<(NodeId, When)> = HashSet::from([first.later]);
        let mut chain = vec![first];
        while let Some(last) = chain.last().filter(|_| chain.len() < LONGEST) {
            let at = last.earlier;
            if !seen.insert(at) {
                break;
            }
            let mut waits = self.waits(at);
            if at.1 == When::Healthy {
                waits.extend(self.waits((at.0, When::Exists)));
            }
            waits.retain(|edge| edge.reason != Reason::Grows && !seen.contains(&edge.earlier));
            let next = waits.into_iter().max_by_key(|edge| {
                let weight = match edge.reason {
                    _ if self.is_there(edge.earlier.0) => 0,
                    Reason::KindOrder => 1,
                    _ => 2,
                };
                // Of equals the first.
                (weight, self.rank(edge.earlier.0), std::cmp::Reverse(edge.clone()))
            });
            let Some(next) = next else { break };
            chain.push(next);
        }
        chain
    }

    /// Returns what an event waits for.
    fn waits(&self, (node, when): (NodeId, When)) -> Vec<Edge> {
        let lines = self.lines.edges_directed(point(node, when), Direction::Incoming);
        lines.filter_map(|line| self.edge(line.id())).collect()
    }

    /// Returns what cannot come while something is lost: what waits for it, what waits for that, and so on. That the apps above it
    /// are not complete without it goes without saying, but what waits for these does count.
    pub fn held_back_by(&self, node: NodeId) -> HeldBack {
        let mut reached: HashSet<petgraph::graph::NodeIndex> = HashSet::new();
        let mut queue = vec![point(node, When::Exists)];
        while let Some(at) = queue.pop() {
            if reached.insert(at) {
                queue.extend(self.lines.neighbors_directed(at, Direction::Outgoing));
            }
        }
        let is_reached = |node: NodeId, when| reached.contains(&point(node, when));
        let is_part = |object: &NodeId| self.node(*object).standing != Standing::App && *object != node;
        let mut held = HeldBack::default();
        for app in self.apps.iter().filter(|app| app.node != node) {
            let by_object = || {
                app.objects
                    .iter()
                    .filter(|object| is_part(object))
                    .any(|object| is_reached(*object, When::Healthy))
            };
            if is_reached(app.node, When::Exists) || by_object() {
                held.apps.push(app.node);
            }
        }
        for (other, found) in self.nodes().filter(|(other, _)| *other != node) {
            let is_object = matches!(found.standing, Standing::Brought | Standing::Made);
            if is_object && is_reached(other, When::Healthy) {
                held.objects.push(other);
            }
        }
        held
    }

    /// Returns what nobody can tell: apps that cannot be looked into, and what is needed and comes from nowhere that is known.
    pub fn unknowns(&self) -> Vec<Unknown> {
        let apps = self.apps.iter().filter(|app| !app.unknown.is_empty());
        let apps = apps.map(|app| Unknown::App {
            node: app.node,
            reasons: app.unknown.clone(),
        });
        let missing = self.missing().map(|(node, _)| {
            let mut needed_by: Vec<Edge> = [When::Exists, When::Healthy]
                .into_iter()
                .flat_map(|when| self.lines.edges_directed(point(node, when), Direction::Outgoing))
                .filter_map(|line| match self.lines[line.target()] {
                    Spot::Node(other, _) if other != node => self.edge(line.id()),
                    _ => None,
                })
                .collect();
            needed_by.sort();
            Unknown::Missing { node, needed_by }
        });
        apps.chain(missing).collect()
    }
}

/// What the loss of something holds back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeldBack {
    /// The apps of which something cannot come.
    pub apps: Vec<NodeId>,
    /// The objects that cannot come, or cannot be well.
    pub objects: Vec<NodeId>,
}

/// Something that nobody can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unknown {
    /// What an app brings.
    App {
        /// The app.
        node: NodeId,
        /// Why.
        reasons: Vec<String>,
    },
    /// Where something comes from that others need.
    Missing {
        /// What is needed.
        node: NodeId,
        /// Who needs it, and where that is written.
        needed_by: Vec<Edge>,
    },
}
