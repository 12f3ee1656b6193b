//! What can be foreseen of a restore: the order of its apps, how long it takes, and what waits for what.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::text::{ALL, SHOWN};
use super::zero::is_told;
use super::{Remark, Took};
use crate::graph::{Cycle, Edge, Forecast, Graph, Node, NodeId, Seen, Timeline, Unknown};
use crate::rto;

/// What can be foreseen.
#[derive(Debug)]
pub struct Foresight {
    /// What waits for what.
    pub graph: Arc<Graph>,
    /// When each app is expected.
    pub timeline: Timeline,
    /// Of how many apps earlier runs tell how long they take, and how many there are; of the others it is guessed.
    pub measured: (usize, usize),
}

/// How many turns, or links of a chain, are shown.
const TURNS: usize = 12;
/// How many circles, or groups of apps that wait for each other, are shown: each is several lines, or a long one.
const FEW: usize = 3;

/// Whether one of a long row is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Yes,
    No,
    /// In its place stands how many are not.
    Instead(usize),
}

/// Shows both ends of a row that is too long.
fn between(number: usize, all: usize, room: usize) -> Shown {
    let (first, more) = (room / 2, all.saturating_sub(room));
    if more <= 1 || number < first || number >= first + more {
        Shown::Yes
    } else if number == first {
        Shown::Instead(more)
    } else {
        Shown::No
    }
}

impl Foresight {
    /// Makes it from a graph and from how an earlier run went.
    pub fn new(graph: Arc<Graph>, took: &Took) -> Self {
        let forecast = Forecast::new(Arc::clone(&graph), |node| took.seen(&graph, node));
        Self {
            timeline: forecast.timeline(|_| Seen::default(), Duration::ZERO),
            measured: forecast.measured(),
            graph,
        }
    }

    pub(super) fn link(&self, link: &Edge) -> String {
        let place = &link.place;
        let at = if place.file.is_empty() {
            String::new()
        } else {
            format!("  ({place})")
        };
        format!("{} {}{at}", link.reason, self.graph.node(link.earlier.0))
    }

    /// Names an app. A root of the runbook may be called as the app that it is.
    pub(super) fn name(&self, node: NodeId) -> String {
        let id = &self.graph.node(node).id;
        match id.kind.as_str() {
            "Root" => format!("root {}", id.name),
            _ => id.name.clone(),
        }
    }

    /// Names apps, the first few of many.
    pub(super) fn names(&self, nodes: &[NodeId]) -> String {
        let mut names: Vec<_> = nodes.iter().take(SHOWN).map(|node| self.name(*node)).collect();
        if nodes.len() > SHOWN {
            names.push(format!("{} more", nodes.len() - SHOWN));
        }
        names.join(", ")
    }

    fn in_turn(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let apps = self.graph.app_lines();
        let of = |spot: usize| apps.ranks.get(spot).copied().unwrap_or_default();
        let mut turns: BTreeMap<usize, Vec<NodeId>> = BTreeMap::new();
        for (spot, app) in self.graph.apps().iter().enumerate() {
            turns.entry(of(spot)).or_default().push(app.node);
        }
        writeln!(f, "  apps in the order in which they can be ready:")?;
        let last = turns.len();
        for (number, nodes) in turns.values().enumerate() {
            match between(number, last, TURNS) {
                Shown::Yes => writeln!(f, "  {:>3}. {}", number + 1, self.names(nodes))?,
                Shown::Instead(more) => writeln!(f, "    …  {more} more turns")?,
                Shown::No => {}
            }
        }
        for together in apps.together.iter().take(FEW) {
            writeln!(f, "  {}", self.tangle(together))?;
        }
        if let Some(more @ 1..) = apps.together.len().checked_sub(FEW) {
            writeln!(f, "  ! and {more} more such groups{ALL}")?;
        }
        Ok(())
    }

    fn critical(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = match self.measured {
            (0, _) => "guessed by what the apps hold".to_owned(),
            (measured, all) if measured == all => "as the last run took".to_owned(),
            (measured, all) => format!("{measured} of {all} apps as the last run took, the others guessed"),
        };
        writeln!(
            f,
            "  the apps are expected to take {}, {by}; what decides:",
            seconds(self.timeline.total)
        )?;
        let legs = &self.timeline.critical;
        for (number, leg) in legs.iter().enumerate() {
            match between(number, legs.len(), TURNS) {
                Shown::Yes => {}
                Shown::Instead(more) => {
                    writeln!(f, "       … {more} more")?;
                    continue;
                }
                Shown::No => continue,
            }
            let name = self.name(leg.app.node);
            let span = format!("{} to {}", seconds(leg.app.begins), seconds(leg.app.ends));
            match &leg.because {
                Some(edge) => writeln!(
                    f,
                    "       {name:<20} {span:<16} {} {}",
                    self.graph.node(edge.later.0),
                    self.link(edge)
                )?,
                None => writeln!(f, "       {name:<20} {span}")?,
            }
        }
        Ok(())
    }

    /// What is needed and nothing that is known brings, each with who needs it.
    pub(super) fn missing(&self) -> impl Iterator<Item = (NodeId, Vec<Edge>)> {
        self.graph.unknowns().into_iter().filter_map(|unknown| match unknown {
            Unknown::Missing { node, needed_by } => Some((node, needed_by)),
            Unknown::App { .. } => None,
        })
    }

    /// Says that things wait for themselves.
    pub(super) fn circle(&self, cycle: &Cycle) -> Remark {
        let mut remark = Remark::certain("a circle, which nothing but a person can cut; its weakest link is marked:");
        for (number, link) in cycle.links.iter().enumerate() {
            // The one that can be cut is always told.
            let shown = between(number, cycle.links.len(), TURNS);
            if number != cycle.weakest && shown != Shown::Yes {
                if let Shown::Instead(more) = shown {
                    remark.lines.push(format!("  … {more} more links"));
                }
                continue;
            }
            let mark = if number == cycle.weakest { "✂" } else { " " };
            let line = format!("{mark} {} {}", self.graph.node(link.later.0), self.link(link));
            remark.lines.push(line);
        }
        remark
    }

    /// Says that apps wait for each other.
    pub(super) fn tangle(&self, apps: &[NodeId]) -> Remark {
        Remark::certain(format!(
            "these wait for each other and can only come together: {}",
            self.names(apps)
        ))
    }

    /// Says that an object is in more than one app.
    pub(super) fn shared(&self, node: &Node) -> Remark {
        Remark::certain(format!("{node} is in more than one app: {}", self.names(&node.apps)))
    }

    /// Says that nothing brings what something needs: the first of these, and how many more there are.
    pub(super) fn lack(&self, node: NodeId, first: &Edge, needed_by: usize) -> Remark {
        let more = match needed_by {
            0 | 1 => String::new(),
            count => format!(", and {} more", count - 1),
        };
        Remark::open(format!(
            "nothing that is known brings {}: {} {}{more}",
            self.graph.node(node),
            self.graph.node(first.later.0),
            self.link(first)
        ))
    }

    fn doubts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for cycle in self.graph.cycles().iter().take(FEW) {
            writeln!(f, "  {}", self.circle(cycle))?;
        }
        if let Some(more @ 1..) = self.graph.cycles().len().checked_sub(FEW) {
            writeln!(f, "  ! and {more} more circles{ALL}")?;
        }
        for (_, found) in self.graph.doubled().take(SHOWN) {
            writeln!(f, "  {}", self.shared(found))?;
        }
        if let Some(more @ 1..) = self.graph.doubled().count().checked_sub(SHOWN) {
            writeln!(f, "  ! and {more} more are in more than one app{ALL}")?;
        }
        // What others are opened with is told as a notice, with the way to mend it.
        let missing = self.missing().filter(|(_, needed_by)| !is_told(&self.graph, needed_by));
        let missing: Vec<_> = missing.collect();
        for (node, needed_by) in missing.iter().take(SHOWN) {
            let Some(first) = needed_by.first() else { continue };
            writeln!(f, "  {}", self.lack(*node, first, needed_by.len()))?;
        }
        if missing.len() > SHOWN {
            let more = missing.len() - SHOWN;
            writeln!(f, "  ? and {more} more that nothing known brings{ALL}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Foresight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.in_turn(f)?;
        self.critical(f)?;
        self.doubts(f)
    }
}

/// Writes an expected time; nobody can expect a tenth of a second.
fn seconds(time: Duration) -> String {
    rto::growing(time.as_secs() * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::fixture::{Scene, application};
    use crate::graph::fixture_shop::large;

    #[test]
    fn of_a_long_row_both_ends_are_shown() {
        let shown = |all: usize, room: usize| -> String {
            let mark = |number| match between(number, all, room) {
                Shown::Yes => "x".to_owned(),
                Shown::Instead(more) => format!("[{more}]"),
                Shown::No => String::new(),
            };
            (0..all).map(mark).collect()
        };
        for (all, room, expected) in [
            (0, 4, ""),
            (4, 4, "xxxx"),
            (5, 4, "xxxxx"),
            (6, 4, "xx[2]xx"),
            (900, 4, "xx[896]xx"),
        ] {
            assert_eq!(shown(all, room), expected, "{all} in {room}");
        }
    }

    #[test]
    fn what_is_foreseen_of_a_big_platform_fits_a_screen() {
        // Forty waves of ten apps, each of which stands on one before it.
        let graph = Arc::new(large(400, 4).graph());
        let told = Foresight::new(graph, &Took::default()).to_string();
        assert!(told.lines().count() <= 60, "{told}");
        assert!(told.contains(" more turns\n"), "{told}");
    }

    #[test]
    fn what_decides_names_the_app_of_the_wave_before_that_is_waited_for() {
        let wave = |name: &str, wave: u8| application(name, &format!("argocd.argoproj.io/sync-wave: '{wave}'"));
        let apps = [("a", 0), ("m", 0), ("z", 0), ("behind", 1), ("beside", 1)];
        let children = apps.map(|(name, at)| wave(name, at)).concat();
        let mut scene = Scene::default()
            .root("root", &application("platform", ""))
            .app("platform", &children);
        for (name, _) in apps {
            scene = scene.app(name, "");
        }
        scene.platform.children_are_awaited = true;
        let graph = scene.rules(crate::platform::argocd::graph::ROWS).graph();
        for slow in ["a", "m", "z"] {
            let is_slow = |node: NodeId| graph.node(node).id.name == slow;
            let took = |node: NodeId| Some(Duration::from_secs(if is_slow(node) { 50 } else { 5 }));
            let timeline = graph.timeline(took, |_| crate::graph::Progress::Waiting);
            let last = timeline.critical.last().unwrap();
            let named = last.because.as_ref().map(|edge| &graph.node(edge.earlier.0).id.name);
            assert_eq!(named.map(String::as_str), Some(slow), "{:?}", timeline.critical);
        }
    }
}
