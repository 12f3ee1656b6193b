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

/// Why what stands in the way of an app that has others below it does not count.
pub(super) struct Excuse<'rules> {
    /// The cluster that one below it goes to.
    pub(super) away: &'rules Away,
    /// The app below it.
    pub(super) app: ObjectRef,
}

impl Excuse<'_> {
    /// Returns what is said of an app whose only trouble is one that goes to a cluster which is gone.
    pub(super) fn exception(&self, name: &str, words: &str) -> Option<Exception> {
        match &self.away.state {
            AwayState::Held => None,
            AwayState::Gone(reason) => Some(Exception {
                subject: name.to_owned(),
                what: words.to_owned(),
                reason: reason.clone(),
            }),
        }
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

    /// Takes away the obstacles of an app that are there only because apps below it go to clusters which cannot be reached.
    ///
    /// Its health is then not its own. A sync that waits for such an app is excused only where the cluster is connected
    /// later: where it is gone, what comes after that app never comes, and nobody must be told that all is well.
    pub(super) fn excuse(&self, object: &Value, obstacles: &mut Vec<Obstacle>) -> Option<Excuse<'tree>> {
        let app = Application::new(object);
        let below: Vec<Excuse<'tree>> = app
            .children()
            .filter_map(|id| {
                let away = self.away(Application::new(closure::object(self.tree, &id)?))?;
                Some(Excuse { away, app: id })
            })
            .collect();
        let away = |id: &ObjectRef| below.iter().any(|excuse| excuse.app == *id);
        let unhealthy: Vec<_> = app
            .resources()
            .filter(|resource| !matches!(resource.health(), "" | "Healthy"))
            .collect();
        let by_health = !unhealthy.is_empty() && unhealthy.iter().all(|resource| away(&resource.id()));
        let waits = |excuse: &Excuse<'_>, obstacle: &Obstacle| {
            let named = excuse.app.to_string();
            obstacle.word.is_none()
                && !obstacle.blockers.is_empty()
                && obstacle.blockers.iter().all(|blocker| blocker.object == named)
        };
        let excused = |obstacle: &Obstacle| {
            (by_health && obstacle.word.as_deref() == Some(app.health()))
                || below
                    .iter()
                    .any(|excuse| excuse.away.is_held() && waits(excuse, obstacle))
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
        below.into_iter().max_by_key(|excuse| excuse.away.is_held())
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
