//! Whether a verdict is of this run, and at the right revision.
//!
//! An Application's verdict is of this run if it was compared after the run began: by its own time, or because it was
//! seen to change. A settled platform is not compared anew when a second restore begins, and must not be asked to: there
//! a verdict counts too if it is younger than the time in which a living controller compares everything, and every
//! source is at the commit that we found ourselves in the repository.

use std::time::Duration;

use jiff::Timestamp;

use super::memory::Memory;
use super::{Resolved, Rules, since};
use crate::object::ObjectRef;
use crate::platform::argocd::address;
use crate::platform::argocd::application::{Application, Source};

/// The time in which a living controller compares every Application: `timeout.reconciliation` of 120 s, its jitter of
/// 60 s, and as much again as a queue of a thousand apps takes.
pub(super) const PERIOD: Duration = Duration::from_mins(4);

/// How a source's revision compares with what we found ourselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is what is to be had.
    Current,
    /// We found another commit.
    Elsewhere(String),
    /// We do not know.
    Unknown,
}

/// Compares a source's revision with what we found ourselves.
pub(super) fn standing(source: Source<'_>, rules: &Rules) -> Standing {
    if source.revision.is_empty() {
        return Standing::Unknown;
    }
    // A full commit, or the exact version of a chart.
    if source.revision == source.target {
        return Standing::Current;
    }
    if !source.chart.is_empty() {
        return Standing::Unknown;
    }
    let resolved = rules
        .revisions
        .iter()
        .find(|resolved| resolved.is_of(source.repository, source.target));
    match resolved {
        Some(resolved) if resolved.commit == source.revision => Standing::Current,
        Some(resolved) => Standing::Elsewhere(resolved.commit.clone()),
        None => Standing::Unknown,
    }
}

impl Resolved {
    /// Whether it is of this repository, however the two are written.
    pub fn is_in(&self, repository: &str) -> bool {
        address::normal(&self.repository) == address::normal(repository)
    }

    /// Whether it is of this branch or tag of this repository, however the two are written.
    pub fn is_of(&self, repository: &str, revision: &str) -> bool {
        target(&self.target) == target(revision) && self.is_in(repository)
    }
}

/// Returns the bare name of a branch or tag.
fn target(name: &str) -> &str {
    let bare = name
        .strip_prefix("refs/heads/")
        .or_else(|| name.strip_prefix("refs/tags/"))
        .unwrap_or(name);
    if bare.is_empty() { "HEAD" } else { bare }
}

/// Whether a verdict is of this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is, or counts as if it were.
    Counts,
    /// It is older; a refresh is due after this time.
    Old(Duration),
}

/// Judges the age of an Application's verdict.
pub(super) fn verdict(app: Application<'_>, id: &ObjectRef, rules: &Rules, memory: &Memory, now: Timestamp) -> Verdict {
    let Some(reconciled) = app.reconciled_at() else {
        // It is new; that it was not looked at yet is an obstacle of its own.
        return Verdict::Counts;
    };
    if reconciled.as_second() >= rules.started.as_second() || memory.is_compared(id) {
        return Verdict::Counts;
    }
    let sources = app.sources();
    let current = !sources.is_empty()
        && sources
            .iter()
            .all(|source| standing(*source, rules) == Standing::Current);
    if current && since(reconciled, rules.started) <= PERIOD {
        return Verdict::Counts;
    }
    Verdict::Old(PERIOD.saturating_sub(since(reconciled, now)))
}
