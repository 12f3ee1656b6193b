//! Puts what is known of live objects in place of what the agent says of them.
//!
//! Argo CD says that an app is Progressing, not which of its objects is, nor why: since 3.0 the health of single objects is not in
//! the Application (`status.resourceHealthSource: appTree`).

use std::time::Duration;

use jiff::Timestamp;

use super::node::View;
use super::since;
use crate::event::Blocker;
use crate::object::ObjectRef;
use crate::platform::argocd::application::{Application, Resource};
use crate::platform::argocd::message::{about, few};
use crate::platform::argocd::settled::Obstacle;
use crate::platform::live::Live;

impl View<'_> {
    /// Tells of each object that stands in the way why it is not well, as far as that is seen. Returns in what time what is no
    /// more than a warning now is a failure.
    pub(super) fn explain(&self, app: Application<'_>, obstacles: &mut [Obstacle]) -> Option<Duration> {
        if self.tree.live.is_empty() || !app.is_in_cluster() {
            return None;
        }
        let unwell = self.unwell(app);
        let mut look_again = None;
        for obstacle in obstacles.iter_mut() {
            for blocker in &mut obstacle.blockers {
                self.deepen(app, blocker, &unwell);
            }
            let is_health = obstacle.word.as_deref().is_some_and(|word| word == app.health());
            if !is_health || unwell.is_empty() {
                continue;
            }
            obstacle.blockers = few(told(&unwell), "reasons");
            let warning = warning(&unwell, self.now).filter(|_| obstacle.failing);
            if warning.is_some() {
                obstacle.failing = false;
                look_again = warning;
            }
        }
        // What is known to be wrong comes before what only is not known yet, such as that the agent has not compared it again.
        let is_known = |blocker: &Blocker| {
            unwell
                .iter()
                .any(|(id, live)| !live.why.is_empty() && id.to_string() == blocker.object)
        };
        obstacles.sort_by_key(|obstacle| !obstacle.blockers.iter().any(is_known));
        look_again
    }

    /// Returns the objects of an app that are not well: the worst first.
    fn unwell(&self, app: Application<'_>) -> Vec<(ObjectRef, &Live)> {
        let mut unwell: Vec<_> = app
            .resources()
            .filter(|resource| !resource.is_app() && !resource.is_hook() && !resource.requires_pruning())
            .map(Resource::id)
            .filter_map(|id| self.tree.live.get(&id).map(|live| (id, live)))
            .filter(|(_, live)| live.is_unwell())
            .collect();
        // One that says why comes before one that only says that it is not well.
        unwell.sort_by_key(|(_, live)| {
            let status = live.health.as_ref().map(|health| health.status);
            (live.why.is_empty(), std::cmp::Reverse(status))
        });
        unwell
    }

    /// Adds to a blocker about an object, such as one that a sync waits for, why that object is not well.
    fn deepen(&self, app: Application<'_>, blocker: &mut Blocker, unwell: &[(ObjectRef, &Live)]) {
        if blocker.object.is_empty() {
            return;
        }
        let same = |id: &ObjectRef| id.to_string() == blocker.object;
        if let Some((id, live)) = unwell.iter().find(|(id, _)| same(id)) {
            blocker.reason = reasons(id, live).swap_remove(0);
            return;
        }
        // A hook is not among the app's own resources.
        let hook = app
            .operation()
            .and_then(|operation| operation.results().map(Resource::id).find(same));
        if let Some((id, live)) = hook.and_then(|id| self.tree.live.get(&id).map(|live| (id, live)))
            && let Some(why) = live.why.first()
        {
            blocker.reason = format!("{}: {}", blocker.reason, short(&id, why));
        }
    }
}

fn told(unwell: &[(ObjectRef, &Live)]) -> Vec<Blocker> {
    let mut firsts = Vec::new();
    let mut others = Vec::new();
    for (id, live) in unwell {
        let mut all = reasons(id, live).into_iter().map(|reason| about(id, reason));
        firsts.extend(all.next());
        others.extend(all);
    }
    // Each object is told of before a second reason of the first.
    firsts.extend(others);
    firsts
}

/// Returns why an object is not well: at least one reason.
fn reasons(id: &ObjectRef, live: &Live) -> Vec<String> {
    let reasons: Vec<_> = live.why.iter().map(|why| short(id, why)).collect();
    if !reasons.is_empty() {
        return reasons;
    }
    let Some(health) = &live.health else {
        return vec!["not well".to_owned()];
    };
    let said = if health.message.is_empty() {
        format!("{:?}", health.status)
    } else {
        format!("{:?}: {}", health.status, health.message)
    };
    vec![said]
}

/// Names the object at the bottom, without what the one at the top says already.
fn short(id: &ObjectRef, why: &Blocker) -> String {
    if why.object == id.to_string() {
        return why.reason.clone();
    }
    let object = why.object.replacen(&format!(" {}/", id.namespace), " ", 1);
    format!("{object}: {}", why.reason)
}

/// Returns in what time all that is wrong is more than a warning; `None` where something is now.
fn warning(unwell: &[(ObjectRef, &Live)], now: Timestamp) -> Option<Duration> {
    let degraded = unwell.iter().filter(|(_, live)| {
        let status = live.health.as_ref().map(|health| health.status);
        status == Some(crate::health::Status::Degraded)
    });
    let until = degraded
        .map(|(_, live)| live.warning_until)
        .reduce(|one, other| Some(one?.max(other?)))??;
    (until > now).then(|| since(now, until))
}

#[cfg(test)]
#[path = "reason_tests.rs"]
mod tests;
