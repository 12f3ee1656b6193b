//! What somebody types while a view is drawn must not be written into it.
//!
//! A terminal echoes what is typed where its cursor is. An Enter would shift the next picture by a line, and a line of the last
//! one would stay for ever. So the echo is off while a view is drawn, and back on while a person is asked and at the end.

use std::io::stderr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

/// How the terminal was before its echo was turned off; nothing while it is as it was.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Turns the echo of the terminal on standard error off. Does nothing where there is none.
pub(super) fn hush() {
    let mut before = before();
    if before.is_some() || is_of_others() {
        return;
    }
    let Ok(now) = tcgetattr(stderr()) else { return };
    if !now.local_modes.contains(LocalModes::ECHO) {
        return;
    }
    let mut silent = now.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    if tcsetattr(stderr(), OptionalActions::Now, &silent).is_ok() {
        *before = Some(now);
    }
}

/// Leaves the terminal as it was before a view was drawn on it. For whoever ends the process at once, too.
pub fn restore_echo() {
    if let Some(before) = before().take()
        && !is_of_others()
    {
        let _ = tcsetattr(stderr(), OptionalActions::Now, &before);
    }
}

/// Whether the terminal belongs to another program now, such as the shell that put this one into the background: the system
/// would stop a process that changes it, and the shell sets it as it likes.
fn is_of_others() -> bool {
    tcgetpgrp(stderr()).is_ok_and(|group| group != getpgrp())
}

fn before() -> MutexGuard<'static, Option<Termios>> {
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
}
