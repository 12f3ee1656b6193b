//! Whether an Application or an `ApplicationSet` is ready, and if not, everything that stands in the way.
//!
//! An Application is ready when no sync is asked for or running, it was compared with its present specification after
//! the last sync ended and after the restore began, and is then Synced and Healthy without an error. Each of these guards
//! against a verdict that is true of an earlier state: Argo CD has no observed generation for Applications.

use jiff::Timestamp;

use super::application::{Application, Operation};
use super::applicationset::{ApplicationSet, Rollout};
use super::message::{about, cause, failures, few, itself, one_line, waiting};
use crate::event::{Blocker, NodePhase};

/// One thing that stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// The agent's word for it, such as `Degraded`, if a policy may allow it; `None` for what only time can mend.
    pub word: Option<String>,
    /// Whether waiting alone may not mend it.
    pub failing: bool,
    /// What is known of it. May be empty where the word says all.
    pub blockers: Vec<Blocker>,
}

impl Obstacle {
    pub(super) fn pending(blocker: Blocker) -> Self {
        Self {
            word: None,
            failing: false,
            blockers: vec![blocker],
        }
    }

    fn word(word: &str, failing: bool, blockers: Vec<Blocker>) -> Self {
        Self {
            word: Some(word.to_owned()),
            failing,
            blockers,
        }
    }
}

/// What is known of an Application from elsewhere.
#[derive(Debug, Clone, Copy, Default)]
pub struct Surroundings<'object> {
    /// A comparison must be at least as new as this; `None` where it is known to be new enough.
    pub since: Option<Timestamp>,
    /// Where the `RollingSync` of its set is with it.
    pub rollout: Option<Rollout<'object>>,
    /// Why its project lets nobody sync it now; `None` where it does.
    pub closed: Option<&'object str>,
}

/// Returns everything that keeps an Application from being ready; empty when it is.
pub fn application(app: Application<'_>, surroundings: Surroundings<'_>) -> Vec<Obstacle> {
    let mut obstacles = Vec::new();
    if app.is_deleting() {
        let finalizers = app.finalizers();
        let waits = if finalizers.is_empty() {
            String::new()
        } else {
            format!(", waits on finalizers: {}", finalizers.join(", "))
        };
        obstacles.push(Obstacle::pending(itself(format!("is being deleted{waits}"))));
    }
    if app.is_skipped() {
        obstacles.push(Obstacle::pending(itself(
            "`argocd.argoproj.io/skip-reconcile` tells Argo CD to leave it alone",
        )));
    }
    obstacles.extend(operation(app, surroundings));
    obstacles.extend(comparison(app, surroundings.since));
    obstacles.extend(sync(app, surroundings));
    obstacles.extend(health(app));
    for (kind, message) in app.conditions().filter(|(kind, _)| kind.ends_with("Error")) {
        obstacles.push(Obstacle::word(
            kind,
            true,
            vec![itself(format!("{kind}: {}", one_line(cause(message))))],
        ));
    }
    obstacles
}

/// What a sync says: one that is asked for, runs, waits for its next try or has failed.
fn operation(app: Application<'_>, surroundings: Surroundings<'_>) -> Option<Obstacle> {
    let state = app.operation();
    match state.map(Operation::phase) {
        Some("Running" | "Terminating") => {
            let state = state?;
            if state.waits_for_retry() {
                return Some(Obstacle {
                    word: None,
                    failing: true,
                    blockers: failures(state),
                });
            }
            if state.phase() == "Terminating" {
                return Some(Obstacle::pending(itself("its sync is being terminated")));
            }
            if let Some(closed) = surroundings.closed.filter(|_| state.is_held_by_window()) {
                return Some(Obstacle::pending(itself(closed)));
            }
            Some(Obstacle::pending(waiting(app, state)))
        }
        _ if app.is_operation_asked() => Some(Obstacle::pending(itself("a sync is asked for and has not begun"))),
        // Of a failed hook after the sync nothing else tells: all is Synced. What failed at an earlier revision is past.
        Some(word @ ("Failed" | "Error")) if app.sync() != "Synced" || state?.is_of_revision(app) => {
            Some(Obstacle::word(word, true, failures(state?)))
        }
        Some("Succeeded" | "Failed" | "Error") if state?.finished_at().is_none() => {
            Some(Obstacle::pending(itself("its sync has not ended")))
        }
        _ => None,
    }
}

/// Whether the verdict is about the present.
fn comparison(app: Application<'_>, since: Option<Timestamp>) -> Option<Obstacle> {
    let pending = |reason: &str| Some(Obstacle::pending(itself(reason)));
    if app.is_refresh_pending() {
        return pending("a refresh is asked for and not yet answered");
    }
    let Some(reconciled) = app.reconciled_at() else {
        return pending("Argo CD has not compared it yet");
    };
    let finished = app.operation().and_then(Operation::finished_at);
    if finished.is_some_and(|finished| reconciled < finished) {
        return pending("not compared since its last sync ended");
    }
    // Times of the API have a resolution of a second: what happened in the second of the start may have come after it.
    if since.is_some_and(|since| reconciled.as_second() < since.as_second()) {
        return pending("not compared since this run began");
    }
    if !app.is_compared_to_spec() {
        return pending("not compared with its present specification");
    }
    None
}

fn sync(app: Application<'_>, surroundings: Surroundings<'_>) -> Option<Obstacle> {
    match app.sync() {
        "Synced" => None,
        "OutOfSync" => Some(Obstacle::word("OutOfSync", false, out_of_sync(app, surroundings))),
        "" => Some(Obstacle::pending(itself("has no sync status yet"))),
        word => Some(Obstacle::word(word, false, Vec::new())),
    }
}

/// Why an app stays out of sync, as far as its own fields tell.
fn out_of_sync(app: Application<'_>, surroundings: Surroundings<'_>) -> Vec<Blocker> {
    let differing: Vec<_> = app
        .resources()
        .filter(|resource| !matches!(resource.status(), "" | "Synced"))
        .collect();
    let running = app.is_operation_asked() || app.operation().is_some_and(|state| state.phase() == "Running");
    if running {
        return Vec::new();
    }
    let mut blockers = Vec::new();
    if let Some(rollout) = surroundings.rollout {
        let said = one_line(rollout.message);
        let step = if rollout.step.is_empty() {
            "no step"
        } else {
            rollout.step
        };
        blockers.push(itself(
            format!("RollingSync of its set, step {step}: {} {said}", rollout.status)
                .trim()
                .to_owned(),
        ));
    } else if !app.is_automated() {
        blockers.push(itself("no automated sync: somebody must start its sync"));
    } else if let Some(closed) = surroundings.closed {
        blockers.push(itself(closed));
    } else if !differing.is_empty() && differing.iter().all(|resource| resource.requires_pruning()) && !app.prunes() {
        blockers.push(itself("only prunes are left, and automated pruning is off"));
    } else if let Some(done) = app.operation().filter(|state| state.phase() == "Succeeded")
        && !app.heals_itself()
        && !done.revision().is_empty()
        && app.revision() == Some(done.revision())
    {
        blockers.push(itself(
            "this revision was synced already, and without selfHeal Argo CD does not sync it again",
        ));
    }
    let named = differing
        .iter()
        .map(|resource| {
            let reason = if resource.requires_pruning() {
                "OutOfSync, to be pruned"
            } else {
                resource.status()
            };
            about(&resource.id(), reason)
        })
        .collect();
    blockers.extend(few(named, "objects are out of sync"));
    blockers
}

fn health(app: Application<'_>) -> Option<Obstacle> {
    match app.health() {
        "Healthy" => None,
        "" => Some(Obstacle::pending(itself("has no health yet"))),
        word => {
            let unhealthy: Vec<_> = app
                .resources()
                .filter(|resource| !matches!(resource.health(), "" | "Healthy"))
                .map(|resource| {
                    let message = one_line(resource.health_message());
                    let reason = if message.is_empty() {
                        resource.health().to_owned()
                    } else {
                        format!("{}: {message}", resource.health())
                    };
                    about(&resource.id(), reason)
                })
                .collect();
            let mut blockers = few(unhealthy, "objects are not healthy");
            let message = one_line(app.health_message());
            if !message.is_empty() {
                blockers.push(itself(format!("{word}: {message}")));
            }
            Some(Obstacle::word(word, word == "Degraded", blockers))
        }
    }
}

/// Returns everything that keeps an `ApplicationSet` from being complete. `there` is how many of its Applications are.
pub fn application_set(set: ApplicationSet<'_>, there: usize) -> Vec<Obstacle> {
    let mut obstacles = Vec::new();
    if set.is_deleting() {
        obstacles.push(Obstacle::pending(itself("is being deleted")));
    }
    if set.is_refresh_pending() {
        obstacles.push(Obstacle::pending(itself("a refresh is asked for and not yet answered")));
    }
    if !set.has_conditions() {
        obstacles.push(Obstacle::pending(itself(
            "the ApplicationSet controller has not looked at it yet",
        )));
        return obstacles;
    }
    let error = set.condition("ErrorOccurred");
    if error.status == "True" {
        let said = format!("{}: {}", error.reason, one_line(error.message));
        obstacles.push(Obstacle::word("ErrorOccurred", true, vec![itself(said)]));
    }
    for (kind, wanted) in [("ParametersGenerated", "True"), ("ResourcesUpToDate", "True")] {
        let condition = set.condition(kind);
        if condition.status != wanted {
            let said = if condition.status.is_empty() {
                "not yet".to_owned()
            } else {
                one_line(condition.message)
            };
            obstacles.push(Obstacle::pending(itself(format!("{kind}: {said}"))));
        }
    }
    let rollout = set.condition("RolloutProgressing");
    if rollout.status == "True" {
        obstacles.push(Obstacle::pending(itself(format!(
            "RolloutProgressing: {}",
            one_line(rollout.message)
        ))));
    }
    let count = set.count();
    if count > there {
        obstacles.push(Obstacle::pending(itself(format!(
            "{there} of its {count} Applications are there"
        ))));
    }
    obstacles
}

/// Returns the phase that obstacles make, where some words are allowed.
pub fn phase(obstacles: &[Obstacle], allow: &[String]) -> NodePhase {
    let allowed = |obstacle: &Obstacle| obstacle.word.as_ref().is_some_and(|word| allow.contains(word));
    if obstacles.is_empty() {
        NodePhase::Ready
    } else if obstacles.iter().all(allowed) {
        NodePhase::Excepted
    } else if obstacles.iter().any(|obstacle| obstacle.failing && !allowed(obstacle)) {
        NodePhase::Failing
    } else {
        NodePhase::Progressing
    }
}

/// Returns the agent's own words for an Application's state, such as `OutOfSync, Missing`.
pub fn words(app: Application<'_>) -> String {
    let words: Vec<_> = [app.sync(), app.health()]
        .into_iter()
        .filter(|word| !word.is_empty())
        .collect();
    if words.is_empty() {
        "new".to_owned()
    } else {
        words.join(", ")
    }
}

#[cfg(test)]
#[path = "settled_tests.rs"]
mod tests;
