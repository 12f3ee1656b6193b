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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::graph::fixture_shop::shop;
    use crate::graph::properties::any_platform;
    use crate::graph::{Known, Platform};

    fn seconds(begun: u64, ready: impl Into<Option<u64>>) -> Seen {
        Seen {
            begun: Some(Duration::from_secs(begun)),
            ready: ready.into().map(Duration::from_secs),
        }
    }

    /// How the apps of the shop fared, by their names.
    fn fared<'run>(graph: &'run Graph, run: &'run BTreeMap<&str, Seen>) -> impl Fn(NodeId) -> Seen + 'run {
        |node| run.get(graph.node(node).id.name.as_str()).copied().unwrap_or_default()
    }

    #[test]
    fn the_time_in_which_an_app_waited_for_another_is_the_others() {
        let graph = Arc::new(shop().graph());
        // payments has a Certificate of cert-manager's issuer, and was there almost from the first.
        let earlier: BTreeMap<&str, Seen> = [
            ("crds", seconds(0, 5)),
            ("vault", seconds(1, 41)),
            ("cert-manager", seconds(2, 62)),
            ("payments", seconds(3, 72)),
        ]
        .into();
        let forecast = Forecast::new(Arc::clone(&graph), fared(&graph, &earlier));
        let own = |name: &str| {
            let found = forecast.own.iter().find(|(node, _)| graph.node(**node).id.name == name);
            found.map(|(_, own)| own.as_secs())
        };
        assert_eq!(
            ["crds", "vault", "cert-manager", "payments", "eso"].map(own),
            [Some(5), Some(40), Some(60), Some(10), None]
        );
        assert_eq!(forecast.measured(), (4, 6));
    }

    #[test]
    fn what_is_left_is_the_own_time_of_what_still_waits_and_the_rest_of_what_is_under_way() {
        let graph = Arc::new(shop().graph());
        let earlier: BTreeMap<&str, Seen> = [
            ("crds", seconds(0, 5)),
            ("vault", seconds(1, 11)),
            ("eso", seconds(1, 11)),
            ("mystery", seconds(1, 6)),
            ("cert-manager", seconds(2, 62)),
            ("payments", seconds(3, 72)),
        ]
        .into();
        let forecast = Forecast::new(Arc::clone(&graph), fared(&graph, &earlier));
        let others = ["infra", "apps", "crds", "vault", "eso", "mystery"];
        let left = |cert_manager: Seen, payments: Seen, now: u64| {
            let mut run: BTreeMap<&str, Seen> = others.map(|name| (name, seconds(0, 0))).into();
            run.extend([("cert-manager", cert_manager), ("payments", payments)]);
            let timeline = forecast.timeline(fared(&graph, &run), Duration::from_secs(now));
            timeline.total.as_secs()
        };
        for (cert_manager, payments, now, expected) in [
            (seconds(0, None), seconds(0, None), 0, 70),
            (seconds(0, None), seconds(0, None), 30, 40),
            // What has taken longer than ever goes on for a tenth of that, and then there is payments.
            (seconds(0, None), seconds(0, None), 90, 16),
            // It was there all the time, and begins in earnest now.
            (seconds(0, 90), seconds(0, None), 90, 10),
            (seconds(0, 90), seconds(0, None), 97, 3),
            (seconds(0, 90), seconds(0, 99), 99, 0),
        ] {
            assert_eq!(left(cert_manager, payments, now), expected, "after {now} s");
        }
    }

    fn graph(platform: &Platform) -> Arc<Graph> {
        Arc::new(Graph::build(platform, &Known::default(), &[], |_| true))
    }

    /// For each app whether and when it was there and well.
    fn any_run() -> impl Strategy<Value = Vec<Seen>> {
        let seen = (prop::option::of(0..100_u64), 0..100_u64, any::<bool>()).prop_map(|(begun, took, is_ready)| Seen {
            begun: begun.map(Duration::from_secs),
            ready: begun
                .filter(|_| is_ready)
                .map(|begun| Duration::from_secs(begun + took)),
        });
        prop::collection::vec(seen, 4)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn when_all_is_well_nothing_is_left_and_an_app_that_becomes_well_never_makes_it_longer(
            platform in any_platform(), earlier in any_run(), run in any_run(), which in 0..4_usize,
        ) {
            let graph = graph(&platform);
            let spot = |node: NodeId| graph.apps().iter().position(|app| app.node == node).unwrap();
            let forecast = Forecast::new(Arc::clone(&graph), |node| earlier[spot(node)]);
            let now = Duration::from_secs(200);
            let left = |run: &[Seen]| forecast.timeline(|node| run[spot(node)], now).total;
            let before = left(&run);
            let mut after = run.clone();
            after[which] = Seen { begun: run[which].begun.or(Some(now)), ready: run[which].ready.or(Some(now)) };
            prop_assert!(left(&after) <= before, "{:?} after {before:?}", left(&after));
            let all = vec![seconds(0, 200); 4];
            prop_assert_eq!(left(&all), Duration::ZERO);
        }
    }
}
