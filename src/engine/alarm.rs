//! What ends a run although no step of it failed, such as a cluster that is not this run's any more.

use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;

use crate::event::Failure;

/// Raised once, from whatever outlives the steps; all clones hear of it.
#[derive(Debug, Clone, Default)]
pub struct Alarm(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    why: OnceLock<Failure>,
    raised: CancellationToken,
}

impl Alarm {
    /// Ends the run: requests in flight end, nothing new begins. The first reason is kept.
    pub fn raise(&self, why: Failure) {
        let _ = self.0.why.set(why);
        self.0.raised.cancel();
    }

    /// Resolves when it is raised.
    pub(super) async fn raised(&self) {
        self.0.raised.cancelled().await;
    }

    /// Returns why it was raised, if it was.
    pub(super) fn why(&self) -> Option<&Failure> {
        self.0.why.get()
    }
}
