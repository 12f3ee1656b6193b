//! When the apps of a platform will be well, from how an earlier run went and how far this one is.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::apps::{AppSpot, Apps};
use super::model::Graph;
use super::node::NodeId;
use super::path::{Progress, Timeline};

/// How an app fared in a run, in the time of that run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// When it was first there.
    pub begun: Option<Duration>,
    /// When it was well.
    pub ready: Option<Duration>,
}

/// Expects the apps of a graph. What does not change in a run is worked out once.
#[derive(Debug)]
pub struct Forecast {
    graph: Arc<Graph>,
    apps: Apps,
    /// What each of [`Apps::spots`] waits for until that is well: its children, and what other apps bring.
    waits: Vec<Vec<usize>>,
    /// How long each app itself took in an earlier run; those that it did not have are left out.
    own: HashMap<NodeId, Duration>,
}

impl Forecast {
    /// Makes it from a graph and an earlier run.
    pub fn new(graph: Arc<Graph>, earlier: impl Fn(NodeId) -> Seen) -> Self {
        let apps = graph.app_lines();
        let waits = waits(&graph, &apps);
        let mut forecast = Self {
            graph,
            apps,
            waits,
            own: HashMap::new(),
        };
        forecast.own = forecast.took(earlier);
        forecast
    }

    /// Returns the graph.
    pub fn graph(&self) -> &Arc<Graph> {
        &self.graph
    }

    /// Returns which app waits for which.
    pub fn lines(&self) -> &Apps {
        &self.apps
    }

    /// Returns of how many apps an earlier run tells how long they take, and how many there are. Roots are no apps that anybody sees.
    pub fn measured(&self) -> (usize, usize) {
        let is_app = |node: &NodeId| self.graph.node(*node).id.kind != "Root";
        let apps = self.graph.apps().iter().map(|app| app.node).filter(is_app);
        (self.own.keys().filter(|node| is_app(node)).count(), apps.count())
    }

    /// Returns when each app will be well, from `now` on; before a run nothing was seen.
    pub fn timeline(&self, seen: impl Fn(NodeId) -> Seen, now: Duration) -> Timeline {
        let moments = self.moments(&seen);
        let progress: HashMap<NodeId, Progress> = self
            .graph
            .apps()
            .iter()
            .enumerate()
            .map(|(spot, app)| {
                let this = seen(app.node);
                let progress = match (this.begun, this.ready) {
                    (_, Some(_)) => Progress::Done,
                    (None, None) => Progress::Waiting,
                    // Its own time begins when it has all that it waits for; until then none of it has passed.
                    (Some(begun), None) => Progress::Running(
                        self.had_all(spot, &moments)
                            .map_or(Duration::ZERO, |since| now.saturating_sub(since.max(begun))),
                    ),
                };
                (app.node, progress)
            })
            .collect();
        let own = |node: NodeId| self.own.get(&node).copied();
        let progress = |node: NodeId| progress.get(&node).copied().unwrap_or(Progress::Waiting);
        self.graph.timeline_of(&self.apps, own, progress)
    }

    /// Returns how long each app itself took in a run: the time in which it waited for others is theirs.
    fn took(&self, seen: impl Fn(NodeId) -> Seen) -> HashMap<NodeId, Duration> {
        let moments = self.moments(&seen);
        let took = self.graph.apps().iter().enumerate().filter_map(|(spot, app)| {
            let this = seen(app.node);
            let (begun, ready) = (this.begun?, this.ready?);
            // What was ready only after it cannot have kept it waiting.
            let waited = self.waits[spot].iter().filter_map(|earlier| moments[*earlier]);
            let since = waited.filter(|at| *at <= ready).fold(begun, Duration::max);
            Some((app.node, ready.saturating_sub(since)))
        });
        took.collect()
    }

    /// Returns since when an app has had all that it waits for; `None` where it has not.
    fn had_all(&self, spot: usize, moments: &[Option<Duration>]) -> Option<Duration> {
        self.waits[spot]
            .iter()
            .try_fold(Duration::ZERO, |since, earlier| Some(since.max(moments[*earlier]?)))
    }

    /// Returns when each spot was well; a joint is when all that it waits for is.
    fn moments(&self, seen: impl Fn(NodeId) -> Seen) -> Vec<Option<Duration>> {
        let mut moments: Vec<Option<Duration>> = self
            .apps
            .spots
            .iter()
            .map(|spot| match spot {
                AppSpot::App(node) => seen(*node).ready,
                AppSpot::Joint => None,
            })
            .collect();
        // A joint may wait for other joints: those have lower numbers.
        for spot in 0..moments.len() {
            if self.apps.spots[spot] == AppSpot::Joint {
                moments[spot] = self.had_all(spot, &moments);
            }
        }
        moments
    }
}

fn waits(graph: &Graph, apps: &Apps) -> Vec<Vec<usize>> {
    let mut waits = vec![Vec::new(); apps.spots.len()];
    for line in apps.lines.iter().filter(|line| line.until_well) {
        waits[line.later].push(line.earlier);
    }
    let number: HashMap<NodeId, usize> = graph
        .apps()
        .iter()
        .enumerate()
        .map(|(spot, app)| (app.node, spot))
        .collect();
    for (spot, app) in graph.apps().iter().enumerate() {
        if let Some(parent) = app.parent.and_then(|parent| number.get(&parent)) {
            waits[*parent].push(spot);
        }
    }
    waits
}
