//! Clusters that the agent cannot reach: one that is absent holds up only its own apps, and those of one that waits for an
//! approval are looked at again when it is connected.

use serde_json::Value;

use super::closure::{self, Member};
use super::node::{Judged, View, node};
use crate::event::{Exception, NodePhase};
use crate::object::ObjectRef;
use crate::platform::argocd::application::Application;
use crate::platform::argocd::message::itself;
use crate::platform::argocd::settled::{self, Obstacle};

/// A cluster that the agent cannot reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Away {
    /// Its name in the runbook.
    pub cluster: String,
    /// The name by which Applications choose it.
    pub name: String,
    /// The addresses by which Applications choose it.
    pub servers: Vec<String>,
    /// Whether it will be connected, and why not.
    pub state: AwayState,
}

/// Whether a cluster will be connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AwayState {
    /// It is connected when all others are settled and a person has approved.
    Held,
    /// It is not connected in this run. With the reason, such as `cluster lab is absent`.
    Gone(String),
}

impl Away {
    /// Whether it is connected later in this run.
    pub fn is_held(&self) -> bool {
        self.state == AwayState::Held
    }

    /// Says why its apps are not ready.
    pub fn words(&self) -> String {
        match &self.state {
            AwayState::Held => format!("waits for the approval to connect cluster {}", self.cluster),
            AwayState::Gone(reason) => reason.clone(),
        }
    }
}

/// More apps than this are never one below the other.
const DEEPEST: usize = 16;

/// Why what stands in the way of an app that has others below it does not count.
pub(super) struct Excuse<'rules> {
    cause: Cause<'rules>,
    /// The app below it.
    pub(super) app: ObjectRef,
}

/// Why an app is not waited for, so that what its state does to those above it does not count either.
enum Cause<'rules> {
    /// It goes to a cluster that cannot be reached.
    Away(&'rules Away),
    /// The runbook leaves it out, or accepts its health; with the reason.
    Accepted(&'rules str),
}

impl Excuse<'_> {
    /// Whether it is looked at again when a cluster is connected.
    pub(super) fn is_held(&self) -> bool {
        matches!(self.cause, Cause::Away(away) if away.is_held())
    }

    /// Says why the app below is not ready.
    pub(super) fn words(&self) -> String {
        match self.cause {
            Cause::Away(away) => away.words(),
            Cause::Accepted(reason) => reason.to_owned(),
        }
    }

    /// Returns what is said of an app whose only trouble is one that nobody waits for.
    pub(super) fn exception(&self, name: &str, words: &str) -> Option<Exception> {
        (!self.is_held()).then(|| Exception {
            subject: name.to_owned(),
            what: words.to_owned(),
            reason: match self.cause {
                Cause::Away(away) => away.words(),
                Cause::Accepted(reason) => format!("only for {}: {reason}", self.app.name),
            },
        })
    }
}

impl<'tree> View<'tree> {
    /// Returns the cluster that an Application goes to, if it cannot be reached.
    pub(super) fn away(&self, app: Application<'_>) -> Option<&'tree Away> {
        self.rules
            .away
            .iter()
            .find(|away| app.goes_to(&away.name, &away.servers))
    }

    /// Returns why an app is not waited for, if it is not; or why the apps below it are not, where these are its only trouble. `depth`
    /// apps are above it, of which there may be a circle.
    fn cause(&self, id: &ObjectRef, depth: usize) -> Option<Cause<'tree>> {
        let app = Application::new(closure::object(self.tree, id)?);
        if let Some(away) = self.away(app) {
            return Some(Cause::Away(away));
        }
        if let Some(policy) = closure::policy(self.rules, id)
            && (policy.ignore || policy.allow.iter().any(|word| word == app.health()))
        {
            return Some(Cause::Accepted(&policy.reason));
        }
        let is_done = app.operation().is_none_or(|operation| operation.phase() == "Succeeded");
        if depth == DEEPEST || app.sync() != "Synced" || !is_done {
            return None;
        }
        let unhealthy = app
            .resources()
            .filter(|resource| !matches!(resource.health(), "" | "Healthy"));
        let mut causes = unhealthy.map(|resource| self.cause(&resource.id(), depth + 1));
        let first = causes.next()??;
        causes.all(|cause| cause.is_some()).then_some(first)
    }

    /// Takes away the obstacles of an app that are there only because of apps below it for which nobody waits: they go to clusters
    /// which cannot be reached, or the runbook leaves them out or accepts their health.
    ///
    /// Its health is then not its own. A sync that waits for such an app is excused only where its cluster is connected
    /// later: else what comes after that app never comes, and nobody must be told that all is well.
    pub(super) fn excuse(&self, object: &Value, obstacles: &mut Vec<Obstacle>) -> Option<Excuse<'tree>> {
        let app = Application::new(object);
        let below: Vec<Excuse<'tree>> = app
            .children()
            .filter_map(|id| {
                Some(Excuse {
                    cause: self.cause(&id, 0)?,
                    app: id,
                })
            })
            .collect();
        let is_excused = |id: &ObjectRef| below.iter().any(|excuse| excuse.app == *id);
        let unhealthy: Vec<_> = app
            .resources()
            .filter(|resource| !matches!(resource.health(), "" | "Healthy"))
            .collect();
        let by_health = !unhealthy.is_empty() && unhealthy.iter().all(|resource| is_excused(&resource.id()));
        let waits = |excuse: &Excuse<'_>, obstacle: &Obstacle| {
            let named = excuse.app.to_string();
            obstacle.word.is_none()
                && !obstacle.blockers.is_empty()
                && obstacle.blockers.iter().all(|blocker| blocker.object == named)
        };
        let excused = |obstacle: &Obstacle| {
            (by_health && obstacle.word.as_deref() == Some(app.health()))
                || below.iter().any(|excuse| excuse.is_held() && waits(excuse, obstacle))
        };
        let before = obstacles.len();
        // An app whose sync waits for one that is held is also out of sync, for what comes after that one.
        let waiting = obstacles
            .iter()
            .any(|obstacle| obstacle.word.is_none() && excused(obstacle));
        obstacles.retain(|obstacle| {
            let follows = waiting && obstacle.word.as_deref() == Some("OutOfSync");
            !follows && !excused(obstacle)
        });
        if obstacles.len() == before {
            return None;
        }
        // Only those that are not well keep it from being so.
        let is_unhealthy = |excuse: &Excuse<'_>| unhealthy.iter().any(|resource| resource.id() == excuse.app);
        below
            .into_iter()
            .max_by_key(|excuse| (excuse.is_held(), is_unhealthy(excuse)))
    }
}

/// What is thought of an app that goes to a cluster which cannot be reached: whatever the agent says of it is not news.
pub(super) fn stranded(member: &Member, away: &Away, object: Option<&Value>) -> Judged {
    let words = object.map(|object| settled::words(Application::new(object)));
    let phase = if away.is_held() {
        NodePhase::Progressing
    } else {
        NodePhase::Excepted
    };
    let mut node = node(member, phase, words.unwrap_or_default());
    let exception = match &away.state {
        AwayState::Held => {
            node.blocked_by.push(itself(away.words()));
            None
        }
        AwayState::Gone(reason) => Some(Exception {
            subject: member.id.name.clone(),
            what: "not waited for".to_owned(),
            reason: reason.clone(),
        }),
    };
    Judged {
        node,
        exception,
        action: None,
        look_again: None,
        is_held: away.is_held(),
    }
}
