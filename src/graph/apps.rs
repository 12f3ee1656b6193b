//! The apps alone: which of them waits for which, and why.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use petgraph::Direction;
use petgraph::algo::{tarjan_scc, toposort};
use petgraph::graph::{DiGraph, EdgeIndex, NodeIndex};
use petgraph::visit::EdgeRef as _;

use super::edge::{Edge, Firmness, When};
use super::kinds::EXTENSIONS;
use super::lines::Spot;
use super::model::Graph;
use super::node::{NodeId, Standing};

/// The apps of a graph, and what waits for what among them.
#[derive(Debug, Clone)]
pub struct Apps {
    /// The apps in the order of [`Graph::apps`], and after them the joints: there many wait for the same many others.
    pub spots: Vec<AppSpot>,
    /// What waits for what, sorted.
    pub lines: Vec<AppLine>,
    /// Of each spot in which column it comes: an app one after all that it waits for and after its parent, a joint with the first that
    /// waits for it.
    pub ranks: Vec<usize>,
    /// Apps that wait for each other, each for some objects of the other; they can only come together.
    pub together: Vec<Vec<NodeId>>,
}

/// An app, or a joint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AppSpot {
    /// An app.
    App(NodeId),
    /// A point where many wait for many, such as a wave.
    Joint,
}

/// That one app waits for another, or both for or through a joint. The numbers are places in [`Apps::spots`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppLine {
    /// What comes first.
    pub earlier: usize,
    /// What waits.
    pub later: usize,
    /// Whether it waits until the other is well as a whole, and not only for some of its objects to be there.
    pub until_well: bool,
    /// Whether it cannot begin before, or only cannot be well.
    pub holds_back: When,
    /// The first of the edges between their objects; for a line to or from a joint one that goes through it.
    pub edge: Edge,
    /// How many edges there are.
    pub count: usize,
}

impl Graph {
    /// Returns which app waits for which. That an app waits for its parent goes without saying.
    pub fn app_lines(&self) -> Apps {
        let mut drawn = Drawn::new(self);
        drawn.flows();
        drawn.ends();
        drawn.into_apps()
    }

    /// Returns the apps above an app.
    pub(super) fn above(&self) -> HashMap<NodeId, BTreeSet<NodeId>> {
        let parents: HashMap<NodeId, Option<NodeId>> = self.apps.iter().map(|app| (app.node, app.parent)).collect();
        let above = |app: NodeId| {
            let (mut above, mut at) = (BTreeSet::new(), app);
            while let Some(parent) = parents.get(&at).copied().flatten() {
                if !above.insert(parent) {
                    break;
                }
                at = parent;
            }
            above
        };
        self.apps.iter().map(|app| (app.node, above(app.node))).collect()
    }
}

/// What flows through a gate: the apps whose objects it waits for.
#[derive(Debug, Clone, Copy)]
struct Flow {
    spot: usize,
    /// What is waited for there.
    earlier: (NodeId, When),
}

struct Drawn<'g> {
    graph: &'g Graph,
    spots: Vec<AppSpot>,
    number: HashMap<NodeId, usize>,
    above: HashMap<NodeId, BTreeSet<NodeId>>,
    flow: HashMap<NodeIndex, Flow>,
    lines: BTreeMap<(usize, usize, When), AppLine>,
}

impl<'g> Drawn<'g> {
    fn new(graph: &'g Graph) -> Self {
        let spots: Vec<AppSpot> = graph.apps.iter().map(|app| AppSpot::App(app.node)).collect();
        Self {
            number: graph
                .apps
                .iter()
                .enumerate()
                .map(|(spot, app)| (app.node, spot))
                .collect(),
            above: graph.above(),
            flow: HashMap::new(),
            lines: BTreeMap::new(),
            graph,
            spots,
        }
    }

    /// Whether others flow through a point: through a gate, and through a step of the runbook.
    fn passes(&self, point: NodeIndex) -> bool {
        match self.graph.lines[point] {
            Spot::Gate(_) => true,
            Spot::Node(node, _) => {
                let node = self.graph.node(node);
                node.standing == Standing::Runbook && node.id.kind == "Step"
            }
        }
    }

    /// Returns what one waits for who waits for a point.
    fn sources(&self, point: NodeIndex) -> Vec<Flow> {
        if self.passes(point) {
            return self.flow.get(&point).copied().into_iter().collect();
        }
        let Spot::Node(node, when) = self.graph.lines[point] else {
            return Vec::new();
        };
        let owners = self.graph.owners(node).iter().filter_map(|app| self.number.get(app));
        owners
            .map(|spot| Flow {
                spot: *spot,
                earlier: (node, when),
            })
            .collect()
    }

    /// Finds what flows through each gate. Where that is more than one app the gate becomes a joint.
    fn flows(&mut self) {
        for point in toposort(&self.graph.lines, None).unwrap_or_default() {
            if !self.passes(point) {
                continue;
            }
            // The objects of the very app whose sync this is are on both sides.
            let own = match self.graph.lines[point] {
                Spot::Gate(Some(app)) => self.number.get(&app).copied(),
                _ => None,
            };
            let mut coming: BTreeMap<usize, (Flow, EdgeIndex)> = BTreeMap::new();
            let before = self.graph.lines.edges_directed(point, Direction::Incoming);
            let mut before: Vec<(EdgeIndex, NodeIndex)> = before.map(|line| (line.id(), line.source())).collect();
            before.sort_unstable();
            for (line, source) in before {
                for flow in self.sources(source).into_iter().filter(|flow| Some(flow.spot) != own) {
                    coming.entry(flow.spot).or_insert((flow, line));
                }
            }
            match coming.len() {
                0 => {}
                1 => {
                    let only = coming.into_values().next().map(|(flow, _)| flow);
                    self.flow.extend(only.map(|flow| (point, flow)));
                }
                _ => self.join(point, coming),
            }
        }
    }

    fn join(&mut self, point: NodeIndex, coming: BTreeMap<usize, (Flow, EdgeIndex)>) {
        let spot = self.spots.len();
        self.spots.push(AppSpot::Joint);
        let mut earlier = None;
        for (flow, line) in coming.into_values() {
            earlier = Some(flow.earlier);
            self.line(flow, spot, flow.earlier, line, When::Exists);
        }
        self.flow.extend(earlier.map(|earlier| (point, Flow { spot, earlier })));
    }

    /// Draws the lines to the apps.
    fn ends(&mut self) {
        for line in self.graph.lines.edge_indices() {
            let Some((source, target)) = self.graph.lines.edge_endpoints(line) else {
                continue;
            };
            let Spot::Node(node, when) = self.graph.lines[target] else {
                continue;
            };
            if self.graph.lines[line].reason.is_structure() || self.passes(target) {
                continue;
            }
            let flows = self.sources(source);
            if flows.is_empty() {
                continue;
            }
            let owners: Vec<NodeId> = self.graph.owners(node).to_vec();
            for app in owners {
                let Some(spot) = self.number.get(&app).copied() else {
                    continue;
                };
                for flow in &flows {
                    if !self.is_related(flow.spot, spot) {
                        self.line(*flow, spot, (node, when), line, when);
                    }
                }
            }
        }
    }

    /// Whether two spots are the same app, or one is above the other.
    fn is_related(&self, one: usize, other: usize) -> bool {
        let (AppSpot::App(first), AppSpot::App(second)) = (self.spots[one], self.spots[other]) else {
            return one == other;
        };
        let is_above = |below: NodeId, above: NodeId| self.above.get(&below).is_some_and(|all| all.contains(&above));
        first == second || is_above(first, second) || is_above(second, first)
    }

    fn line(&mut self, flow: Flow, later: usize, waits: (NodeId, When), line: EdgeIndex, holds_back: When) {
        let weight = &self.graph.lines[line];
        let drawn = AppLine {
            earlier: flow.spot,
            later,
            until_well: self.is_whole(flow),
            holds_back,
            edge: Edge {
                later: waits,
                earlier: flow.earlier,
                reason: weight.reason.clone(),
                firmness: weight.firmness,
                place: self.graph.places[weight.place].clone(),
            },
            count: 1,
        };
        let key = (flow.spot, later, holds_back);
        let Some(known) = self.lines.get_mut(&key) else {
            self.lines.insert(key, drawn);
            return;
        };
        let count = known.count + 1;
        let weight = |line: &AppLine| (line.until_well, line.edge.firmness);
        if weight(&drawn) > weight(known) {
            *known = drawn;
        }
        known.count = count;
    }

    /// Whether an app has to be well for something of it to happen: that objects of it are there, and CRDs served, is soon so.
    fn is_whole(&self, flow: Flow) -> bool {
        if self.spots[flow.spot] == AppSpot::Joint {
            return true;
        }
        let node = self.graph.node(flow.earlier.0);
        node.standing == Standing::Made || (flow.earlier.1 == When::Healthy && node.id.group != EXTENSIONS)
    }

    fn into_apps(self) -> Apps {
        // What leads nowhere and comes from nowhere is no joint.
        let mut lines: Vec<AppLine> = self.lines.into_values().collect();
        loop {
            let used: HashSet<usize> = lines.iter().map(|line| line.earlier).collect();
            let before = lines.len();
            lines.retain(|line| self.spots[line.later] != AppSpot::Joint || used.contains(&line.later));
            if lines.len() == before {
                break;
            }
        }
        let used: BTreeSet<usize> = lines.iter().flat_map(|line| [line.earlier, line.later]).collect();
        let is_kept = |spot: &usize| self.spots[*spot] != AppSpot::Joint || used.contains(spot);
        let kept: Vec<usize> = (0..self.spots.len()).filter(is_kept).collect();
        let number: HashMap<usize, usize> = kept.iter().enumerate().map(|(new, old)| (*old, new)).collect();
        for line in &mut lines {
            (line.earlier, line.later) = (number[&line.earlier], number[&line.later]);
        }
        let spots: Vec<AppSpot> = kept.into_iter().map(|spot| self.spots[spot]).collect();
        let (ranks, together) = ranked(&spots, &lines, self.graph);
        Apps {
            spots,
            lines,
            ranks,
            together,
        }
    }
}

/// Returns the column of each spot, and the apps that wait for each other.
fn ranked(spots: &[AppSpot], lines: &[AppLine], graph: &Graph) -> (Vec<usize>, Vec<Vec<NodeId>>) {
    let mut simple: DiGraph<(), ()> = DiGraph::new();
    for _ in spots {
        simple.add_node(());
    }
    let number: HashMap<NodeId, usize> = graph
        .apps
        .iter()
        .enumerate()
        .map(|(spot, app)| (app.node, spot))
        .collect();
    for (spot, app) in graph.apps.iter().enumerate() {
        if let Some(parent) = app.parent.and_then(|parent| number.get(&parent)) {
            simple.add_edge(NodeIndex::new(*parent), NodeIndex::new(spot), ());
        }
    }
    // What is only a good order, and leads in a circle between apps though not between their objects, does not bind apps together.
    for line in lines.iter().filter(|line| line.edge.firmness > Firmness::Optional) {
        simple.add_edge(NodeIndex::new(line.earlier), NodeIndex::new(line.later), ());
    }
    let tangles = tarjan_scc(&simple);
    let mut rank = vec![0; spots.len()];
    for tangle in tangles.iter().rev() {
        let before = tangle
            .iter()
            .flat_map(|spot| simple.neighbors_directed(*spot, Direction::Incoming));
        let outside = before.filter(|before| !tangle.contains(before));
        let column = outside
            .map(|before| rank[before.index()] + usize::from(spots[before.index()] != AppSpot::Joint))
            .max();
        for spot in tangle {
            rank[spot.index()] = column.unwrap_or_default();
        }
    }
    let mut together: Vec<Vec<NodeId>> = tangles
        .iter()
        .map(|tangle| {
            let mut apps: Vec<NodeId> = tangle
                .iter()
                .filter_map(|spot| match spots[spot.index()] {
                    AppSpot::App(node) => Some(node),
                    AppSpot::Joint => None,
                })
                .collect();
            apps.sort_unstable();
            apps
        })
        .filter(|apps| apps.len() > 1)
        .collect();
    together.sort_unstable();
    (rank, together)
}
