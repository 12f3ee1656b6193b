//! A program and all that it started.

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Child;

/// The process group of a running program; killed when this is dropped.
pub(super) struct Group(Option<Pid>);

impl Group {
    pub(super) fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw))
    }

    /// Returns the id of the program, by which the system knows it and its group; `None` once it has ended.
    pub(super) fn id(&self) -> Option<Pid> {
        self.0
    }

    pub(super) fn signal(&self, signal: Signal) {
        if let Some(group) = self.0 {
            // It fails only when nobody is left to receive it, which is what is wanted.
            let _ = kill_process_group(group, signal);
        }
    }

    /// From now on the number of the group may be another's.
    pub(super) fn has_ended(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}
