//! The order of roots and steps: each has a name of its own and a place, and no circle leads through them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;

use super::super::tree::{Node, Span};
use super::Check;

impl Check<'_> {
    /// Checks the order of roots and steps.
    pub(super) fn order(&mut self) {
        let roots: Vec<_> = self.root.list("roots").iter().filter_map(id).collect();
        let steps: Vec<_> = self.root.list("steps").iter().filter_map(id).collect();
        self.twice(
            "runbook/duplicate-id",
            "roots or steps",
            roots.iter().chain(&steps).copied(),
            "give each an `id` of its own",
        );
        for step in self.root.list("steps") {
            if let Some((id, span)) = id(step)
                && step.get("after").is_none()
                && step.get("before").is_none()
            {
                self.error(
                    "runbook/unplaced-step",
                    span,
                    format!("the step `{id}` has no place in the order"),
                    "say `after` or `before` which root or step it comes".to_owned(),
                );
            }
        }
        // Where two have one name, an order by name means nothing.
        if roots
            .iter()
            .chain(&steps)
            .map(|(name, _)| name)
            .collect::<BTreeSet<_>>()
            .len()
            == roots.len() + steps.len()
        {
            self.circles(&roots);
        }
    }

    /// Reports each circle once, at the first reference that is part of it.
    fn circles(&mut self, roots: &[(&str, Span)]) {
        let mut order: DiGraphMap<&str, ()> = DiGraphMap::new();
        for pair in roots.windows(2) {
            order.add_edge(pair[0].0, pair[1].0, ());
        }
        // Which reference says so.
        let mut said: BTreeMap<(&str, &str), Span> = BTreeMap::new();
        for step in self.root.list("steps") {
            let Some((id, _)) = id(step) else { continue };
            for key in ["after", "before"] {
                let Some(other) = step.get(key) else { continue };
                let Some(name) = other.text() else { continue };
                let edge = if key == "after" { (name, id) } else { (id, name) };
                order.add_edge(edge.0, edge.1, ());
                said.entry(edge).or_insert(other.span);
            }
        }
        for circle in tarjan_scc(&order) {
            let inside = |name: &str| circle.contains(&name);
            let turns = circle.len() > 1 || circle.iter().any(|name| order.contains_edge(name, name));
            let place = said
                .iter()
                .filter(|((from, to), _)| inside(from) && inside(to))
                .map(|(_, span)| *span)
                .min();
            if let (true, Some(place)) = (turns, place) {
                let mut way = circle.clone();
                // The components come out against their edges.
                way.reverse();
                let start = way.first().copied().unwrap_or_default();
                let way = walk(&order, start, &way);
                self.error(
                    "runbook/circle",
                    place,
                    format!("the order goes round in a circle: {}", way.join(" → ")),
                    "roots come in the order in which they are written".to_owned(),
                );
            }
        }
    }
}

/// Returns the id of a root or step and its place.
fn id(item: &Node) -> Option<(&str, Span)> {
    let id = item.get("id")?;
    Some((id.text()?, id.span))
}

/// Returns the shortest way from a name back to itself, inside a component.
fn walk<'name>(order: &DiGraphMap<&'name str, ()>, start: &'name str, inside: &[&'name str]) -> Vec<&'name str> {
    let mut ways = VecDeque::from([vec![start]]);
    let mut seen = Vec::new();
    while let Some(way) = ways.pop_front() {
        let Some(last) = way.last().copied() else { continue };
        for next in order.neighbors(last).filter(|next| inside.contains(next)) {
            let mut longer = way.clone();
            longer.push(next);
            if next == start {
                return longer;
            }
            if !seen.contains(&next) {
                seen.push(next);
                ways.push_back(longer);
            }
        }
    }
    vec![start]
}
