//! One script.

use std::sync::atomic::AtomicBool;

use super::machine;

/// A check in Lua. It finds the object as `obj` and returns a table with `status` and `message`.
#[derive(Debug)]
pub struct Script {
    pub(super) text: String,
    pub(super) libraries: bool,
    /// Whether it could not even be stopped once; then it is not run again.
    pub(super) hangs: AtomicBool,
}

impl Script {
    /// Takes a script; `libraries` lets it use `string` and `math` besides what every script has.
    pub fn new(text: impl Into<String>, libraries: bool) -> Self {
        Self {
            text: text.into(),
            libraries,
            hangs: AtomicBool::new(false),
        }
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
