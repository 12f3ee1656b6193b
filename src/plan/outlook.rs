//! How much longer a run takes. Pure: how far it is goes in, what is left comes out.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::took::called;
use super::{Action, Plan, Took};
use crate::event::{PlannedStep, Run, Waits};
use crate::graph::{AppSpot, Firmness, Forecast, Graph, NodeId, Seen};

/// How long an app takes of which the sources told nothing beforehand, such as one that a set makes.
const STRANGER: Duration = Duration::from_secs(30);

/// What is expected of the rest of a run.
#[derive(Debug)]
pub struct Outlook {
    steps: Vec<(PlannedStep, Action)>,
    /// The apps for which the recovery clock waits; all if there are none.
    critical: Vec<String>,
    forecast: Option<Forecast>,
    nodes: HashMap<String, NodeId>,
    took: Took,
    /// How long the apps must stay as they are before they count as settled.
    quiet: Duration,
}

impl Outlook {
    /// Makes it from a plan, the runbook's critical apps, what waits for what and an earlier run.
    pub fn new(plan: &Plan, critical: &[String], graph: Option<Arc<Graph>>, took: Took, quiet: Duration) -> Self {
        let forecast = graph.map(|graph| {
            let seen = |node| took.seen(&graph, node);
            Forecast::new(Arc::clone(&graph), seen)
        });
        let nodes = forecast.iter().flat_map(|forecast| {
            let graph = forecast.graph();
            graph.apps().iter().map(|app| (called(graph, app.node), app.node))
        });
        Self {
            nodes: nodes.collect(),
            steps: plan.steps.iter().map(|item| (item.step.clone(), item.action)).collect(),
            critical: critical.to_vec(),
            forecast,
            took,
            quiet,
        }
    }

    /// Says what waits for what among the apps, where that is known.
    pub fn foreseen(&self) -> Option<Run> {
        let forecast = self.forecast.as_ref()?;
        let (graph, lines) = (forecast.graph(), forecast.lines());
        let name = |spot: &AppSpot| match spot {
            AppSpot::App(node) => called(graph, *node),
            AppSpot::Joint => String::new(),
        };
        // What is only a good order holds nobody back.
        let binding = lines.lines.iter().filter(|line| line.edge.firmness > Firmness::Optional);
        Some(Run::Foreseen {
            apps: lines.spots.iter().map(name).collect(),
            waits: binding
                .map(|line| Waits {
                    later: line.later,
                    earlier: line.earlier,
                    until_well: line.until_well,
                })
                .collect(),
        })
    }

    /// Returns how long a run takes of which no step of the plan has begun.
    pub fn before(&self) -> Duration {
        self.steps_from(0)
    }

    /// Returns how much longer a run takes that waits for apps in the step `id`. `seen` is how each node that is known now has fared,
    /// by its stable name, in the time of which it is `now`.
    pub fn left(&self, id: &str, seen: &BTreeMap<String, Seen>, now: Duration) -> Duration {
        let Some(at) = self.steps.iter().position(|(step, _)| step.id == id) else {
            return Duration::ZERO;
        };
        self.apps(self.steps[at].1, seen, now) + self.steps_from(at + 1)
    }

    /// Returns of how many apps an earlier run tells how long they take, and how many there are.
    pub fn measured(&self) -> (usize, usize) {
        self.forecast.as_ref().map(Forecast::measured).unwrap_or_default()
    }

    /// Puts a time that is left into words for the journal.
    pub fn expected(&self, left: Duration) -> Run {
        let (measured, apps) = self.measured();
        Run::Expected {
            left_ms: u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
            measured,
            apps,
        }
    }

    /// Returns how long the steps from one on take: until the recovery clock stops or, where it has, until the end.
    fn steps_from(&self, first: usize) -> Duration {
        let has_critical = self.steps.iter().any(|(_, action)| *action == Action::Critical);
        let stops = self.steps.iter().position(|(_, action)| *action == Action::Apps);
        let end = match stops.filter(|stops| has_critical && first <= *stops) {
            Some(stops) => stops,
            None => self.steps.len(),
        };
        let took = self.steps.iter().take(end).skip(first).map(|(step, action)| match action {
            Action::Critical | Action::Apps => self.apps(*action, &BTreeMap::new(), Duration::ZERO),
            _ => self.took.step(step),
        });
        took.sum()
    }

    /// Returns how long a step waits for the apps.
    fn apps(&self, action: Action, seen: &BTreeMap<String, Seen>, now: Duration) -> Duration {
        let counts = |name: &str| {
            let short = name.rsplit('/').next().unwrap_or(name);
            action != Action::Critical || self.critical.iter().any(|critical| critical == short)
        };
        let strangers = seen
            .iter()
            .filter(|(name, seen)| seen.ready.is_none() && !self.nodes.contains_key(*name) && counts(name));
        let strangers = strangers.map(|(_, seen)| {
            let since = seen.begun.map_or(Duration::ZERO, |begun| now.saturating_sub(begun));
            STRANGER.saturating_sub(since).max(STRANGER / 10)
        });
        let known = self.forecast.iter().flat_map(|forecast| {
            let graph = forecast.graph();
            let is_under_way = !seen.is_empty();
            let timeline = forecast.timeline(|node| of(graph, node, seen, is_under_way), now);
            let timed = timeline.apps.into_iter().filter(|timed| {
                let id = &graph.node(timed.node).id;
                id.kind != "Root" && counts(&id.name)
            });
            timed.map(|timed| timed.ends).collect::<Vec<_>>()
        });
        let left = strangers.chain(known).max().unwrap_or_default();
        if action == Action::Critical {
            return left;
        }
        // What is well already has been quiet for a while.
        let last = seen.values().filter_map(|seen| seen.ready).max();
        let quiet = match last.filter(|_| left.is_zero()) {
            Some(last) => self.quiet.saturating_sub(now.saturating_sub(last)),
            None => self.quiet,
        };
        left + quiet
    }
}

/// Returns how an app of the graph has fared. A root is no object that anybody sees: once apps are waited for it has been applied.
fn of(graph: &Graph, node: NodeId, seen: &BTreeMap<String, Seen>, is_under_way: bool) -> Seen {
    if is_under_way && graph.node(node).id.kind == "Root" {
        return Seen {
            begun: Some(Duration::ZERO),
            ready: Some(Duration::ZERO),
        };
    }
    seen.get(&called(graph, node)).copied().unwrap_or_default()
}
