//! In which order a set of objects is applied that we bring ourselves.

use super::build::Sorted;
use super::draft::Draft;
use super::edge::When;
use super::edges::SET_ROWS;
use super::input::Known;
use super::lines::point;
use super::rank::chains;
use super::whole::Whole;
use crate::object::Manifest;

/// Returns the objects, by their index, in ranks: each object needs only what is in earlier ranks, and no rank could be left out.
/// Within a rank they keep their order.
///
/// Objects that need a namespace and name none are taken to be in `namespace`. What is not in the set is taken to be there.
pub fn ranks(manifests: &[Manifest], namespace: &str) -> Vec<Vec<usize>> {
    let known = Known::default();
    let whole = Whole::of_set(manifests, namespace, &known);
    let mut draft = Draft::default();
    for row in SET_ROWS {
        (row.draw)(&whole, &mut draft);
    }
    let sorted = Sorted::new(&whole, draft);
    let (lines, _) = sorted.lines(&whole);
    let chains = chains(&lines, |node| sorted.is_brought(node));
    let mut ranks: Vec<Vec<usize>> = Vec::new();
    for index in 0..manifests.len() {
        let rank = chains[point(sorted.node(index), When::Exists).index()].saturating_sub(1);
        if ranks.len() <= rank {
            ranks.resize(rank + 1, Vec::new());
        }
        ranks[rank].push(index);
    }
    ranks
}

#[cfg(test)]
#[path = "set_tests.rs"]
mod tests;
