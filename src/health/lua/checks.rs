//! All checks that an Argo CD has, in the order in which it asks them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::bounded;
use super::script::{Broken, Script};
use super::scripts::Scripts;
use crate::health::field::text;
use crate::health::judge::{by_kind, deleted, has_check};
use crate::health::verdict::{Health, Status};

/// The checks of one Argo CD: those of its settings, those that come with it, those of its own code.
#[derive(Debug, Default)]
pub struct Checks {
    settings: Scripts,
    bundle: Scripts,
}

impl Checks {
    /// Takes the scripts of an Argo CD by what they judge: `group/Kind`, `Kind` for the core group, or a pattern of
    /// these. In a pattern of the settings `*` stands for any text; in one of the bundle it ends at a `/`.
    pub fn new(settings: BTreeMap<String, Script>, bundle: BTreeMap<String, Script>) -> Self {
        Self {
            settings: Scripts::new(settings, false),
            bundle: Scripts::new(bundle, true),
        }
    }

    /// Returns how many scripts there are.
    pub fn count(&self) -> usize {
        self.settings.count() + self.bundle.count()
    }

    /// Returns what cannot be used: scripts that are not Lua, patterns that are none. An object that such a script would
    /// judge is [`Status::Unknown`]; a pattern that is none judges nothing.
    pub fn broken(&self) -> Vec<Broken> {
        self.settings.broken().chain(self.bundle.broken()).collect()
    }

    /// Returns which scripts are not run any more since they took too long, and why. What they would judge is
    /// [`Status::Unknown`].
    pub fn given_up(&self) -> Vec<Broken> {
        self.settings.given_up().chain(self.bundle.given_up()).collect()
    }

    /// Whether the checks that come with this Argo CD are among them.
    pub fn has_bundle(&self) -> bool {
        self.bundle.count() > 0
    }

    /// Whether a script judges objects of a kind, which takes its time.
    pub fn has_script(&self, group: &str, kind: &str) -> bool {
        self.script(&key(group, kind)).is_some()
    }

    /// Whether anything checks objects of a kind, by its group (empty for the core group). What nothing checks need not be
    /// watched: it is well as soon as it is there.
    pub fn cover(&self, group: &str, kind: &str) -> bool {
        self.has_script(group, kind) || has_check(group, kind)
    }

    /// Says how well an object is; `None` where nothing checks its kind, or its script has nothing to say.
    ///
    /// The order is Argo CD's (`util/lua/lua.go`, `GetHealthScript`): the settings by name, the settings by pattern, the
    /// bundle by name, the bundle by pattern, and only then the check in Argo CD's code. A script that fails is
    /// [`Status::Unknown`] with the reason. Waits for a script, two seconds at the most.
    pub fn judge(&self, object: &Value) -> Option<Health> {
        if let Some(health) = deleted(object) {
            return Some(health);
        }
        let group = text(object, "/apiVersion")
            .split_once('/')
            .map_or("", |(group, _)| group);
        let key = key(group, text(object, "/kind"));
        match self.script(&key) {
            Some(script) => bounded::run(script, object).unwrap_or_else(|error| {
                Some(Status::Unknown.because(format!("the health check for {key} failed: {error}")))
            }),
            None => by_kind(object),
        }
    }

    fn script(&self, key: &str) -> Option<&Arc<Script>> {
        self.settings.find(key).or_else(|| self.bundle.find(key))
    }
}

/// Returns by what name a script is found.
fn key(group: &str, kind: &str) -> String {
    if group.is_empty() {
        kind.to_owned()
    } else {
        format!("{group}/{kind}")
    }
}
