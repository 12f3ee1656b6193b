//! How an earlier run went, by which the next one is expected to go.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::event::{Phase, PlannedStep, RunState};
use crate::graph::{Graph, NodeId, Seen};

/// How an earlier run went; empty where none is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Took {
    /// When each node was there and when it was well, by its stable name.
    pub apps: BTreeMap<String, Seen>,
    /// How long each step took, by its id.
    pub steps: BTreeMap<String, Duration>,
    /// How long it took after the last app was well until that counted.
    pub settling: Duration,
}

impl Took {
    /// Reads it from the fold of that run.
    pub fn of(state: &RunState) -> Self {
        let apps = state.nodes.iter().map(|(id, node)| {
            let seen = Seen {
                begun: node.begun_ms.map(Duration::from_millis),
                ready: node.ready_ms.map(Duration::from_millis),
            };
            (id.clone(), seen)
        });
        let steps = state.steps.iter().filter_map(|step| {
            let took = step.finished_ms?.checked_sub(step.started_ms?)?;
            Some((step.step.id.clone(), Duration::from_millis(took)))
        });
        let last = state.nodes.values().filter_map(|node| node.ready_ms).max();
        let waited = state.steps.iter().find(|step| step.step.id == "apps");
        let settled = waited.and_then(|step| step.finished_ms);
        let settling = settled.zip(last).map(|(settled, last)| settled.saturating_sub(last));
        Self {
            settling: Duration::from_millis(settling.unwrap_or_default()),
            apps: apps.collect(),
            steps: steps.collect(),
        }
    }

    /// Returns how an app of a graph fared.
    pub fn seen(&self, graph: &Graph, node: NodeId) -> Seen {
        self.apps.get(&called(graph, node)).copied().unwrap_or_default()
    }

    /// Returns how long a step takes that waits for no apps; a guess where no earlier run had it.
    pub fn step(&self, step: &PlannedStep) -> Duration {
        let guess = match step.phase {
            // Images have to be pulled.
            Phase::Agent => 45,
            Phase::Ground => 5,
            Phase::Checks | Phase::Clusters => 2,
            Phase::Prepare | Phase::Interlock | Phase::Apps => 1,
        };
        let guess = Duration::from_secs(guess);
        self.steps.get(&step.id).copied().unwrap_or(guess)
    }
}

/// Returns by which name the events of a run call an app of a graph.
pub(super) fn called(graph: &Graph, node: NodeId) -> String {
    let id = &graph.node(node).id;
    format!("{} {}/{}", id.kind, id.namespace, id.name)
}
