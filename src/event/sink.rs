//! Who hears of events.

use super::{Event, RunState};

/// A screen, a file or a page. It gets every event of a run in order, with the state after it.
pub trait Sink: Send {
    /// Takes one event. Trouble of a sink (a closed pipe) is its own: it must never stop a recovery.
    fn event(&mut self, event: &Event, state: &RunState);
}
