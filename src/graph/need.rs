//! What an app needs of others before it can come, and be well, as a whole.

use std::collections::{BTreeMap, HashSet};

use petgraph::Direction;
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef as _;

use super::edge::When;
use super::lines::{Spot, point};
use super::model::{AppFacts, Graph};
use super::node::{NodeId, Place};
use super::reason::Reason;

/// Something outside of an app that the app needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// What is needed.
    pub node: NodeId,
    /// Why.
    pub reason: Reason,
    /// Where that is written.
    pub place: Place,
}

impl Graph {
    /// Returns what an app needs that is not its own: for its objects to be there and well, and for its own turn in the syncs that it
    /// comes with. Each node once, sorted. The order of kinds within a wave is no need.
    ///
    /// `is_passed` says of an app that it only holds others together: what waits for it waits for what it holds.
    pub fn needs(&self, app: &AppFacts, is_passed: impl Fn(NodeId) -> bool) -> Vec<Need> {
        let mut walk = Walk {
            graph: self,
            own: app.objects.iter().copied().chain([app.node]).collect(),
            app: app.node,
            is_passed: &is_passed,
            seen: HashSet::new(),
            queue: vec![(point(app.node, When::Exists), Way::All)],
            found: BTreeMap::new(),
        };
        for object in &app.objects {
            let both = [When::Exists, When::Healthy].map(|when| (point(*object, when), Way::All));
            walk.queue.extend(both);
        }
        walk.on();
        walk.found.into_values().collect()
    }
}

/// What is followed back from a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Way {
    /// All that it waits for.
    All,
    /// Of an app above: what orders it, and not what else it needs for a sync of its own.
    Turn,
}

struct Walk<'g> {
    graph: &'g Graph,
    own: HashSet<NodeId>,
    app: NodeId,
    is_passed: &'g dyn Fn(NodeId) -> bool,
    seen: HashSet<(NodeIndex, Way)>,
    queue: Vec<(NodeIndex, Way)>,
    found: BTreeMap<NodeId, Need>,
}

impl Walk<'_> {
    fn on(&mut self) {
        let graph = self.graph;
        while let Some((at, way)) = self.queue.pop() {
            if !self.seen.insert((at, way)) {
                continue;
            }
            for line in graph.lines.edges_directed(at, Direction::Incoming) {
                let reason = &line.weight().reason;
                let orders = matches!(
                    reason,
                    Reason::PartOf | Reason::Phase(_) | Reason::Wave(_) | Reason::Runbook
                );
                if *reason == Reason::KindOrder || (way == Way::Turn && !orders) {
                    continue;
                }
                match graph.lines[line.source()] {
                    Spot::Gate(_) => self.queue.push((line.source(), Way::All)),
                    Spot::Node(node, _) if self.is_own(node) => {}
                    Spot::Node(node, _) if (self.is_passed)(node) => {
                        let is_above = matches!(reason, Reason::PartOf | Reason::Grows);
                        let way = if is_above { Way::Turn } else { Way::All };
                        self.queue.push((line.source(), way));
                    }
                    Spot::Node(node, _) => {
                        let need = Need {
                            node,
                            reason: reason.clone(),
                            place: graph.places[line.weight().place].clone(),
                        };
                        // Of several reasons the first is told, in whatever order they are met.
                        let known = self.found.entry(node).or_insert_with(|| need.clone());
                        if need < *known {
                            *known = need;
                        }
                    }
                }
            }
        }
    }

    /// Whether it is the app itself, one of its objects, or made by one of these.
    fn is_own(&self, node: NodeId) -> bool {
        self.own.contains(&node) || self.graph.owners(node).contains(&self.app)
    }
}
