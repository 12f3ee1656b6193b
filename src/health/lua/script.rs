//! One script.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::bounded::Error;
use super::machine;

/// How often in a row it may take too long. On a machine that has much else to do once is no proof.
const SLOW: u32 = 3;

/// A check in Lua. It finds the object as `obj` and returns a table with `status` and `message`.
#[derive(Debug)]
pub struct Script {
    pub(super) text: String,
    pub(super) libraries: bool,
    /// Whether it could not even be stopped once; then it is not run again.
    hangs: AtomicBool,
    /// How often in a row it took too long.
    slow: AtomicU32,
}

impl Script {
    /// Takes a script; `libraries` lets it use `string` and `math` besides what every script has.
    pub fn new(text: impl Into<String>, libraries: bool) -> Self {
        Self {
            text: text.into(),
            libraries,
            hangs: AtomicBool::new(false),
            slow: AtomicU32::new(0),
        }
    }

    /// Why it is not run any more, if it is not.
    pub(super) fn given_up(&self) -> Option<Error> {
        if self.hangs.load(Ordering::Relaxed) {
            return Some(Error::Hung);
        }
        (self.slow.load(Ordering::Relaxed) >= SLOW).then_some(Error::Slow(SLOW))
    }

    /// Takes note of how it ended.
    pub(super) fn ended(&self, in_time: bool) {
        if in_time {
            self.slow.store(0, Ordering::Relaxed);
        } else {
            self.slow.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes note that it could not even be stopped.
    pub(super) fn hangs(&self) {
        self.hangs.store(true, Ordering::Relaxed);
    }

    /// Says what is wrong with it, if it is not Lua.
    pub(super) fn broken(&self, name: &str) -> Option<Broken> {
        machine::compiles(&self.text).err().map(|why| Broken::new(name, why))
    }
}

/// Why a health check cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the health check for `{name}` cannot be used: {why}")]
pub struct Broken {
    /// What it is said to judge: `group/Kind` or a pattern.
    pub name: String,
    /// What is wrong with it.
    pub why: String,
}

impl Broken {
    pub(super) fn new(name: &str, why: String) -> Self {
        Self {
            name: name.to_owned(),
            why,
        }
    }
}
