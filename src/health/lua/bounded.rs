//! Runs a script for a bounded time.
//!
//! It runs on a thread of its own, since not everything can be stopped from within: the machine asks whether its time is
//! up between two instructions, and one instruction may search a text for minutes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::machine;
use super::script::Script;
use crate::health::verdict::Health;

/// How long a script may take; the same as with Argo CD (`util/lua/lua.go`).
const LIMIT: Duration = Duration::from_secs(1);

/// How long a script that was stopped may take to end.
const GRACE: Duration = Duration::from_secs(1);

/// Why a script gave no verdict.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("it did not end within {} s", LIMIT.as_secs())]
    TooSlow,
    #[error("it did not end within {} s and could not be stopped", LIMIT.as_secs())]
    Hangs,
    #[error("it could not be stopped once, so it is not run again")]
    Hung,
    #[error("it did not end in time {0} times in a row, so it is not run again")]
    Slow(u32),
    #[error("it needs more memory than {} MB", machine::MEMORY >> 20)]
    TooLarge,
    #[error("it returned {0} where a table is expected")]
    NoTable(&'static str),
    #[error("{0}")]
    Failed(String),
}

/// Runs a script on an object; `None` where it has nothing to say.
pub(super) fn run(script: &Arc<Script>, object: &Value) -> Result<Option<Health>, Error> {
    if let Some(why) = script.given_up() {
        return Err(why);
    }
    let (answer, answered) = mpsc::sync_channel(1);
    let late = Arc::new(AtomicBool::new(false));
    let (script_there, object, late_there) = (Arc::clone(script), object.clone(), Arc::clone(&late));
    thread::Builder::new()
        .name("health check".to_owned())
        .spawn(move || drop(answer.send(machine::run(&script_there, &object, &late_there))))
        .map_err(|error| Error::Failed(error.to_string()))?;
    match answered.recv_timeout(LIMIT) {
        Ok(verdict) => {
            script.ended(true);
            verdict
        }
        Err(RecvTimeoutError::Disconnected) => Err(Error::Failed("its thread ended".to_owned())),
        Err(RecvTimeoutError::Timeout) => {
            late.store(true, Ordering::Relaxed);
            if matches!(answered.recv_timeout(GRACE), Err(RecvTimeoutError::Timeout)) {
                script.hangs();
                return Err(Error::Hangs);
            }
            script.ended(false);
            Err(Error::TooSlow)
        }
    }
}
