//! When a sync reaches an object: its phase and its wave (`gitops-engine/pkg/sync/{hook,syncwaves}`).

use std::fmt;

use crate::object::Manifest;

/// A phase of a sync that succeeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Phase {
    PreSync,
    Sync,
    PostSync,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PreSync => "PreSync",
            Self::Sync => "Sync",
            Self::PostSync => "PostSync",
        })
    }
}

/// Whether a sync that succeeds brings an object: hooks that run when something fails or is deleted, or in a test, are not brought.
pub fn is_brought(manifest: &Manifest) -> bool {
    phase(manifest).is_some()
}

/// Returns the first phase in which an object is brought; `None` where that is none.
pub(super) fn phase(manifest: &Manifest) -> Option<Phase> {
    let words = |name: &str| {
        let text = annotation(manifest, name)?;
        Some(
            text.split(',')
                .map(str::trim)
                .filter(|word| !word.is_empty())
                .collect::<Vec<_>>(),
        )
    };
    if let Some(hooks) = words("argocd.argoproj.io/hook").filter(|hooks| !hooks.is_empty()) {
        let phases = hooks.into_iter().filter_map(|hook| match hook {
            "PreSync" => Some(Phase::PreSync),
            "Sync" => Some(Phase::Sync),
            "PostSync" => Some(Phase::PostSync),
            _ => None,
        });
        return phases.min();
    }
    let Some(hooks) = words("helm.sh/hook").filter(|hooks| !hooks.is_empty()) else {
        return Some(Phase::Sync);
    };
    let phases = hooks.into_iter().filter_map(|hook| match hook {
        "pre-install" | "pre-upgrade" => Some(Phase::PreSync),
        "post-install" | "post-upgrade" => Some(Phase::PostSync),
        _ => None,
    });
    phases.min()
}

/// Returns the wave of an object: what is no number counts for nothing, and a weight of Helm's counts for objects that are no hooks
/// as well.
pub fn wave(manifest: &Manifest) -> i32 {
    let number = |name: &str| annotation(manifest, name)?.trim().parse().ok();
    number("argocd.argoproj.io/sync-wave")
        .or_else(|| number("helm.sh/hook-weight"))
        .unwrap_or_default()
}

fn annotation<'object>(manifest: &'object Manifest, name: &str) -> Option<&'object str> {
    manifest.value().pointer("/metadata/annotations")?.get(name)?.as_str()
}
