//! How long a platform takes, and which of its apps decide it.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use petgraph::Direction;
use petgraph::algo::{tarjan_scc, toposort};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef as _;

use super::apps::{AppSpot, Apps};
use super::edge::{Edge, When};
use super::model::Graph;
use super::node::NodeId;
use super::usual::SYNC;

/// How far an app is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It is not there yet.
    Waiting,
    /// It is there, since so long.
    Running(Duration),
    /// It is well.
    Done,
}

/// When what is expected, from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// When all is well.
    pub total: Duration,
    /// Each app, in the order of [`Graph::apps`].
    pub apps: Vec<Timed>,
    /// The apps that decide how long it takes, first to last: none of them could take longer without the whole taking longer.
    pub critical: Vec<Leg>,
}

/// When an app is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timed {
    /// The app.
    pub node: NodeId,
    /// When it is there.
    pub begins: Duration,
    /// When it is well.
    pub ends: Duration,
}

/// An app on the critical path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    /// When it is expected.
    pub app: Timed,
    /// Why it is not expected earlier; `None` for the first, and for one that waits only for its parent.
    pub because: Option<Edge>,
}

/// A moment of an app, or of a joint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Begins(usize),
    Ends(usize),
    Joint,
}

/// What lies between two moments.
#[derive(Debug, Clone, Copy)]
struct Span {
    length: Duration,
    /// The line of [`Apps::lines`] that it stands for.
    line: Option<usize>,
}

impl Graph {
    /// Expects when each app will be well. `took` is how long an app itself took in earlier runs, where that is known; otherwise it is
    /// guessed by what the app holds. `progress` is how far each is: before a run all are waiting.
    pub fn timeline(
        &self,
        took: impl Fn(NodeId) -> Option<Duration>,
        progress: impl Fn(NodeId) -> Progress,
    ) -> Timeline {
        self.timeline_of(&self.app_lines(), took, progress)
    }

    /// The same, with the lines between the apps worked out before.
    pub(super) fn timeline_of(
        &self,
        apps: &Apps,
        took: impl Fn(NodeId) -> Option<Duration>,
        progress: impl Fn(NodeId) -> Progress,
    ) -> Timeline {
        let lengths: Vec<Duration> = self
            .apps
            .iter()
            .map(|app| {
                let whole = took(app.node).unwrap_or_else(|| self.usual(app));
                match progress(app.node) {
                    Progress::Done => Duration::ZERO,
                    Progress::Waiting => whole,
                    // What has taken longer than usual goes on for a tenth of that at least.
                    Progress::Running(since) => whole.saturating_sub(since).max(whole / 10),
                }
            })
            .collect();
        let is_begun = |spot: usize| progress(self.apps[spot].node) != Progress::Waiting;
        let is_done = |spot: usize| progress(self.apps[spot].node) == Progress::Done;
        let moments = self.moments(apps, &lengths, is_begun, is_done);
        self.read(apps, &moments)
    }

    fn moments(
        &self,
        apps: &Apps,
        lengths: &[Duration],
        is_begun: impl Fn(usize) -> bool,
        is_done: impl Fn(usize) -> bool,
    ) -> DiGraph<Moment, Span> {
        let mut moments: DiGraph<Moment, Span> = DiGraph::new();
        for (spot, what) in apps.spots.iter().enumerate() {
            let is_app = matches!(what, AppSpot::App(_));
            moments.add_node(if is_app { Moment::Begins(spot) } else { Moment::Joint });
            moments.add_node(if is_app { Moment::Ends(spot) } else { Moment::Joint });
        }
        let (begins, ends) = (
            |spot: usize| NodeIndex::new(spot * 2),
            |spot: usize| NodeIndex::new(spot * 2 + 1),
        );
        let sync = Duration::from_secs(SYNC);
        let number: HashMap<NodeId, usize> = self
            .apps
            .iter()
            .enumerate()
            .map(|(spot, app)| (app.node, spot))
            .collect();
        let bare = |length| Span { length, line: None };
        for spot in 0..apps.spots.len() {
            moments.add_edge(
                begins(spot),
                ends(spot),
                bare(lengths.get(spot).copied().unwrap_or_default()),
            );
            let parent = self
                .apps
                .get(spot)
                .and_then(|app| app.parent)
                .and_then(|parent| number.get(&parent));
            if let Some(parent) = parent {
                moments.add_edge(
                    begins(*parent),
                    begins(spot),
                    bare(if is_begun(spot) { Duration::ZERO } else { sync }),
                );
                moments.add_edge(ends(spot), ends(*parent), bare(Duration::ZERO));
            }
        }
        let (mut lines, mut over) = (HashSet::new(), HashSet::new());
        for (at, line) in apps.lines.iter().enumerate() {
            let is_app = |spot: usize| matches!(apps.spots[spot], AppSpot::App(_));
            let is_over = is_app(line.later)
                && (is_done(line.later) || (line.holds_back == When::Exists && is_begun(line.later)));
            let (from, lead) = if line.until_well {
                (ends(line.earlier), Duration::ZERO)
            } else {
                (
                    begins(line.earlier),
                    if is_app(line.earlier) && is_done(line.earlier) {
                        Duration::ZERO
                    } else {
                        sync
                    },
                )
            };
            // What cannot be well before still has to begin its own work then: its pods were waiting.
            let own = lengths.get(line.later).copied().unwrap_or_default();
            let (to, rest) = match line.holds_back {
                When::Exists => (begins(line.later), Duration::ZERO),
                When::Healthy => (ends(line.later), own),
            };
            let drawn = moments.add_edge(
                from,
                to,
                Span {
                    length: lead + rest,
                    line: Some(at),
                },
            );
            lines.insert(drawn);
            if is_over {
                over.insert(drawn);
            }
        }
        // Apps that wait for each other come together: what binds them in a circle delays neither, also when one of them is well.
        let tangle_of: HashMap<NodeIndex, usize> = tarjan_scc(&moments)
            .into_iter()
            .enumerate()
            .filter(|(_, tangle)| tangle.len() > 1)
            .flat_map(|(number, tangle)| tangle.into_iter().map(move |moment| (moment, number)))
            .collect();
        moments.retain_edges(|moments, edge| {
            let is_inside = moments.edge_endpoints(edge).is_some_and(|(from, to)| {
                tangle_of
                    .get(&from)
                    .is_some_and(|tangle| tangle_of.get(&to) == Some(tangle))
            });
            !(over.contains(&edge) || is_inside && lines.contains(&edge))
        });
        moments
    }

    fn read(&self, apps: &Apps, moments: &DiGraph<Moment, Span>) -> Timeline {
        let mut at = vec![Duration::ZERO; moments.node_count()];
        let mut by: Vec<Option<petgraph::graph::EdgeIndex>> = vec![None; moments.node_count()];
        for moment in toposort(moments, None).unwrap_or_default() {
            for edge in moments.edges_directed(moment, Direction::Incoming) {
                let then = at[edge.source().index()] + edge.weight().length;
                let is_later = then > at[moment.index()];
                let is_first = then == at[moment.index()] && by[moment.index()].is_none_or(|by| edge.id() < by);
                if is_later || is_first {
                    (at[moment.index()], by[moment.index()]) = (then, Some(edge.id()));
                }
            }
        }
        let timed = |spot: usize| Timed {
            node: self.apps[spot].node,
            begins: at[spot * 2],
            ends: at[spot * 2 + 1],
        };
        let all: Vec<Timed> = (0..self.apps.len()).map(timed).collect();
        // The last to end, and of several the one that is nobody's parent: a parent only ends with its children.
        let above = self.above();
        let last = (0..self.apps.len()).max_by_key(|spot| {
            let depth = above
                .get(&self.apps[*spot].node)
                .map_or(0, std::collections::BTreeSet::len);
            (at[spot * 2 + 1], depth, std::cmp::Reverse(*spot))
        });
        let mut critical: Vec<Leg> = Vec::new();
        let mut moment = last.map(|spot| NodeIndex::new(spot * 2 + 1));
        while let Some(here) = moment {
            let came = by[here.index()];
            let line = came.and_then(|edge| moments[edge].line).map(|line| &apps.lines[line]);
            if let Moment::Begins(spot) | Moment::Ends(spot) = moments[here] {
                let node = self.apps[spot].node;
                match critical.last_mut() {
                    Some(leg) if leg.app.node == node => {}
                    _ => critical.push(Leg {
                        app: timed(spot),
                        because: None,
                    }),
                }
            }
            if let (Some(leg), Some(line)) = (critical.last_mut(), line) {
                match &mut leg.because {
                    None => leg.because = Some(line.edge.clone()),
                    // The line from a joint names one of all that go through it; the one that was waited for is this.
                    Some(edge) if moments[here] == Moment::Joint => edge.earlier = line.edge.earlier,
                    Some(_) => {}
                }
            }
            moment = came.and_then(|edge| moments.edge_endpoints(edge)).map(|(from, _)| from);
        }
        critical.reverse();
        Timeline {
            total: all.iter().map(|app| app.ends).max().unwrap_or_default(),
            apps: all,
            critical,
        }
    }
}
