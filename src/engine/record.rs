//! A second place where a run is written down, for the day on which the first is lost.

use async_trait::async_trait;

use crate::event::{Event, Failure};

/// Keeps lifecycle events outside of this machine. The journal stays the first place and the only one that is waited for,
/// but before a step that must not be done twice this one is waited for too.
#[async_trait]
pub trait Record: Send + Sync {
    /// Takes a lifecycle event; it is written soon.
    fn keep(&self, event: &Event);

    /// Waits until all that was taken is written.
    async fn kept(&self) -> Result<(), Failure>;
}
