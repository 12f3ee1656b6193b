//! Runs of which only the events are left, as tests need them.

use jiff::Timestamp;

use crate::event::{Body, Effect, Event, Phase, PlannedStep, Run, RunId, Step};

/// Returns what a run has said that reached a cluster and began these steps.
pub(super) fn begun(run: &str, runbook: &str, uid: &str, steps: &[(&str, Effect)]) -> Vec<Body> {
    let started = Run::Started {
        run: RunId(run.into()),
        runbook: runbook.into(),
        file: String::new(),
        program: String::new(),
        target_ms: None,
        arguments: Vec::new(),
    };
    let cluster = Run::Cluster {
        context: String::new(),
        server: String::new(),
        uid: uid.into(),
        version: String::new(),
        state: String::new(),
    };
    let step = |(id, effect): &(&str, Effect)| {
        Body::Step(Step::Started(PlannedStep {
            id: (*id).into(),
            phase: Phase::Apps,
            title: String::new(),
            effect: *effect,
        }))
    };
    let runs = [Body::Run(started), Body::Run(cluster)];
    runs.into_iter().chain(steps.iter().map(step)).collect()
}

/// Makes events of them, in this order.
pub(super) fn events(bodies: impl IntoIterator<Item = Body>) -> Vec<Event> {
    let event = |(seq, body)| Event {
        seq,
        at: Timestamp::UNIX_EPOCH,
        elapsed_ms: 0,
        body,
    };
    (1..).zip(bodies).map(event).collect()
}
