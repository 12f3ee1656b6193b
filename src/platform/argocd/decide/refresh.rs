//! When a refresh is due, and how often it may be asked for.

use std::time::Duration;

use super::closure::{self, Member};
use super::fresh::{self, Standing};
use super::memory::SENT;
use super::node::{Judged, View};
use super::well::{Wellness, wellness};
use super::{Action, BOUND, Refresh, earlier, since};
use crate::object::ObjectRef;
use crate::platform::argocd::application::{Application, Operation, Resource, text};
use crate::platform::argocd::message::itself;

/// How long a comparison that failed is left to itself before a refresh.
pub(super) const FAILED: Duration = Duration::from_secs(20);

/// How long a comparison that does not come is waited for before a refresh.
const UNSEEN: Duration = Duration::from_secs(30);

/// How old the comparison of an app may be that is Synced and not healthy, before it is asked for anew. Seen on 3.2.11: of
/// a hundred apps up to six kept a stale health, their objects long since ready, until the resync after three minutes.
const STALE: Duration = Duration::from_secs(15);

/// How long the agent is given to notice by itself that the live objects of an app are well, where the recovery waits for it: few
/// apps are left, or a sync waits for this one.
const NOTICED: Duration = Duration::from_secs(1);

/// The same while it has many others to look at.
const BUSY: Duration = Duration::from_secs(8);

/// Up to how many unready apps are few.
const FEW: usize = 10;

/// How many refreshes of apps that are behind their objects are under way at a time at most: each costs the controller a full
/// comparison, and keeps it from the others.
const AT_A_TIME: usize = 4;

/// If more apps than this wait for a comparison, the controller has a queue, and refreshes would only make it longer.
const QUEUE: usize = 10;

/// Conditions that say that a comparison failed, and may no longer be true when it is made anew.
const FAILURES: [&str; 3] = ["ComparisonError", "InvalidSpecError", "UnknownError"];

/// Why a refresh is due, and in what time.
pub(super) struct Due {
    pub(super) trigger: String,
    pub(super) after: Duration,
    /// Whether the agent is to forget what it has kept.
    pub(super) is_hard: bool,
    /// Whether it waits its turn while others are under way.
    pub(super) in_turn: bool,
}

/// How the agent's verdict on an app may be behind its live objects, once its sync is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behind {
    /// Synced, with a health that is no more.
    Health,
    /// `OutOfSync` with the very revision that was just synced: what the sync has made was not in the agent's cache yet. It looks
    /// again only when it would sync again, after 2, 6, 18 and 54 s (`selfHealRemainingBackoff`), and without `selfHeal` not at all.
    /// Seen on 3.2.11: of a hundred apps those with a CRD, long after it was served.
    Sync,
}

impl Behind {
    /// Says how the verdict on an app may be behind; `None` where it cannot be.
    pub(super) fn of(app: Application<'_>) -> Option<Self> {
        let operation = app.operation();
        if app.is_operation_asked() || operation.is_some_and(|operation| operation.phase() == "Running") {
            return None;
        }
        match (app.sync(), app.health()) {
            ("Synced", "Progressing" | "Degraded") => Some(Self::Health),
            ("OutOfSync", _) => {
                let done = operation.filter(|done| done.phase() == "Succeeded" && done.is_of_revision(app))?;
                let is_compared = app.reconciled_at()? >= done.finished_at()?;
                // What is left to prune is a matter of the app's own policy.
                let prunes = app.resources().any(Resource::requires_pruning);
                (is_compared && !prunes).then_some(Self::Sync)
            }
            _ => None,
        }
    }

    fn words(self, app: Application<'_>) -> String {
        match self {
            Self::Health => format!("{} to Argo CD", app.health()),
            Self::Sync => "OutOfSync to Argo CD at the very revision that it has synced".to_owned(),
        }
    }
}

impl View<'_> {
    /// Argo CD holds a failed comparison for three minutes; on a cold cluster its cause is often gone in seconds.
    pub(super) fn failed(&self, app: Application<'_>, id: &ObjectRef) -> Option<Due> {
        let failure = FAILURES
            .into_iter()
            .find(|failure| app.conditions().any(|(kind, _)| kind == *failure))?;
        let at = app
            .condition_since(failure)
            .max(app.reconciled_at())
            .or(self.memory.met_at(id))?;
        // The repo-server keeps what failed for an hour and says so (`reposerver/repository`, "Manifest generation error
        // (cached)"); and what did not help once will not help again.
        let is_kept = app
            .conditions()
            .any(|(kind, said)| kind == failure && said.contains("(cached)"));
        let is_hard = failure == "ComparisonError" && (is_kept || self.memory.count_of(id, failure) > 0);
        Some(Due {
            trigger: failure.to_owned(),
            after: FAILED.saturating_sub(since(at, self.now)),
            is_hard,
            in_turn: false,
        })
    }

    /// Argo CD says nothing of a repository that it cannot read for three minutes; asked, it answers at once.
    pub(super) fn unseen(&self, app: Application<'_>, member: &Member) -> Option<Due> {
        if !app.awaits_comparison() || (self.queue > QUEUE && member.parent.is_some()) {
            return None;
        }
        let finished = app.operation().and_then(Operation::finished_at);
        let at = self.memory.met_at(&member.id).max(finished)?;
        Some(Due {
            trigger: "no comparison has come".to_owned(),
            after: UNSEEN.saturating_sub(since(at, self.now)),
            is_hard: false,
            in_turn: false,
        })
    }

    /// An app whose sync is over can keep the verdict of a moment ago: its objects came, or became ready, unseen.
    ///
    /// Where its live objects are seen, this asks as soon as all of them are well and the agent had time to notice, and not at
    /// all while one is not; where they are not seen, once its health is old.
    pub(super) fn stale(&self, app: Application<'_>, member: &Member) -> Option<Due> {
        let behind = Behind::of(app)?;
        match wellness(app, self.tree) {
            Wellness::Well => {
                let time = if self.unready <= FEW || self.is_waited_for(member) {
                    NOTICED
                } else {
                    BUSY
                };
                Some(Due {
                    trigger: format!("{}, though all its objects are seen to be well", behind.words(app)),
                    after: time.saturating_sub(since(self.memory.well_since(&member.id)?, self.now)),
                    is_hard: false,
                    in_turn: true,
                })
            }
            Wellness::Unwell => None,
            Wellness::Unseen => Some(Due {
                trigger: format!("{}, and not compared since", behind.words(app)),
                after: STALE.saturating_sub(since(app.reconciled_at()?, self.now)),
                is_hard: false,
                in_turn: false,
            }),
        }
    }

    /// Whether the sync of the app that it follows from is running, and so may wait for it.
    fn is_waited_for(&self, member: &Member) -> bool {
        let parent = member.parent.as_ref().and_then(|id| self.tree.applications.get(id));
        parent
            .and_then(|parent| Application::new(parent).operation())
            .is_some_and(|operation| operation.phase() == "Running")
    }

    /// Says that an app is at another commit than we found, until Argo CD has looked again and still says so: then the
    /// branch has moved on, and it knows better than we do.
    pub(super) fn elsewhere(&self, app: Application<'_>, id: &ObjectRef) -> Option<String> {
        if self.memory.is_answered(id) {
            return None;
        }
        app.sources()
            .into_iter()
            .find_map(|source| match fresh::standing(source, self.rules) {
                Standing::Elsewhere(commit) => Some(format!(
                    "at {}, but `{}` was found at {}",
                    short(source.revision),
                    source.target,
                    short(&commit)
                )),
                Standing::Current | Standing::Unknown => None,
            })
    }

    pub(super) fn refresh(&mut self, id: &ObjectRef, due: Due, judged: &mut Judged) {
        if self.memory.count_of(id, &due.trigger) >= BOUND {
            judged
                .node
                .blocked_by
                .push(itself(format!("a refresh was asked for {BOUND} times")));
            return;
        }
        let wait = due.after.max(self.memory.patience(id, self.now));
        let is_set = self.tree.sets.contains_key(id);
        if wait.is_zero() && due.in_turn && self.under_way >= AT_A_TIME {
            // The answer to one of them wakes us; this is for one that does not come.
            judged.look_again = earlier(judged.look_again, Some(SENT));
            return;
        }
        if !wait.is_zero() {
            // Whether a set has answered is only known some time after it was asked.
            let wait = if is_set && self.memory.count(id) > 0 {
                wait.min(SENT)
            } else {
                wait
            };
            judged.look_again = earlier(judged.look_again, Some(wait));
            return;
        }
        let mark = if is_set {
            "/metadata/resourceVersion"
        } else {
            "/status/reconciledAt"
        };
        let before = closure::object(self.tree, id)
            .map(|object| text(object, mark))
            .unwrap_or_default();
        let attempt = self.memory.ask(id, self.now, before, &due.trigger);
        self.under_way += 1;
        let wait = if is_set {
            SENT
        } else {
            self.memory.patience(id, self.now)
        };
        judged.look_again = earlier(judged.look_again, Some(wait));
        let refresh = Refresh {
            object: id.clone(),
            trigger: due.trigger,
            attempt,
            bound: BOUND,
            is_hard: due.is_hard,
        };
        judged.action = Some(if is_set {
            Action::RefreshSet(refresh)
        } else {
            Action::Refresh(refresh)
        });
    }
}

fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}
