//! One node: its phase, what blocks it, what to do about it.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::away::{Excuse, stranded};
use super::closure::{self, Member};
use super::fresh::{self, Standing, Verdict};
use super::memory::Memory;
use super::refresh::{Due, FAILED};
use super::{Action, Policy, Resolved, Rules, Tree, earlier, since};
use crate::event::{Blocker, Exception, Node, NodePhase};
use crate::object::ObjectRef;
use crate::platform::argocd::address;
use crate::platform::argocd::application::{Application, controller};
use crate::platform::argocd::applicationset::ApplicationSet;
use crate::platform::argocd::message::{about, itself};
use crate::platform::argocd::settled::{self, Obstacle, Surroundings};
use crate::platform::argocd::window::{Closed, closed};

/// What is thought of one node.
pub(super) struct Judged {
    pub(super) node: Node,
    pub(super) exception: Option<Exception>,
    pub(super) action: Option<Action>,
    pub(super) look_again: Option<Duration>,
    /// Whether it waits for a cluster that is not connected yet.
    pub(super) is_held: bool,
}

/// What one decision looks at.
pub(super) struct View<'tree> {
    pub(super) tree: &'tree Tree,
    pub(super) rules: &'tree Rules,
    pub(super) memory: &'tree mut Memory,
    pub(super) now: Timestamp,
    /// The sets by their UID.
    sets: BTreeMap<&'tree str, ApplicationSet<'tree>>,
    /// The projects by their name.
    projects: BTreeMap<&'tree str, &'tree Value>,
    /// How many apps wait for a comparison.
    pub(super) queue: usize,
    /// How many apps are not Synced and Healthy.
    pub(super) unready: usize,
    /// How many refreshes are under way.
    pub(super) under_way: usize,
}

impl<'tree> View<'tree> {
    pub(super) fn new(tree: &'tree Tree, rules: &'tree Rules, memory: &'tree mut Memory, now: Timestamp) -> Self {
        let sets = tree
            .sets
            .values()
            .map(ApplicationSet::new)
            .map(|set| (set.uid(), set))
            .collect();
        let projects = tree
            .projects
            .iter()
            .map(|(id, project)| (id.name.as_str(), project))
            .collect();
        let under_way = memory.under_way(now);
        Self {
            tree,
            rules,
            memory,
            now,
            sets,
            projects,
            queue: 0,
            unready: 0,
            under_way,
        }
    }

    /// Looks at the closure as a whole: how many apps wait for a comparison; and which branches Argo CD sees elsewhere
    /// than we do, since sets that read them may be behind too. Returns these.
    pub(super) fn survey(&mut self, members: &[Member]) -> Vec<Resolved> {
        let mut elsewhere = Vec::new();
        for object in members
            .iter()
            .filter_map(|member| self.tree.applications.get(&member.id))
        {
            let app = Application::new(object);
            self.queue += usize::from(app.awaits_comparison());
            self.unready += usize::from((app.sync(), app.health()) != ("Synced", "Healthy"));
            for source in app.sources() {
                if matches!(fresh::standing(source, self.rules), Standing::Elsewhere(_)) {
                    self.memory.moved.insert(branch(source.repository, source.target));
                    let seen = Resolved {
                        repository: source.repository.to_owned(),
                        target: source.target.to_owned(),
                        commit: source.revision.to_owned(),
                    };
                    if !elsewhere.contains(&seen) {
                        elsewhere.push(seen);
                    }
                }
            }
        }
        elsewhere
    }

    pub(super) fn judge(&mut self, member: &Member) -> Judged {
        let rules = self.rules;
        let policy = closure::policy(rules, &member.id);
        let stays_away = self
            .tree
            .applications
            .get(&member.id)
            .map(Application::new)
            .and_then(|app| self.away(app));
        if let Some(away) = stays_away.filter(|_| !member.ignored) {
            return stranded(member, away, self.tree.applications.get(&member.id));
        }
        let (mut obstacles, words, revision, due) = if let Some(object) = self.tree.applications.get(&member.id) {
            let app = Application::new(object);
            let (obstacles, due) = self.application(app, member, object);
            (obstacles, settled::words(app), app.revision().map(str::to_owned), due)
        } else if let Some(object) = self.tree.sets.get(&member.id) {
            let set = ApplicationSet::new(object);
            let (obstacles, due) = self.set(set, &member.id);
            let words = format!("{} Applications", closure::made(self.tree, set));
            (obstacles, words, None, due)
        } else {
            return missing(member, policy);
        };
        let excuse = self
            .tree
            .applications
            .get(&member.id)
            .and_then(|object| self.excuse(object, &mut obstacles));
        // Before the phase is judged: what is only a warning makes nothing fail.
        let grace = self
            .tree
            .applications
            .get(&member.id)
            .and_then(|object| self.explain(Application::new(object), &mut obstacles));
        let allow = policy.map(|policy| policy.allow.as_slice()).unwrap_or_default();
        let phase = if member.ignored {
            NodePhase::Ignored
        } else {
            settled::phase(&obstacles, allow)
        };
        let exception = match (phase, policy) {
            (NodePhase::Ignored, Some(policy)) if policy.ignore => {
                Some(excepted(member, format!("left out ({words})"), policy))
            }
            (NodePhase::Excepted, Some(policy)) => {
                let accepted: Vec<_> = obstacles
                    .iter()
                    .filter_map(|obstacle| obstacle.word.as_deref())
                    .collect();
                Some(excepted(member, accepted.join(", "), policy))
            }
            (NodePhase::Ready, _) => excuse
                .as_ref()
                .and_then(|excuse| excuse.exception(&member.id.name, &words)),
            _ => None,
        };
        let is_held = phase == NodePhase::Ready && excuse.as_ref().is_some_and(Excuse::is_held);
        let phase = match (phase, &excuse) {
            (NodePhase::Ready, Some(_)) if is_held => NodePhase::Progressing,
            (NodePhase::Ready, Some(_)) => NodePhase::Excepted,
            _ => phase,
        };
        let mut node = node(member, phase, words);
        node.revision = revision;
        node.blocked_by = match excuse.filter(|_| is_held) {
            Some(excuse) => vec![about(&excuse.app, excuse.words())],
            None => blockers(&obstacles, phase, &node.words),
        };
        let mut judged = Judged {
            node,
            exception,
            action: None,
            look_again: grace,
            is_held,
        };
        if let Some(object) = self.tree.applications.get(&member.id) {
            self.take_over(&member.id, Application::new(object), object, &mut judged);
        }
        if phase.is_settled() || is_held {
            return judged;
        }
        let object = self.tree.applications.get(&member.id);
        // What holds it back will be another window then, or none.
        let opens = object.and_then(|object| self.closed(Application::new(object))?.until);
        let opens = opens.map(|opens| since(self.now, opens));
        judged.look_again = earlier(judged.look_again, opens);
        let given_up = object.and_then(|object| self.given_up(&member.id, Application::new(object), object));
        match (due, object, given_up) {
            (Some(due), ..) => self.refresh(&member.id, due, &mut judged),
            (None, Some(object), Some(operation)) => {
                self.reissue(&member.id, Application::new(object), operation, &mut judged);
            }
            (None, Some(object), None) => self.order(&member.id, Application::new(object), object, &mut judged),
            _ => {}
        }
        judged
    }

    /// Whether an app was made by a set that syncs its apps itself, step by step.
    pub(super) fn is_rolling(&self, object: &Value) -> bool {
        controller(object)
            .and_then(|uid| self.sets.get(uid))
            .is_some_and(|set| set.is_rolling())
    }

    /// Says why the project of an app lets nobody sync it now; `None` where it does.
    pub(super) fn closed(&self, app: Application<'_>) -> Option<Closed> {
        closed(app, self.projects.get(app.project())?, self.now)
    }

    fn application(&self, app: Application<'_>, member: &Member, object: &Value) -> (Vec<Obstacle>, Option<Due>) {
        let id = &member.id;
        let verdict = fresh::verdict(app, id, self.rules, self.memory, self.now);
        let set = controller(object)
            .and_then(|uid| self.sets.get(uid))
            .filter(|set| set.is_rolling());
        let closed = self.closed(app);
        let mut obstacles = settled::application(
            app,
            Surroundings {
                since: (verdict != Verdict::Counts).then_some(self.rules.started),
                rollout: set.and_then(|set| set.rollout(&id.name)),
                closed: closed.as_ref().map(|closed| closed.reason.as_str()),
            },
        );
        let mut due = match verdict {
            Verdict::Counts => None,
            Verdict::Old(after) => Some(Due {
                trigger: "not compared since this run began".to_owned(),
                after,
                is_hard: false,
                in_turn: false,
            }),
        };
        if let Some(moved) = self.elsewhere(app, id) {
            obstacles.push(Obstacle::pending(itself(moved.clone())));
            due = Some(Due {
                trigger: moved,
                after: Duration::ZERO,
                is_hard: false,
                in_turn: false,
            });
        }
        due = due
            .or_else(|| self.freed(app))
            .or_else(|| self.failed(app, id))
            .or_else(|| self.unseen(app, member))
            // What another sync is about to change is not asked for.
            .or_else(|| self.stale(app, member).filter(|_| !self.awaits_order(id, app)));
        // Nobody would answer.
        if app.is_refresh_pending() || app.is_skipped() || app.is_deleting() {
            due = None;
        }
        (obstacles, due)
    }

    fn set(&self, set: ApplicationSet<'_>, id: &ObjectRef) -> (Vec<Obstacle>, Option<Due>) {
        let mut obstacles = settled::application_set(set, closure::made(self.tree, set));
        if set.is_refresh_pending() || set.is_deleting() || !set.has_conditions() {
            return (obstacles, None);
        }
        let made_in_run = self.memory.is_new(id)
            || set
                .created_at()
                .is_some_and(|created| created.as_second() >= self.rules.started.as_second());
        let mut trigger = None;
        if !made_in_run && !self.memory.is_answered(id) {
            if !set.is_judged_as_it_is() {
                trigger = Some("its conditions may be about an earlier specification".to_owned());
            }
            for source in set.repositories() {
                if self.memory.moved.contains(&branch(source.repository, source.target)) {
                    trigger = Some(format!("`{}` of {} has moved", source.target, source.repository));
                }
            }
        }
        if let Some(trigger) = &trigger {
            obstacles.push(Obstacle::pending(itself(trigger.clone())));
        }
        let failed = set.condition("ErrorOccurred").status == "True";
        let due = match trigger {
            Some(trigger) => Some(Due {
                trigger,
                after: Duration::ZERO,
                is_hard: false,
                in_turn: false,
            }),
            None if failed => Some(Due {
                trigger: "ErrorOccurred".to_owned(),
                after: FAILED.saturating_sub(set.condition_age("ErrorOccurred", self.now)),
                is_hard: false,
                in_turn: false,
            }),
            None => None,
        };
        (obstacles, due)
    }
}

fn missing(member: &Member, policy: Option<&Policy>) -> Judged {
    let phase = if member.ignored {
        NodePhase::Ignored
    } else {
        NodePhase::Missing
    };
    let mut node = node(member, phase, "not there".to_owned());
    if phase == NodePhase::Missing {
        let said = match &member.parent {
            Some(parent) => format!("named by {} `{}`, but not there", parent.kind, parent.name),
            None => "a root, but not there".to_owned(),
        };
        node.blocked_by.push(itself(said));
    }
    let exception = policy
        .filter(|policy| policy.ignore && member.ignored)
        .map(|policy| excepted(member, "left out (not there)".to_owned(), policy));
    Judged {
        node,
        exception,
        action: None,
        look_again: None,
        is_held: false,
    }
}

pub(super) fn node(member: &Member, phase: NodePhase, words: String) -> Node {
    Node {
        id: name(&member.id),
        name: member.id.name.clone(),
        parent: member.parent.as_ref().map(name),
        phase,
        words,
        revision: None,
        blocked_by: Vec::new(),
    }
}

/// Returns a node's stable name.
pub fn name(id: &ObjectRef) -> String {
    format!("{} {}/{}", id.kind, id.namespace, id.name)
}

fn excepted(member: &Member, what: String, policy: &Policy) -> Exception {
    Exception {
        subject: member.id.name.clone(),
        what,
        reason: policy.reason.clone(),
    }
}

/// Returns what stands in the way, each once; where nothing more is known, the agent's words.
fn blockers(obstacles: &[Obstacle], phase: NodePhase, words: &str) -> Vec<Blocker> {
    if phase.is_settled() {
        return Vec::new();
    }
    let mut blockers: Vec<Blocker> = Vec::new();
    let (failing, waiting): (Vec<_>, Vec<_>) = obstacles.iter().partition(|obstacle| obstacle.failing);
    for blocker in failing
        .into_iter()
        .chain(waiting)
        .flat_map(|obstacle| &obstacle.blockers)
    {
        if !blockers.contains(blocker) {
            blockers.push(blocker.clone());
        }
    }
    if blockers.is_empty() {
        blockers.push(itself(words));
    }
    blockers
}

fn branch(repository: &str, target: &str) -> (String, String) {
    (address::normal(repository), target.to_owned())
}
