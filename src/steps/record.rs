//! Keeps the run in the target, so that it can be gone on with when this machine is lost.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Notify, watch};

use crate::cluster::{Cluster, Error, Kept};
use crate::engine::{Record, journal};
use crate::event::{Body, Event, Failure, Run, RunState, Step};

/// How much is kept before interventions are left out; an object of the API server holds about three times as much. All else is
/// as many lines as the plan has steps, or people have words.
const BOUND: usize = 500_000;

/// How long a write waits for more to be written, unless somebody waits for it.
const TOGETHER: Duration = Duration::from_secs(1);

/// How often it is looked whether the record is still there as it was written.
const BEAT: Duration = Duration::from_secs(10);

/// How long a write that failed is waited with.
const PAUSE: Duration = Duration::from_secs(5);

/// The newest run's record as it was found in the target.
#[derive(Debug, Clone)]
pub struct Found {
    /// The fold of its events.
    pub state: RunState,
    /// Who ran it where, `user@host`.
    pub by: String,
}

/// Reads a record.
pub(super) fn found(kept: &Kept) -> Result<Found, Failure> {
    let mut lines: Vec<&str> = kept.events.split_inclusive('\n').collect();
    let is_torn = |line: &&str| !line.ends_with('\n') && journal::event(line.as_bytes()).is_err();
    if lines.len() > 1 && lines.last().is_some_and(is_torn) {
        lines.pop();
    }
    let events: Result<Vec<Event>, _> = lines.iter().map(|line| journal::event(line.as_bytes())).collect();
    let state = RunState::of(&events.map_err(|error| unreadable(&error.to_string()))?);
    // What a newer program wrote is another matter.
    if state.run.is_none() && state.unknown_steps == 0 {
        return Err(unreadable("it does not tell which run it is of"));
    }
    Ok(Found {
        state,
        by: kept.by.clone(),
    })
}

fn unreadable(why: &str) -> Failure {
    Failure::new(format!(
        "the record of the newest run in the cluster, the ConfigMap kube-system/gitops-dr, cannot be read: {why}"
    ))
    .hint("to go on without it, keep a copy: kubectl -n kube-system get configmap gitops-dr -o yaml > kept.yaml")
    .hint("and take it away: kubectl -n kube-system delete configmap gitops-dr")
}

/// Keeps lifecycle events in the target. They are collected from the beginning and written once the Lease is held and a step
/// that may change something has begun: a run that changed nothing must not take the place of one that did.
#[derive(Default)]
pub struct RunRecord {
    by: String,
    taken: Mutex<Taken>,
    written: OnceLock<watch::Receiver<Written>>,
    /// Something is to be written.
    wake: Notify,
    /// Somebody waits for it.
    hurry: Notify,
}

#[derive(Default)]
struct Taken {
    lines: String,
    /// The number of the newest event in it.
    seq: u64,
    /// Whether a step that may change something has begun.
    touched: bool,
}

/// How far the writer is.
#[derive(Default)]
struct Written {
    seq: u64,
    trouble: Option<Error>,
}

impl RunRecord {
    /// Makes the record of a run of this operator, `user@host`.
    pub fn of(by: impl Into<String>) -> Self {
        Self {
            by: by.into(),
            ..Self::default()
        }
    }

    /// Begins to write to the target. Needs the Lease, since the record before is overwritten.
    pub(super) fn write_to(self: &Arc<Self>, cluster: Cluster) {
        let (sender, receiver) = watch::channel(Written::default());
        if self.written.set(receiver).is_ok() {
            tokio::spawn(Arc::clone(self).write(cluster, sender));
        }
    }

    async fn write(self: Arc<Self>, cluster: Cluster, written: watch::Sender<Written>) {
        let mut version = None;
        loop {
            let is_lost = match (tokio::time::timeout(BEAT, self.wake.notified()).await, &version) {
                (Ok(()), _) => false,
                (Err(_), None) => continue,
                // Somebody deleted it, or changed it. What cannot be told now is looked at again.
                (Err(_), version) => cluster.kept_version().await.is_ok_and(|now| now != *version),
            };
            let (seq, events) = {
                let taken = self.taken();
                if !taken.touched || (taken.seq == written.borrow().seq && !is_lost) {
                    continue;
                }
                (taken.seq, taken.lines.clone())
            };
            let kept = Kept {
                events,
                by: self.by.clone(),
            };
            let pause = match cluster.keep(&kept).await {
                Ok(now) => {
                    version = Some(now);
                    written.send_replace(Written { seq, trouble: None });
                    TOGETHER
                }
                Err(error) => {
                    let stop = error.is_final();
                    written.send_modify(|written| written.trouble = Some(error));
                    if stop {
                        return;
                    }
                    self.wake.notify_one();
                    PAUSE
                }
            };
            let _ = tokio::time::timeout(pause, self.hurry.notified()).await;
        }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Record for RunRecord {
    fn keep(&self, event: &Event) {
        let mut taken = self.taken();
        match &event.body {
            // A sentence to people, which decides nothing.
            Body::Run(Run::Noticed { .. }) => return,
            Body::Intervention(_) if taken.lines.len() > BOUND => return,
            Body::Step(Step::Started(step)) if step.effect.may_change() => taken.touched = true,
            _ => {}
        }
        let Ok(line) = serde_json::to_string(event) else {
            return;
        };
        taken.lines.push_str(&line);
        taken.lines.push('\n');
        taken.seq = event.seq;
        drop(taken);
        // Interventions ride with what comes next: there may be thousands.
        if !matches!(event.body, Body::Intervention(_)) {
            self.wake.notify_one();
        }
    }

    async fn kept(&self) -> Result<(), Failure> {
        let target = {
            let taken = self.taken();
            if !taken.touched {
                return Ok(());
            }
            taken.seq
        };
        let not = "what the run has done cannot be written down in the cluster";
        let Some(mut written) = self.written.get().cloned() else {
            return Err(Failure::new(not).hint("this is a mistake in gitops-dr: the Lease is not held"));
        };
        // A trouble of long ago may be over: it is looked at once the writer has tried again.
        self.wake.notify_one();
        self.hurry.notify_one();
        written.mark_unchanged();
        let is_done = |written: &Written| written.seq >= target;
        if !is_done(&written.borrow()) {
            loop {
                if written.changed().await.is_err() {
                    break;
                }
                let now = written.borrow();
                if is_done(&now) || now.trouble.is_some() {
                    break;
                }
            }
        }
        let now = written.borrow();
        match &now.trouble {
            _ if is_done(&now) => Ok(()),
            Some(error) => Err(Failure::from(error.clone()).within(not)),
            None => Err(Failure::new(not)),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::event::{Effect, Intervention, Outcome, Phase, PlannedStep, RunId, RunOutcome};

    fn step(id: &str, effect: Effect) -> PlannedStep {
        PlannedStep {
            id: id.into(),
            phase: Phase::Ground,
            title: String::new(),
            effect,
        }
    }

    fn finished(id: &str) -> Body {
        let outcome = Outcome::Done { detail: String::new() };
        Body::Step(Step::Finished { id: id.into(), outcome })
    }

    fn events(bodies: Vec<Body>) -> Vec<Event> {
        let event = |(seq, body)| Event {
            seq,
            at: Timestamp::UNIX_EPOCH,
            elapsed_ms: seq,
            body,
        };
        (1..).zip(bodies).map(event).collect()
    }

    fn intervention() -> Body {
        Body::Intervention(Intervention {
            node: "a".repeat(200),
            action: "refresh".into(),
            trigger: String::new(),
            attempt: 1,
            bound: 3,
        })
    }

    /// Returns what a record of these events tells.
    fn told(record: &RunRecord) -> RunState {
        let kept = Kept {
            events: record.taken().lines.clone(),
            by: "ann@desk".into(),
        };
        found(&kept).unwrap().state
    }

    fn began() -> Vec<Body> {
        let started = Run::Started {
            run: RunId("01A".into()),
            runbook: "shop".into(),
            file: String::new(),
            program: String::new(),
            target_ms: None,
            arguments: Vec::new(),
        };
        vec![
            Body::Run(started),
            Body::Step(Step::Started(step("look", Effect::Reads))),
        ]
    }

    #[test]
    fn the_record_tells_of_a_run_what_its_journal_tells_but_for_notices() {
        let mut bodies = began();
        bodies.extend([
            Body::Run(Run::Noticed {
                notice: "a word".into(),
            }),
            finished("look"),
            Body::Step(Step::Started(step("apply", Effect::Repeatable))),
            intervention(),
            finished("apply"),
            Body::Run(Run::Finished {
                outcome: RunOutcome::Interrupted,
                failure: None,
            }),
        ]);
        let (events, record) = (events(bodies), RunRecord::of("ann@desk"));
        for event in &events {
            record.keep(event);
        }
        let mut journal = RunState::of(&events);
        assert_eq!(std::mem::take(&mut journal.notices), ["a word"]);
        assert_eq!(told(&record), journal);
    }

    #[test]
    fn a_record_that_tells_of_no_run_is_not_passed_over_and_a_torn_last_line_is() {
        let read = |events: &str| {
            found(&Kept {
                events: events.to_owned(),
                by: String::new(),
            })
        };
        let record = RunRecord::of("ann@desk");
        for event in events(began()) {
            record.keep(&event);
        }
        let lines = record.taken().lines.clone();
        let whole = read(&lines).unwrap().state;
        assert_eq!(read(&format!("{lines}{{\"seq\":3,\"at")).unwrap().state, whole);
        let first = lines.lines().next().unwrap();
        for broken in [
            "",
            "\n",
            "garbage",
            "garbage\n",
            &lines[..10],
            &format!("garbage\n{lines}"),
            r#"{"seq":1,"at":"1970-01-01T00:00:00Z","elapsed_ms":3,"family":"odd"}"#,
        ] {
            let refused = read(broken).unwrap_err();
            let hints = refused.hints.join(" ");
            assert!(hints.contains("get configmap gitops-dr -o yaml"), "{broken}: {hints}");
            assert!(hints.contains("delete configmap gitops-dr"), "{broken}: {hints}");
        }
        assert!(read(first).is_ok());
    }

    #[test]
    fn of_what_a_newer_program_wrote_only_that_it_happened_is_known() {
        let line = |words: &str| format!(r#"{{"seq":1,"at":"1970-01-01T00:00:00Z","elapsed_ms":3,{words}}}"#);
        let read = |line: String| {
            found(&Kept {
                events: line,
                by: String::new(),
            })
        };
        let odd = line(r#""family":"step","event":"started","id":"a","phase":"dusk","title":"","effect":"reads""#);
        assert_eq!(read(odd).unwrap().state.unknown_steps, 1);
        let odd = line(r#""family":"run","event":"finished","outcome":"half-way","failure":null"#);
        let started = serde_json::to_string(&events(began())[0]).unwrap();
        let odd = read(format!("{started}\n{}", odd.replace(r#""seq":1"#, r#""seq":2"#)));
        assert_eq!(odd.unwrap().state.finished, None);
    }

    #[tokio::test]
    async fn a_run_that_changed_nothing_waits_for_nothing_and_one_that_did_for_the_target() {
        let record = RunRecord::of("ann@desk");
        for event in events(began()) {
            record.keep(&event);
        }
        assert_eq!(record.kept().await, Ok(()));
        assert!(!record.taken().touched);
        let mut bodies = began();
        bodies.push(Body::Step(Step::Started(step("apply", Effect::Repeatable))));
        record.keep(&events(bodies)[2]);
        // There is no target yet in this test, so it cannot be there.
        assert!(record.kept().await.is_err());
    }

    #[test]
    fn thousands_of_interventions_do_not_push_out_what_the_steps_did() {
        let mut bodies = began();
        bodies.extend((0..10_000).map(|_| intervention()));
        bodies.push(finished("look"));
        let record = RunRecord::of("ann@desk");
        for event in events(bodies) {
            record.keep(&event);
        }
        assert!(record.taken().lines.len() < BOUND + 1_000);
        let state = told(&record);
        assert!(matches!(state.steps[0].status, crate::event::StepStatus::Finished(_)));
    }
}
