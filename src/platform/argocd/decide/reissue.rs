//! When a sync that the agent has given up is begun again, and how often it may be.
//!
//! Argo CD tries a failed sync again as often as the app says, and then never more at the same revision
//! (`controller/appcontroller.go`, `autoSync`): only a new commit or a new `operation` helps. One is sent when what the sync
//! failed for is seen to be gone; where that cannot be seen, after a while.

use std::time::Duration;

use super::closure;
use super::node::{Judged, View};
use super::{Action, BOUND, Ground, Sync, Tree, earlier, since};
use crate::object::ObjectRef;
use crate::platform::argocd::application::{Application, Operation, Resource};
use crate::platform::argocd::cause::{Cause, causes};
use crate::platform::argocd::message::itself;
use crate::platform::argocd::operation::again;
use crate::platform::live::Sight;

/// How long, before each try, a sync that was given up is left alone where it cannot be seen whether its cause is gone.
const UNTOLD: [Duration; BOUND as usize] = [Duration::from_secs(30), Duration::from_mins(1), Duration::from_mins(2)];

/// The same where its cause is seen to be gone. The agent, and the load balancer before a webhook, may see it a moment later than we
/// do: on 3.2.11 a parent whose sync was begun in the second in which its child became Healthy failed once more.
const GONE: [Duration; BOUND as usize] = [Duration::from_secs(2), Duration::from_secs(10), Duration::from_secs(40)];

/// How often the sync of one app is begun again at most, whatever it fails for: an app with many children that come and go fails for
/// another of them each time.
const IN_ALL: u32 = 2 * BOUND;

/// How the condition begins by which the agent says that it does not try again.
const GIVEN_UP: &str = "Failed last sync attempt";

/// Whether what a sync failed for is still so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Gone,
    There,
    Untold,
}

/// Returns what there might be of what syncs failed for, so that it is looked for.
pub fn wanted(tree: &Tree) -> Ground {
    let mut wanted = Ground::default();
    for object in tree.applications.values() {
        let app = Application::new(object);
        let Some(operation) = app.operation().filter(|operation| has_failed(*operation)) else {
            continue;
        };
        if !app.is_in_cluster() {
            continue;
        }
        for cause in causes(app, operation) {
            match cause {
                Cause::Kind { group, kind } => {
                    wanted.kinds.insert((group, kind));
                }
                Cause::Namespace(name) => {
                    wanted.namespaces.insert(name);
                }
                Cause::Webhook { namespace, service } => {
                    wanted.services.insert((namespace, service));
                }
                Cause::Unwell(_) | Cause::Unknown => {}
            }
        }
    }
    wanted
}

/// Whether it failed, for good or until its next try.
fn has_failed(operation: Operation<'_>) -> bool {
    operation.is_failed() || operation.waits_for_retry()
}

impl View<'_> {
    /// Returns the sync of an app that has failed, and that the agent does not try again by itself.
    ///
    /// Nothing of what holds a sync back on purpose passes: no automated sync where the runbook orders none, an operation that is under way, `skip-reconcile`,
    /// a deletion, a set that rolls out step by step. While a sync window is closed the agent does not say that it gives up.
    pub(super) fn given_up<'object>(
        &self,
        id: &ObjectRef,
        app: Application<'object>,
        object: &serde_json::Value,
    ) -> Option<Operation<'object>> {
        let operation = app.operation()?;
        let finished = operation.finished_at()?;
        let is_ordered = self.is_ordered(id, app);
        let is_held_back = app.is_operation_asked()
            || !(app.is_automated() || is_ordered)
            || app.is_skipped()
            || app.is_deleting()
            || app.is_refresh_pending()
            || self.is_rolling(object);
        if is_held_back || !operation.is_failed() || app.reconciled_at()? < finished {
            return None;
        }
        let is_given_up = match app.sync() {
            // Nobody but us tries an ordered one again, so nobody says that it is given up.
            "OutOfSync" if is_ordered => self.is_open_for_people(app),
            "OutOfSync" => app
                .conditions()
                .any(|(kind, message)| kind == "SyncError" && message.starts_with(GIVEN_UP)),
            // What is Synced the agent does not sync, whatever came of its last sync, so it does not look at its windows either.
            "Synced" => app.revision() == Some(operation.revision()) && self.closed(app).is_none(),
            _ => false,
        };
        is_given_up.then_some(operation)
    }

    /// Begins the sync again where that is due; says what it waits for where it is not.
    pub(super) fn reissue(
        &mut self,
        id: &ObjectRef,
        app: Application<'_>,
        operation: Operation<'_>,
        judged: &mut Judged,
    ) {
        let mut say = |words: String| {
            judged
                .node
                .blocked_by
                .push(itself(format!("given up by Argo CD; {words}")));
        };
        if would_wipe_out(app) {
            // Nor would the agent: its own sync of an app that has come to nothing needs `allowEmpty` (`controller/appcontroller.go`, `autoSync`).
            return say("all that it deploys would be deleted, which is not for a restore to do".to_owned());
        }
        if let Some(hook) = self.hook_that_ran(id, app, operation) {
            let name = &id.name;
            return say(format!(
                "its sync {hook}, and is begun again only by word: `apps: {{{name}: {{rerun-hooks: true, reason: …}}}}` in the runbook, or `argocd app sync {name}`"
            ));
        }
        let standings: Vec<(Cause, Standing)> = causes(app, operation)
            .into_iter()
            .map(|cause| {
                let standing = self.standing(&cause, app);
                (cause, standing)
            })
            .collect();
        let missing = listed(&standings, Standing::There);
        if !missing.is_empty() {
            self.memory.not_cleared(id);
            return say(format!("begun again once {missing}"));
        }
        let keys: Vec<_> = standings.iter().map(|(cause, _)| cause.to_string()).collect();
        let is_untold = standings.iter().any(|(_, standing)| *standing == Standing::Untold);
        let since_when = if is_untold {
            operation.finished_at()
        } else {
            Some(self.memory.cleared(id, self.now))
        };
        let (tries, in_all) = self.memory.begun(id, &keys);
        let pauses = if is_untold { UNTOLD } else { GONE };
        let Some(pause) = pauses.get(tries as usize).filter(|_| in_all < IN_ALL) else {
            return say(format!(
                "begun again {in_all} times in vain: mend what it fails for, then `argocd app sync {}`",
                id.name
            ));
        };
        let at = since_when.max(self.memory.begun_at(id));
        let left = at.map_or(Duration::ZERO, |at| pause.saturating_sub(since(at, self.now)));
        if !left.is_zero() {
            judged.look_again = earlier(judged.look_again, Some(left));
            return say(format!("begun again after a pause, {} of {BOUND}", tries + 1));
        }
        let trigger = if is_untold {
            "its sync was given up, and it cannot be seen whether what it failed for is gone".to_owned()
        } else {
            format!("{}, for which its sync failed", listed(&standings, Standing::Gone))
        };
        self.memory.begin(id, keys, self.now);
        let attempt = tries + 1;
        say(format!("begun again, {attempt} of {BOUND}"));
        judged.action = Some(Action::Sync(Sync {
            object: id.clone(),
            resource_version: app.resource_version().to_owned(),
            operation: again(app, &self.rules.run, &trigger),
            trigger,
            attempt,
            bound: BOUND,
            is_again: true,
        }));
    }

    /// Says which hook the sync has run, or may have, unless the runbook says that it may run again.
    ///
    /// Of the tries of a sync only the last one is told of: what earlier ones have run is known because it was seen, or because
    /// it is still there. A sync of chosen resources runs no hooks.
    fn hook_that_ran(&self, id: &ObjectRef, app: Application<'_>, operation: Operation<'_>) -> Option<String> {
        if operation.is_of_chosen_resources()
            || closure::policy(self.rules, id).is_some_and(|policy| policy.rerun_hooks)
        {
            return None;
        }
        let is_live = app.resources().find(|resource| resource.is_hook()).map(Resource::id);
        if let Some(hook) = is_live.or_else(|| self.memory.hook(id).cloned()) {
            return Some(format!("has run the hook {hook}"));
        }
        self.memory
            .may_have_run_a_hook(id)
            .then(|| "was tried more than once before this run looked, and may have run a hook".to_owned())
    }

    /// Whether what is thought of an object is what the agent thinks of it, and not only what it says of itself.
    fn is_judged(&self, object: &ObjectRef) -> bool {
        let kind = (object.group.clone(), object.kind.clone());
        self.tree.kinds.get(&kind) == Some(&Sight::Watched)
    }

    fn standing(&self, cause: &Cause, app: Application<'_>) -> Standing {
        let ground = &self.tree.ground;
        let is_gone = match cause {
            Cause::Unwell(object) => {
                if let Some(child) = self.tree.applications.get(object) {
                    Application::new(child).health() == "Healthy"
                } else if let Some(live) = self.tree.live.get(object).filter(|_| self.is_judged(object)) {
                    live.health
                        .as_ref()
                        .is_none_or(|health| health.status == crate::health::Status::Healthy)
                } else {
                    return Standing::Untold;
                }
            }
            // Of another cluster than the agent's own nothing is seen.
            _ if !app.is_in_cluster() => return Standing::Untold,
            Cause::Kind { group, kind } => ground.kinds.contains(&(group.clone(), kind.clone())),
            Cause::Namespace(name) => ground.namespaces.contains(name),
            Cause::Webhook { namespace, service } => ground.services.contains(&(namespace.clone(), service.clone())),
            Cause::Unknown => return Standing::Untold,
        };
        if is_gone { Standing::Gone } else { Standing::There }
    }
}

/// Whether a sync of all would delete everything that the app deploys, and nobody has said that it may.
fn would_wipe_out(app: Application<'_>) -> bool {
    let mut resources = app.resources().filter(|resource| !resource.is_hook()).peekable();
    let is_something = resources.peek().is_some();
    is_something && resources.all(Resource::requires_pruning) && app.prunes() && !app.may_be_empty()
}

/// Names the causes that stand so, each with how it is, or is to become.
fn listed(standings: &[(Cause, Standing)], wanted: Standing) -> String {
    let named: Vec<_> = standings
        .iter()
        .filter(|(_, standing)| *standing == wanted)
        .map(|(cause, _)| format!("{cause} is {}", cause.wanted()))
        .collect();
    named.join(", ")
}

#[cfg(test)]
#[path = "reissue_tests.rs"]
mod tests;
