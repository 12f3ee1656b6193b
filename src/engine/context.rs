//! What a step gets from the engine: a way to say what happens, and a way to hear that it should stop.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use super::{Answer, Person};
use crate::clock::Clock;
use crate::event::{Body, Failure, Question, Run, Step};

/// A step's view of the engine.
#[derive(Clone)]
pub struct Context {
    pub(super) step: String,
    pub(super) events: UnboundedSender<Body>,
    pub(super) stop: CancellationToken,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) person: Arc<dyn Person>,
}

impl Context {
    /// Returns the id of the step.
    pub fn step(&self) -> &str {
        &self.step
    }

    /// Emits an event.
    pub fn emit(&self, body: impl Into<Body>) {
        // The receiver lives as long as the step; were it gone, nobody could be told anyway.
        let _ = self.events.send(body.into());
    }

    /// Says how far the step is.
    pub fn progress(&self, done: usize, total: Option<usize>, note: impl Into<String>) {
        let (done, total) = (done as u64, total.map(|total| total as u64));
        self.emit(Step::Progress {
            id: self.step.clone(),
            done,
            total,
            note: note.into(),
        });
    }

    /// Tells people something that is neither success nor failure.
    pub fn notice(&self, notice: impl Into<String>) {
        self.emit(Run::Noticed { notice: notice.into() });
    }

    /// Records that a person has vouched for something, with the flag that said it and the person's words.
    pub fn vouched(&self, what: impl Into<String>, reason: impl Into<String>) {
        self.emit(Run::Vouched {
            what: what.into(),
            reason: reason.into(),
        });
    }

    /// Whether there is a person who can be asked.
    pub fn is_attended(&self) -> bool {
        self.person.is_there()
    }

    /// Asks a person and waits for the answer. Fails when nobody is there, when the time for the answer is over, and when
    /// the step is stopped.
    pub async fn ask(&self, question: Question) -> Result<Answer, Failure> {
        if !self.is_attended() {
            return Err(
                Failure::new("nobody is there to be asked").hint(format!("answer beforehand: {}", question.flag))
            );
        }
        let limit = question.timeout_ms.map(Duration::from_millis);
        self.emit(Step::Asked {
            id: self.step.clone(),
            question: question.clone(),
        });
        let asked = async {
            // The loop takes the event before this goes on, so that the screens have stepped aside when the person is asked.
            tokio::task::yield_now().await;
            match limit {
                None => Ok(self.person.ask(&question).await),
                Some(limit) => tokio::time::timeout(limit, self.person.ask(&question)).await,
            }
        };
        let answer = self
            .unless_stopped(asked)
            .await?
            .map_err(|_| {
                Failure::new("nobody answered in time").hint(format!("go on when somebody can: {}", question.flag))
            })?
            .ok_or_else(|| Failure::new("the terminal was closed before an answer came"))?;
        let (approved, by, comment) = match &answer {
            Answer::Given { by, comment } => (true, by.clone(), comment.clone()),
            Answer::Refused { by } => (false, by.clone(), String::new()),
        };
        self.emit(Step::Answered {
            id: self.step.clone(),
            approved,
            by,
            comment,
        });
        Ok(answer)
    }

    /// Returns what is cancelled when the step should begin nothing new, for adapters that heed it themselves.
    pub fn halt(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Resolves when the step should begin nothing new and return.
    pub async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// Returns the clock.
    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// Returns the clock, for what outlives the step.
    pub fn shared_clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// Waits for work unless the step is stopped first. The work is dropped then, so it must be none that changes anything.
    pub async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = self.stopped() => Err(Failure::new("stopped while waiting")),
            value = work => Ok(value),
        }
    }
}
