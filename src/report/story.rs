//! Events as a test tells them: what happened, and when.

use crate::event::{
    Blocker, Body, Effect, Event, Exception, Failure, Intervention, Node, NodePhase, Outcome, Phase, PlannedStep, Run,
    RunId, RunOutcome, RunState, Sink, Step,
};

/// A story in the making. Each method adds an event at the story's time, which [`Story::after`] moves.
#[derive(Debug, Default)]
pub(super) struct Story {
    events: Vec<Event>,
    elapsed_ms: u64,
}

/// Begins a story: the run `shop-prod` on an empty cluster, with a target of 30 minutes.
pub(super) fn story() -> Story {
    Story::default()
        .say(Run::Started {
            run: RunId("01JD8QK4S5N7Z4G4V4W0H8R9XK".into()),
            runbook: "shop-prod".into(),
            file: "runbooks/prod.yaml".into(),
            program: "0.1.0".into(),
            target_ms: Some(1_800_000),
            arguments: Vec::new(),
        })
        .after(200)
        .say(Run::Cluster {
            context: "shop-new".into(),
            server: "https://10.0.0.7:6443".into(),
            uid: "4f1c23ab-77aa-4c1e-9b43-0242ac120002".into(),
            version: "v1.33.2".into(),
            state: "empty".into(),
        })
}

impl Story {
    /// Lets time pass, in milliseconds.
    pub(super) fn after(mut self, milliseconds: u64) -> Self {
        self.elapsed_ms += milliseconds;
        self
    }

    pub(super) fn say(mut self, body: impl Into<Body>) -> Self {
        let start: jiff::Timestamp = "2026-11-21T03:12:00Z".parse().unwrap();
        self.events.push(Event {
            seq: self.events.len() as u64 + 1,
            at: start + jiff::SignedDuration::from_millis(self.elapsed_ms.cast_signed()),
            elapsed_ms: self.elapsed_ms,
            body: body.into(),
        });
        self
    }

    pub(super) fn begin(self, id: &str, phase: Phase, title: &str) -> Self {
        let effect = if phase <= Phase::Interlock {
            Effect::Reads
        } else {
            Effect::Repeatable
        };
        self.say(Step::Started(PlannedStep {
            id: id.into(),
            phase,
            title: title.into(),
            effect,
        }))
    }

    pub(super) fn progress(self, id: &str, done: u64, total: Option<u64>, note: &str) -> Self {
        self.say(Step::Progress {
            id: id.into(),
            done,
            total,
            note: note.into(),
        })
    }

    pub(super) fn end(self, id: &str, outcome: Outcome) -> Self {
        self.say(Step::Finished { id: id.into(), outcome })
    }

    pub(super) fn done(self, id: &str, detail: &str) -> Self {
        self.end(id, Outcome::Done { detail: detail.into() })
    }

    pub(super) fn node(self, name: &str, phase: NodePhase, words: &str, blocked_by: &[(&str, &str)]) -> Self {
        self.say(Node {
            id: format!("Application argocd/{name}"),
            name: name.into(),
            parent: Some("Application argocd/apps".into()).filter(|_| name != "apps"),
            phase,
            words: words.into(),
            revision: None,
            blocked_by: blocked_by
                .iter()
                .map(|(object, reason)| Blocker {
                    object: (*object).into(),
                    reason: (*reason).into(),
                })
                .collect(),
        })
    }

    pub(super) fn intervened(self, name: &str, action: &str, trigger: &str, attempt: u32) -> Self {
        self.say(Intervention {
            node: format!("Application argocd/{name}"),
            action: action.into(),
            trigger: trigger.into(),
            attempt,
            bound: 3,
        })
    }

    pub(super) fn excepted(self, subject: &str, what: &str, reason: &str) -> Self {
        self.say(Run::Excepted(Exception {
            subject: subject.into(),
            what: what.into(),
            reason: reason.into(),
        }))
    }

    pub(super) fn finish(self, outcome: RunOutcome, failure: Option<Failure>) -> Self {
        self.say(Run::Finished { outcome, failure })
    }

    /// Ground, agent and credentials are there; the tree begins. Takes 44 seconds.
    pub(super) fn until_apps(self) -> Self {
        self.after(100)
            .begin("stores", Phase::Prepare, "read 8 secrets from their stores")
            .after(2_149)
            .done("stores", "7 secrets from vault, 1 from aws (fallback)")
            .begin("interlock", Phase::Interlock, "prove that this is the right cluster")
            .after(400)
            .done("interlock", "empty as expected, permissions suffice")
            .begin("agent", Phase::Agent, "install Argo CD from platform/bootstrap/argocd")
            .after(20_000)
            .progress("agent", 4, Some(7), "Deployment argocd-repo-server")
            .after(21_100)
            .done("agent", "Argo CD v3.2.11 ready")
            .begin("apps", Phase::Apps, "apply root apps and wait for all that follows")
    }

    pub(super) fn events(self) -> Vec<Event> {
        self.events
    }

    pub(super) fn state(&self) -> RunState {
        RunState::of(&self.events)
    }

    /// Tells the story to a sink, as the engine would.
    pub(super) fn tell(&self, sink: &mut dyn Sink) {
        let mut state = RunState::default();
        for event in &self.events {
            state.apply(event);
            sink.event(event, &state);
        }
    }
}
