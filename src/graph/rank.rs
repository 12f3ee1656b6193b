//! Behind how many others in a row each node comes.

use petgraph::Direction;
use petgraph::algo::toposort;

use super::edge::When;
use super::lines::{Lines, Spot};
use super::model::Graph;
use super::node::{Node, NodeId, Standing};

impl Graph {
    /// Returns what apps bring, in as few ranks as their edges allow: each waits only for what is in earlier ranks, and none could be
    /// in an earlier one. Apps are in it, too. Within a rank they are sorted by cluster and identity.
    pub fn ranks(&self) -> Vec<Vec<NodeId>> {
        let mut ranks: Vec<Vec<NodeId>> = Vec::new();
        for (id, node) in self.nodes().filter(|(_, node)| is_brought(node)) {
            let rank = self.ranks[id.0];
            if ranks.len() <= rank {
                ranks.resize(rank + 1, Vec::new());
            }
            debug_assert!(is_brought(node));
            ranks[rank].push(id);
        }
        ranks
    }

    /// Returns the rank of a node: the number of its rank in [`Graph::ranks`]; that of what is there already is 0.
    pub fn rank(&self, node: NodeId) -> usize {
        self.ranks[node.0]
    }

    /// Returns what apps bring, in an order in which each comes after all that it waits for.
    pub fn order(&self) -> Vec<NodeId> {
        self.ranks().concat()
    }
}

/// Whether a restore brings a node, so that it takes a place in a chain.
pub(super) fn is_brought(node: &Node) -> bool {
    matches!(node.standing, Standing::App | Standing::Brought | Standing::Made)
}

/// Counts the ranks of nodes.
pub(super) fn count(lines: &Lines, nodes: &[Node]) -> Vec<usize> {
    let chains = chains(lines, |node| is_brought(&nodes[node.0]));
    let rank = |(number, node): (usize, &Node)| chains[number * 2].saturating_sub(usize::from(is_brought(node)));
    nodes.iter().enumerate().map(rank).collect()
}

/// Counts for each point how many nodes come in a row up to there, of those that are brought. Lines must be without circles; where
/// they are not, everything counts nothing.
pub(super) fn chains(lines: &Lines, is_brought: impl Fn(NodeId) -> bool) -> Vec<usize> {
    let mut chain = vec![0_usize; lines.node_count()];
    for point in toposort(lines, None).unwrap_or_default() {
        let before = lines
            .neighbors_directed(point, Direction::Incoming)
            .map(|before| chain[before.index()])
            .max();
        let before = before.unwrap_or_default();
        chain[point.index()] = match lines[point] {
            Spot::Node(node, When::Exists) => before + usize::from(is_brought(node)),
            Spot::Node(_, When::Healthy) | Spot::Gate(_) => before,
        };
    }
    chain
}
