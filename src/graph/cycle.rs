//! What waits in a circle: found, told, and cut where it gives way first.

use std::collections::{HashMap, HashSet, VecDeque};

use petgraph::algo::tarjan_scc;
use petgraph::graph::{EdgeIndex, NodeIndex};
use petgraph::visit::{EdgeFiltered, EdgeRef as _};

use super::edge::{Edge, Firmness};
use super::lines::{Line, Lines, Spot};
use super::model::hardness;
use super::node::Place;

/// Rounds of looking for circles one by one. A platform with more of them has one mistake in a template, or means us no good.
const ROUNDS: usize = 64;
/// From how many points of a tangle the shortest circle is looked for.
const STARTS: usize = 200;

/// Things that wait for each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    /// The shortest way round: each edge's `earlier` is the next one's `later`, and the last leads back to the first.
    pub links: Vec<Edge>,
    /// Which of them gives way first, by its place in `links`: one that a condition may spare, then a wave, then what is written in
    /// the sources. The graph goes on without it.
    pub weakest: usize,
}

/// What was cut.
#[derive(Debug, Default)]
pub(super) struct Cuts {
    pub(super) cycles: Vec<Cycle>,
    pub(super) dropped: Vec<Edge>,
}

/// Cuts all circles.
pub(super) fn cut(lines: &mut Lines, places: &[Place]) -> Cuts {
    let (mut cuts, mut broken) = (Cuts::default(), HashSet::new());
    for round in 0..=ROUNDS {
        let tangles = tangles(lines, &broken);
        if tangles.is_empty() {
            break;
        }
        for tangle in tangles {
            if round == ROUNDS {
                broken.extend(unravelled(lines, &tangle, &broken));
                continue;
            }
            let way = shortest(lines, &tangle, &broken);
            let weakest = way.iter().copied().min_by_key(|line| {
                let weight = &lines[*line];
                (hardness(&weight.reason, weight.firmness), line.index())
            });
            let Some(weakest) = weakest else { continue };
            broken.insert(weakest);
            let circle = as_edges(lines, places, &way);
            let at = circle
                .iter()
                .position(|(line, _)| *line == weakest)
                .unwrap_or_else(|| easiest(&circle));
            let mut circle: Vec<Edge> = circle.into_iter().map(|(_, edge)| edge).collect();
            if lines[weakest].firmness == Firmness::Optional && at < circle.len() {
                cuts.dropped.push(circle.swap_remove(at));
            } else if !circle.is_empty() {
                cuts.cycles.push(Cycle {
                    links: circle,
                    weakest: at,
                });
            }
        }
    }
    if !broken.is_empty() {
        lines.retain_edges(|_, line| !broken.contains(&line));
    }
    cuts
}

fn easiest(circle: &[(EdgeIndex, Edge)]) -> usize {
    let by_hardness = |(_, (_, edge)): &(usize, &(EdgeIndex, Edge))| hardness(&edge.reason, edge.firmness);
    circle
        .iter()
        .enumerate()
        .min_by_key(by_hardness)
        .map_or(0, |(at, _)| at)
}

/// Returns the sets of points from each of which every other one of the set can be reached.
fn tangles(lines: &Lines, broken: &HashSet<EdgeIndex>) -> Vec<Vec<NodeIndex>> {
    let whole = EdgeFiltered::from_fn(lines, |edge| broken.is_empty() || !broken.contains(&edge.id()));
    let mut tangles: Vec<Vec<NodeIndex>> = tarjan_scc(&whole).into_iter().filter(|set| set.len() > 1).collect();
    for tangle in &mut tangles {
        tangle.sort_unstable();
    }
    tangles.sort_unstable();
    tangles
}

/// Returns the lines of the shortest circle in a tangle; of several the one that begins first. In a very large tangle it is a short
/// one.
fn shortest(lines: &Lines, tangle: &[NodeIndex], broken: &HashSet<EdgeIndex>) -> Vec<EdgeIndex> {
    let inside: HashSet<NodeIndex> = tangle.iter().copied().collect();
    let mut best: Vec<EdgeIndex> = Vec::new();
    for start in tangle.iter().take(STARTS) {
        let mut came_by: HashMap<NodeIndex, EdgeIndex> = HashMap::new();
        let mut queue = VecDeque::from([(*start, 0)]);
        'search: while let Some((at, length)) = queue.pop_front() {
            if !best.is_empty() && length + 1 >= best.len() {
                break;
            }
            let mut onward: Vec<_> = lines.edges(at).filter(|edge| !broken.contains(&edge.id())).collect();
            onward.sort_unstable_by_key(petgraph::visit::EdgeRef::id);
            for edge in onward {
                let next = edge.target();
                if !inside.contains(&next) || came_by.contains_key(&next) {
                    continue;
                }
                came_by.insert(next, edge.id());
                if next == *start {
                    best = way_back(lines, &came_by, *start);
                    break 'search;
                }
                queue.push_back((next, length + 1));
            }
        }
    }
    best
}

fn way_back(lines: &Lines, came_by: &HashMap<NodeIndex, EdgeIndex>, start: NodeIndex) -> Vec<EdgeIndex> {
    let (mut way, mut at) = (Vec::new(), start);
    while let Some(line) = came_by.get(&at) {
        way.push(*line);
        at = lines.edge_endpoints(*line).map_or(start, |(from, _)| from);
        if at == start {
            break;
        }
    }
    way
}

/// Returns a circle as edges between nodes, each with the line that it stands for. The lines come as they were walked back: each
/// one's source is the next one's target.
fn as_edges(lines: &Lines, places: &[Place], way: &[EdgeIndex]) -> Vec<(EdgeIndex, Edge)> {
    // Begin at a node, so that what goes through a gate is one edge.
    let ends_at_node = |line: &EdgeIndex| {
        lines
            .edge_endpoints(*line)
            .is_some_and(|(_, to)| matches!(lines[to], Spot::Node(..)))
    };
    let Some(begin) = way.iter().position(ends_at_node) else {
        return Vec::new();
    };
    let mut circle = Vec::new();
    let mut open: Option<(EdgeIndex, (super::node::NodeId, super::edge::When), Line)> = None;
    for line in way[begin..].iter().chain(&way[..begin]) {
        let Some((from, to)) = lines.edge_endpoints(*line) else {
            continue;
        };
        if let Spot::Node(node, when) = lines[to] {
            open = Some((*line, (node, when), lines[*line].clone()));
        }
        if let (Spot::Node(node, when), Some((line, later, weight))) = (lines[from], open.clone()) {
            // That something is well only when it is there says nothing to anybody.
            if later.0 != node {
                let edge = Edge {
                    later,
                    earlier: (node, when),
                    reason: weight.reason,
                    firmness: weight.firmness,
                    place: places[weight.place].clone(),
                };
                circle.push((line, edge));
            }
            open = None;
        }
    }
    circle
}

/// Returns lines without which a tangle has no circle left, by force: all that give way, and then all that lead back.
fn unravelled(lines: &Lines, tangle: &[NodeIndex], broken: &HashSet<EdgeIndex>) -> Vec<EdgeIndex> {
    let inside: HashSet<NodeIndex> = tangle.iter().copied().collect();
    let within = tangle
        .iter()
        .flat_map(|from| lines.edges(*from))
        .filter(|edge| inside.contains(&edge.target()));
    let whole = within.filter(|edge| !broken.contains(&edge.id()));
    let gives_way = |line: &Line| hardness(&line.reason, line.firmness) <= 2;
    // The points of a node are in the order in which it happens, so that what leads forward cannot make a circle.
    whole
        .filter(|edge| gives_way(edge.weight()) || edge.source() >= edge.target())
        .map(|edge| edge.id())
        .collect()
}
