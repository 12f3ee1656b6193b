//! What a step gets from the engine: a way to say what happens, and a way to hear that it should stop.

use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::event::{Body, Failure, Run, Step};

/// A step's view of the engine.
#[derive(Debug, Clone)]
pub struct Context {
    pub(super) step: String,
    pub(super) events: UnboundedSender<Body>,
    pub(super) stop: CancellationToken,
    pub(super) clock: Arc<dyn Clock>,
}

impl Context {
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

    /// Resolves when the step should begin nothing new and return.
    pub async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// Returns the clock.
    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// Waits for work unless the step is stopped first.
    pub async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = self.stopped() => Err(Failure::new("stopped while waiting")),
            value = work => Ok(value),
        }
    }
}
