//! How long apps usually take, where no earlier run says it.

use std::time::Duration;

use super::kinds::{EXTENSIONS, is_built_in};
use super::model::{AppFacts, Graph};

/// A comparison, a sync and the look at what came of it.
pub(super) const SYNC: u64 = 3;
/// An app of which nobody knows what it brings.
const UNKNOWN: u64 = 60;

/// How long objects take to be well after they are there, in seconds; guesses for images that have to be pulled first.
const KINDS: &[(&str, &str, u64)] = &[
    ("", "PersistentVolumeClaim", 10),
    ("", "Pod", 15),
    ("apps", "DaemonSet", 25),
    ("apps", "Deployment", 20),
    ("apps", "StatefulSet", 45),
    ("argoproj.io", "Application", 0),
    ("argoproj.io", "ApplicationSet", 2),
    ("argoproj.io", "AppProject", 0),
    ("argoproj.io", "Rollout", 25),
    ("batch", "Job", 30),
    ("cert-manager.io", "Certificate", 10),
    ("helm.toolkit.fluxcd.io", "HelmRelease", 40),
    ("networking.k8s.io", "Ingress", 10),
    (EXTENSIONS, "CustomResourceDefinition", 1),
];

impl Graph {
    /// Returns how long an app itself usually takes, from when it is there until it is well, when all that it waits for is: the
    /// slowest of its objects.
    pub(super) fn usual(&self, app: &AppFacts) -> Duration {
        if !app.unknown.is_empty() {
            return Duration::from_secs(UNKNOWN);
        }
        let slowest = app.objects.iter().map(|object| {
            let id = &self.node(*object).id;
            let row = KINDS
                .iter()
                .find(|row| (row.0, row.1) == (id.group.as_str(), id.kind.as_str()));
            match row {
                Some(row) => row.2,
                // A resource of somebody's operator is seldom well at once.
                None if !is_built_in(&id.group) => 5,
                None => 0,
            }
        });
        Duration::from_secs(SYNC + slowest.max().unwrap_or_default())
    }
}
