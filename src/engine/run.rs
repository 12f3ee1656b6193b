//! The loop.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::end::{self, Stop};
use super::journal::Journal;
use super::{Alarm, Context, Holds, Person, Record, Step, once};
use crate::clock::Clock;
use crate::event::{
    Body, Effect, Event, Failure, Outcome, Run, RunOutcome, RunState, Sink, Step as StepEvent, StepStatus,
};
use crate::redact::Redactor;

/// How often a running step is heard of at least, so that a quiet log still shows that the run lives.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// How long a step that was told to stop may take to let its requests end.
const GRACE: Duration = Duration::from_secs(10);

/// The fields of events that hold words of our own and never a text from elsewhere.
const STRUCTURE: [&str; 6] = ["family", "event", "outcome", "phase", "effect", "at"];

/// What an engine is made of.
pub struct Settings {
    /// Where events are kept; `None` for runs that change nothing, such as a plan.
    pub journal: Option<Journal>,
    /// A second place for lifecycle events, if there is one.
    pub record: Option<Arc<dyn Record>>,
    /// Who can be asked.
    pub person: Arc<dyn Person>,
    /// Who hears of events.
    pub sinks: Vec<Box<dyn Sink>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The net for secret values.
    pub redactor: Redactor,
    /// Cancelled when the user wants it to end.
    pub interrupt: CancellationToken,
    /// Raised when the run may not go on.
    pub alarm: Alarm,
    /// How long the run may take, if the user set that.
    pub deadline: Option<Duration>,
}

/// Runs steps and records what happens.
pub struct Engine {
    settings: Settings,
    state: RunState,
    begun: Duration,
    /// Whether the journal could not be written. It stays open: whoever asks whether the run lives asks for its lock.
    is_journal_lost: bool,
}

impl Engine {
    /// Makes an engine. The run's clock starts here.
    pub fn new(settings: Settings) -> Self {
        let begun = settings.clock.elapsed();
        Self {
            settings,
            state: RunState::default(),
            begun,
            is_journal_lost: false,
        }
    }

    /// Returns all that is known of the run.
    pub fn state(&self) -> &RunState {
        &self.state
    }

    /// Records something that is not of a step.
    pub fn record(&mut self, body: impl Into<Body>) {
        let event = Event {
            seq: self.state.seq + 1,
            at: self.settings.clock.now(),
            elapsed_ms: u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX),
            body: body.into(),
        };
        let mut event = self.masked(event);
        // Not before: of a secret value that is cut nobody knows the rest.
        event.body = event.body.in_brief();
        let lost = self
            .settings
            .journal
            .as_mut()
            .filter(|_| !self.is_journal_lost)
            .and_then(|journal| journal.append(&event).err());
        if let Some(record) = self.settings.record.as_ref().filter(|_| event.body.is_lifecycle()) {
            record.keep(&event);
        }
        self.state.apply(&event);
        for sink in &mut self.settings.sinks {
            sink.event(&event, &self.state);
        }
        if let Some(error) = lost {
            // A full disk is no reason to leave a platform down: the run goes on, and says that it is not written down.
            self.is_journal_lost = true;
            self.record(Run::Unjournaled { why: error.to_string() });
        }
    }

    /// Runs steps one after the other until one fails or the run is stopped. `Err` is how the run ends.
    pub async fn run(&mut self, steps: &[Box<dyn Step>]) -> Result<(), (RunOutcome, Failure)> {
        for step in steps {
            self.step(step.as_ref()).await?;
        }
        Ok(())
    }

    /// Records the end of the run and returns its final state.
    pub fn finish(mut self, result: Result<(), (RunOutcome, Failure)>) -> RunState {
        let (outcome, failure) = match (result, self.settings.alarm.why()) {
            (Ok(()), None) => (RunOutcome::Recovered, None),
            // The last step ended before it could hear of it.
            (Ok(()), Some(why)) => (end::by_failure(&self.state), Some(why.clone())),
            (Err((outcome, failure)), _) => (outcome, Some(failure)),
        };
        self.record(Run::Finished { outcome, failure });
        self.state
    }

    async fn step(&mut self, step: &dyn Step) -> Result<(), (RunOutcome, Failure)> {
        let planned = step.planned();
        let halt = CancellationToken::new();
        if let Some(why) = self.due() {
            return Err(self.stopped(why, None));
        }
        let (events, mut emitted) = mpsc::unbounded_channel();
        let context = Context {
            step: planned.id.clone(),
            events,
            stop: halt.clone(),
            clock: Arc::clone(&self.settings.clock),
            person: Arc::clone(&self.settings.person),
        };
        let record = self.settings.record.clone();
        let is_once = planned.effect == Effect::Once;
        if is_once {
            // What could not be begun must not pass for begun: a person would be asked what became of it.
            self.written_down().map_err(|why| self.without_a_step(why))?;
            match self
                .attend(&planned.id, &halt, &mut emitted, kept(record.clone(), &context))
                .await
            {
                (_, Some(why)) => return Err(self.stopped(why, Some(&planned.title))),
                (Some(Ok(Err(failure)) | Err(failure)), None) => return Err(self.without_a_step(failure)),
                _ => {}
            }
        }
        let is_first = planned.effect.may_change() && !self.state.touched();
        self.record(StepEvent::Started(planned.clone()));
        let before = self.state.begun_before(&planned.id).cloned();
        let recovered = self.state.recovered_with(&planned).cloned();
        let written = self.written_down();
        let work = async {
            // The intent to do what must not be done twice outlives this process and this machine. Of all else, others should
            // learn that the run may have changed something; where that cannot be, this machine knows.
            match kept(record.filter(|_| is_once || is_first), &context).await? {
                Err(failure) if is_once => return Err(failure),
                Err(failure) => context.notice(only_here(failure)),
                Ok(()) if is_once => written?,
                Ok(()) => {}
            }
            if let Some(run) = recovered {
                let detail = format!("the platform recovered by run {run}");
                return Ok(Outcome::Skipped { detail });
            }
            match once::stands(step, &planned, before.as_ref(), &context).await? {
                Holds::Yes(detail) => Ok(Outcome::Skipped { detail }),
                Holds::Again => step.run(&context).await,
            }
        };
        let (result, asked) = self.attend(&planned.id, &halt, &mut emitted, work).await;
        match (result, asked) {
            (Some(Ok(outcome)), _) => {
                self.record(StepEvent::Finished {
                    id: planned.id,
                    outcome,
                });
                Ok(())
            }
            (result, Some(why)) => {
                let failure = result.and_then(Result::err).unwrap_or_else(|| Failure::new("stopped"));
                let waited_for = failure.causes.clone();
                self.record(StepEvent::Finished {
                    id: planned.id.clone(),
                    outcome: Outcome::Failed { failure },
                });
                let (outcome, mut ended) = self.stopped(why, Some(&planned.title));
                if ended.causes.is_empty() {
                    ended.causes = waited_for;
                }
                Err((outcome, ended))
            }
            (Some(Err(failure)), None) => Err(self.failed(planned.id, failure)),
            // Without a reason to stop the loop ends only with the step's result.
            (None, None) => Err((RunOutcome::Failed, Failure::new("the step ended without a result"))),
        }
    }

    /// Records that a step failed, and returns how the run ends by it.
    fn failed(&mut self, id: String, failure: Failure) -> (RunOutcome, Failure) {
        self.record(StepEvent::Finished {
            id,
            outcome: Outcome::Failed {
                failure: failure.clone(),
            },
        });
        (end::by_failure(&self.state), failure)
    }

    /// How the run ends by a failure before a step began.
    fn without_a_step(&self, failure: Failure) -> (RunOutcome, Failure) {
        (end::by_failure(&self.state), failure)
    }

    /// Waits for work of a step, takes in what it emits, and tells it to stop when the run is to end early. Without a result where
    /// it did not stop in time.
    async fn attend<T>(
        &mut self,
        id: &str,
        halt: &CancellationToken,
        emitted: &mut mpsc::UnboundedReceiver<Body>,
        work: impl Future<Output = T>,
    ) -> (Option<T>, Option<Stop>) {
        let mut work = Box::pin(work);
        let mut asked: Option<Stop> = None;
        let mut grace_ends = tokio::time::Instant::now();
        let deadline = self.left().map(|left| tokio::time::Instant::now() + left);
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        heartbeat.reset();
        let result = loop {
            tokio::select! {
                biased;
                Some(body) = emitted.recv() => self.record(body),
                result = &mut work => break Some(result),
                why = ended_by(&self.settings, deadline), if asked.is_none() => {
                    asked = Some(why);
                    self.record(Run::Stopping { reason: why.words() });
                    grace_ends = tokio::time::Instant::now() + GRACE;
                    halt.cancel();
                }
                () = tokio::time::sleep_until(grace_ends), if asked.is_some() => break None,
                _ = heartbeat.tick() => self.beat(id),
            }
        };
        drop(work);
        while let Ok(body) = emitted.try_recv() {
            self.record(body);
        }
        (result, asked)
    }

    /// Refuses what must not be done twice where the run is not written down on this machine any more.
    fn written_down(&self) -> Result<(), Failure> {
        if self.state.is_journaled {
            return Ok(());
        }
        Err(Failure::new(
            "the next step must not be done twice, and the run is no longer written down: after a crash nobody would know whether it was done",
        )
        .hint("make room for the journal (`--state` names another place), and go on with --resume"))
    }

    /// Says again how far the step is.
    fn beat(&mut self, id: &str) {
        let running = self
            .state
            .steps
            .iter()
            .find(|step| step.step.id == id)
            .map(|step| step.status.clone());
        if let Some(StepStatus::Running { done, total, note }) = running {
            self.record(StepEvent::Progress {
                id: id.to_owned(),
                done,
                total,
                note,
            });
        }
    }

    /// How the run ends when it was stopped.
    fn stopped(&self, why: Stop, at: Option<&str>) -> (RunOutcome, Failure) {
        why.end(&self.state, &self.settings.alarm, at)
    }

    fn elapsed(&self) -> Duration {
        self.settings.clock.elapsed().saturating_sub(self.begun)
    }

    /// Returns the time left until the deadline.
    fn left(&self) -> Option<Duration> {
        Some(self.settings.deadline?.saturating_sub(self.elapsed()))
    }

    fn due(&self) -> Option<Stop> {
        if self.settings.alarm.why().is_some() {
            return Some(Stop::Alarm);
        }
        if self.settings.interrupt.is_cancelled() {
            return Some(Stop::Interrupted);
        }
        self.left().filter(Duration::is_zero).map(|_| Stop::Deadline)
    }

    /// Returns the event with every known secret value masked: the net under all texts that came from elsewhere.
    fn masked(&self, event: Event) -> Event {
        let Ok(mut value) = serde_json::to_value(&event) else {
            return event;
        };
        if !mask(&mut value, &self.settings.redactor) {
            return event;
        }
        serde_json::from_value(value).unwrap_or(Event {
            body: Body::Unknown,
            ..event
        })
    }
}

/// Masks known secret values in every text of an event, each as it will be read and not as JSON escapes it once more.
/// Returns whether there was any.
fn mask(value: &mut Value, redactor: &Redactor) -> bool {
    match value {
        Value::String(text) => match redactor.redact(text) {
            Cow::Borrowed(_) => false,
            Cow::Owned(masked) => {
                *text = masked;
                true
            }
        },
        Value::Array(items) => items.iter_mut().fold(false, |found, item| mask(item, redactor) | found),
        Value::Object(fields) => fields
            .iter_mut()
            // These are words of our own; one that a secret happens to equal must not make the event unreadable.
            .filter(|(name, _)| !STRUCTURE.contains(&name.as_str()))
            .fold(false, |found, (_, field)| mask(field, redactor) | found),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Waits until all that was taken is in the second place. The outer failure is that the step was stopped first.
async fn kept(record: Option<Arc<dyn Record>>, context: &Context) -> Result<Result<(), Failure>, Failure> {
    match record {
        Some(record) => context.unless_stopped(record.kept()).await,
        None => Ok(Ok(())),
    }
}

fn only_here(failure: Failure) -> String {
    let why: Vec<_> = std::iter::once(failure.message).chain(failure.causes).collect();
    format!(
        "The run can be gone on with from this machine only: {}.",
        why.join(": ")
    )
}

/// Resolves when the run is to end early, with why.
async fn ended_by(settings: &Settings, deadline: Option<tokio::time::Instant>) -> Stop {
    tokio::select! {
        biased;
        () = settings.alarm.raised() => Stop::Alarm,
        () = settings.interrupt.cancelled() => Stop::Interrupted,
        () = wait(deadline) => Stop::Deadline,
    }
}

/// Resolves at the time, or never if there is none.
async fn wait(until: Option<tokio::time::Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
