//! What earlier decisions of the run saw and did.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::refresh::Behind;
use super::well::{Wellness, wellness};
use super::{Action, BOUND, Tree, since};
use crate::event::{Node, NodePhase};
use crate::health::Status;
use crate::object::ObjectRef;
use crate::platform::argocd::application::{Application, Operation, Resource, text};
use crate::platform::argocd::applicationset::ApplicationSet;
use crate::platform::live::Live;

/// How long an unanswered refresh is given before the next one; doubled with each.
const PATIENCE: Duration = Duration::from_secs(30);

/// The same where the last one was answered, and the app's live objects are known to be well: the agent was behind them.
const SOON: Duration = Duration::from_secs(5);

/// After this time a request has long since reached the API server and come back by watch.
pub(super) const SENT: Duration = Duration::from_secs(3);

/// What earlier decisions of the run saw and did. Starts empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Memory {
    /// Whether the platform was looked at before.
    looked: bool,
    /// How each object was when it was first seen.
    first: BTreeMap<ObjectRef, First>,
    /// The refreshes asked for.
    asked: BTreeMap<ObjectRef, Asked>,
    /// The repositories and branches that are no longer where we found them, or not yet.
    pub(super) moved: BTreeSet<(String, String)>,
    /// The phase of each node, and since when it is in it.
    phases: BTreeMap<String, (NodePhase, Timestamp)>,
    /// Since when the nodes and their phases have been as they are.
    changed: Option<Timestamp>,
    /// The syncs that were begun again.
    begun: BTreeMap<ObjectRef, Begun>,
    /// The apps whose sync failed for what is gone, and since when it is.
    cleared: BTreeMap<ObjectRef, Timestamp>,
    /// Of each app a hook that one of its syncs has run.
    hooks: BTreeMap<ObjectRef, ObjectRef>,
    /// The apps whose sync had been tried more than once when the platform was first looked at: what the earlier tries have run is
    /// told nowhere.
    untold: BTreeSet<ObjectRef>,
    /// The apps whose live objects are all well, and since when.
    well: BTreeMap<ObjectRef, Timestamp>,
    /// The specification of each project, and when it was seen to change; nothing where it is as it was first seen.
    projects: BTreeMap<String, (Value, Option<Timestamp>)>,
    /// The live objects that are well.
    well_objects: BTreeSet<ObjectRef>,
    /// The leaves that were asked for, and when last.
    created: BTreeMap<ObjectRef, Timestamp>,
    /// Since when nothing that was well was seen to fall ill, and nothing could happen unseen.
    steady: Option<Timestamp>,
}

/// The syncs of one app that were begun again.
#[derive(Debug, Clone, PartialEq)]
struct Begun {
    /// How often for each cause.
    by_cause: BTreeMap<String, u32>,
    /// How often in all.
    count: u32,
    /// For which causes the last time.
    last: Vec<String>,
    /// When last.
    at: Timestamp,
}

/// How an object was when it was first seen.
#[derive(Debug, Clone, PartialEq)]
struct First {
    uid: String,
    /// When that was.
    at: Timestamp,
    /// Whether it came into being in this run.
    is_new: bool,
    /// When it had last been compared.
    reconciled: Option<Timestamp>,
    /// Whether it was seen to be compared since.
    is_compared: bool,
}

/// The refreshes of one object.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a thing of its own that was or was not seen of the newest request, in any order"
)]
#[derive(Debug, Clone, PartialEq)]
struct Asked {
    count: u32,
    /// How often for each thing that was seen.
    by_trigger: BTreeMap<String, u32>,
    at: Timestamp,
    /// What changes when it is answered: of an app the time of its comparison, of a set the version of the object.
    before: String,
    /// Whether the annotation was seen.
    is_seen: bool,
    /// Whether this one, or one before it, was answered.
    is_answered: bool,
    /// Whether it was about what is no longer so: its answer does not count.
    is_over: bool,
    /// Whether this very one was answered.
    is_done: bool,
}

impl Memory {
    /// Takes in what is there now.
    pub(super) fn observe(&mut self, tree: &Tree, now: Timestamp) {
        for (id, object) in &tree.applications {
            let app = Application::new(object);
            let reconciled = app.reconciled_at();
            let first = self.meet(id, text(object, "/metadata/uid"), reconciled, now);
            first.is_compared |= reconciled.is_some() && reconciled != first.reconciled;
            let ran = app
                .operation()
                .and_then(|operation| operation.results().find(|result| result.is_hook_that_ran()));
            if let Some(hook) = ran.map(Resource::id) {
                self.hooks.insert(id.clone(), hook);
            }
            match app.operation().map_or(0, Operation::retries) {
                // Whatever comes from here on is seen from its first try.
                0 => drop(self.untold.remove(id)),
                _ if !self.looked => drop(self.untold.insert(id.clone())),
                _ => {}
            }
            self.note_wellness(id, app, tree, now);
            if let Some(asked) = self.asked.get_mut(id) {
                asked.observe(app.is_refresh_pending(), text(object, "/status/reconciledAt"));
            }
        }
        for (id, object) in &tree.sets {
            let set = ApplicationSet::new(object);
            self.meet(id, set.uid(), None, now);
            if let Some(asked) = self.asked.get_mut(id) {
                // Whoever looks rarely may miss the annotation between its coming and its going. Any write that is newer
                // than a request long since sent then has to do: nothing else of a set tells.
                let is_sent = asked.is_seen || since(asked.at, now) >= SENT;
                asked.observe(
                    set.is_refresh_pending(),
                    if is_sent { set.resource_version() } else { "" },
                );
            }
        }
        for (id, project) in &tree.projects {
            self.note_project(&id.name, &project["spec"], now);
        }
        self.note_falls(tree, now);
        self.looked = true;
    }

    /// Takes in how a project is. One that comes into being in this run has changed.
    fn note_project(&mut self, name: &str, spec: &Value, now: Timestamp) {
        let is_new = self.looked;
        match self.projects.get_mut(name) {
            Some((known, _)) if known == spec => {}
            Some(known) => *known = (spec.clone(), Some(now)),
            None => {
                self.projects
                    .insert(name.to_owned(), (spec.clone(), is_new.then_some(now)));
            }
        }
    }

    /// Returns when a project was last seen to change, if it was.
    pub(super) fn project_changed(&self, name: &str) -> Option<Timestamp> {
        self.projects.get(name).and_then(|(_, at)| *at)
    }

    fn note_wellness(&mut self, id: &ObjectRef, app: Application<'_>, tree: &Tree, now: Timestamp) {
        // Only of such an app it is ever asked.
        let is_behind = Behind::of(app).is_some();
        if !is_behind || wellness(app, tree) != Wellness::Well {
            self.well.remove(id);
        } else if !self.well.contains_key(id) {
            self.well.insert(id.clone(), now);
        }
    }

    /// Takes in which live objects are well, and whether one of them no longer is, or is no longer seen.
    fn note_falls(&mut self, tree: &Tree, now: Timestamp) {
        let is_well = |live: &Live| {
            let health = live.health.as_ref();
            health.is_none_or(|health| health.status == Status::Healthy)
        };
        let before = self.well_objects.len();
        self.well_objects.retain(|id| tree.live.get(id).is_some_and(is_well));
        if self.well_objects.len() < before {
            self.steady = None;
        }
        for (id, _) in tree.live.iter().filter(|(_, live)| is_well(live)) {
            if !self.well_objects.contains(id) {
                self.well_objects.insert(id.clone());
            }
        }
        if self.steady.is_none_or(|at| at > now) {
            self.steady = Some(now);
        }
    }

    /// Notes that for a while nothing could be seen: what fell ill meanwhile is not known.
    pub fn lost_sight(&mut self) {
        self.steady = None;
    }

    /// Returns since when nothing that was well was seen to fall ill.
    pub(super) fn steady_since(&self) -> Option<Timestamp> {
        self.steady
    }

    /// Returns since when all live objects of an app have been well of which the agent's verdict may be behind.
    pub(super) fn well_since(&self, id: &ObjectRef) -> Option<Timestamp> {
        self.well.get(id).copied()
    }

    /// Returns a hook that a sync of an app has run.
    pub(super) fn hook(&self, id: &ObjectRef) -> Option<&ObjectRef> {
        self.hooks.get(id)
    }

    /// Whether earlier tries of the sync of an app may have run a hook that nobody tells of.
    pub(super) fn may_have_run_a_hook(&self, id: &ObjectRef) -> bool {
        self.untold.contains(id)
    }

    /// Notes that what the sync of an app failed for is gone; returns since when that is known.
    pub(super) fn cleared(&mut self, id: &ObjectRef, now: Timestamp) -> Timestamp {
        *self.cleared.entry(id.clone()).or_insert(now)
    }

    /// Notes that what the sync of an app failed for is not gone.
    pub(super) fn not_cleared(&mut self, id: &ObjectRef) {
        self.cleared.remove(id);
    }

    /// Returns how often the sync of an app was begun again: for the one of these causes for which that was most often, and in all.
    pub(super) fn begun(&self, id: &ObjectRef, causes: &[String]) -> (u32, u32) {
        let Some(begun) = self.begun.get(id) else { return (0, 0) };
        let of = |cause: &String| begun.by_cause.get(cause).copied().unwrap_or(0);
        (causes.iter().map(of).max().unwrap_or(0), begun.count)
    }

    /// Returns when the sync of an app was last begun again.
    pub(super) fn begun_at(&self, id: &ObjectRef) -> Option<Timestamp> {
        self.begun.get(id).map(|begun| begun.at)
    }

    /// Notes that an app that is not there is asked for. Returns in what time it may be, where it was and may not be seen yet.
    pub(super) fn may_create(&mut self, id: &ObjectRef, now: Timestamp) -> Option<Duration> {
        let asked = self.created.get(id).map(|at| SENT.saturating_sub(since(*at, now)));
        let left = asked.filter(|left| !left.is_zero());
        if left.is_none() {
            self.created.insert(id.clone(), now);
        }
        left
    }

    /// Notes that the sync of an app is begun again for these causes.
    pub(super) fn begin(&mut self, id: &ObjectRef, causes: Vec<String>, now: Timestamp) {
        let begun = self.begun.entry(id.clone()).or_insert_with(|| Begun {
            by_cause: BTreeMap::new(),
            count: 0,
            last: Vec::new(),
            at: now,
        });
        for cause in &causes {
            *begun.by_cause.entry(cause.clone()).or_insert(0) += 1;
        }
        (begun.at, begun.last, begun.count) = (now, causes, begun.count + 1);
    }

    /// Notes that the API server did not take what was decided last for an object: it counts for nothing, and is decided anew after
    /// the same time.
    pub fn not_done(&mut self, action: &Action) {
        match action {
            // It is asked for again after the same time as one that is not seen: what refuses it may be mended.
            Action::Create(_) => {}
            Action::Sync(sync) => {
                let Some(begun) = self.begun.get_mut(&sync.object) else {
                    return;
                };
                for cause in std::mem::take(&mut begun.last) {
                    begun
                        .by_cause
                        .entry(cause)
                        .and_modify(|count| *count = count.saturating_sub(1));
                }
                begun.count = begun.count.saturating_sub(1);
            }
            Action::Refresh(refresh) | Action::RefreshSet(refresh) => {
                let Some(asked) = self.asked.get_mut(&refresh.object) else {
                    return;
                };
                let by_trigger = asked.by_trigger.entry(refresh.trigger.clone());
                by_trigger.and_modify(|count| *count = count.saturating_sub(1));
                asked.count = asked.count.saturating_sub(1);
                asked.is_over = true;
            }
        }
    }

    /// Returns how many refreshes of Applications are under way.
    pub(super) fn under_way(&self, now: Timestamp) -> usize {
        self.asked
            .values()
            .filter(|asked| !asked.is_done && !asked.is_over && since(asked.at, now) < PATIENCE)
            .count()
    }

    fn meet(&mut self, id: &ObjectRef, uid: &str, reconciled: Option<Timestamp>, now: Timestamp) -> &mut First {
        if self.first.get(id).is_some_and(|first| first.uid != uid) {
            self.first.remove(id);
        }
        let is_new = self.looked;
        self.first.entry(id.clone()).or_insert_with(|| First {
            uid: uid.to_owned(),
            at: now,
            is_new,
            reconciled,
            is_compared: is_new && reconciled.is_some(),
        })
    }

    /// Notes that the revisions which are wanted are others now: what was answered before was about the old ones.
    pub fn revisions_moved(&mut self) {
        for asked in self.asked.values_mut() {
            (asked.is_answered, asked.is_over) = (false, true);
        }
    }

    /// Whether an Application was compared since it was first seen. Needs no clock, so that none can be wrong.
    pub(super) fn is_compared(&self, id: &ObjectRef) -> bool {
        self.first.get(id).is_some_and(|first| first.is_compared)
    }

    /// Returns when an object was first seen.
    pub(super) fn met_at(&self, id: &ObjectRef) -> Option<Timestamp> {
        self.first.get(id).map(|first| first.at)
    }

    /// Whether an object came into being after the platform was first looked at.
    pub(super) fn is_new(&self, id: &ObjectRef) -> bool {
        self.first.get(id).is_some_and(|first| first.is_new)
    }

    /// Whether a refresh of an object was asked for and answered.
    pub(super) fn is_answered(&self, id: &ObjectRef) -> bool {
        self.asked.get(id).is_some_and(|asked| asked.is_answered)
    }

    /// Returns how often a refresh of an object was asked for.
    pub(super) fn count(&self, id: &ObjectRef) -> u32 {
        self.asked.get(id).map_or(0, |asked| asked.count)
    }

    /// Returns how often it was asked for because this was seen.
    pub(super) fn count_of(&self, id: &ObjectRef, trigger: &str) -> u32 {
        self.asked
            .get(id)
            .and_then(|asked| asked.by_trigger.get(trigger))
            .copied()
            .unwrap_or(0)
    }

    /// Returns how long it is until a refresh may be asked for again.
    pub(super) fn patience(&self, id: &ObjectRef, now: Timestamp) -> Duration {
        self.asked.get(id).map_or(Duration::ZERO, |asked| {
            let is_soon = asked.is_done && self.well.contains_key(id);
            let patience = if is_soon { SOON } else { PATIENCE };
            let patience = patience.saturating_mul(2_u32.saturating_pow(asked.count.saturating_sub(1).min(BOUND - 1)));
            patience.saturating_sub(since(asked.at, now))
        })
    }

    /// Notes that a refresh is asked for because this was seen, and returns which time this is.
    pub(super) fn ask(&mut self, id: &ObjectRef, now: Timestamp, before: &str, trigger: &str) -> u32 {
        let is_answered = self.is_answered(id);
        let mut by_trigger = self.asked.remove(id).map(|asked| asked.by_trigger).unwrap_or_default();
        let count = by_trigger.get(trigger).copied().unwrap_or(0) + 1;
        by_trigger.insert(trigger.to_owned(), count);
        let asked = Asked {
            count: by_trigger.values().sum(),
            by_trigger,
            at: now,
            before: before.to_owned(),
            is_seen: false,
            is_answered,
            is_over: false,
            is_done: false,
        };
        self.asked.insert(id.clone(), asked);
        count
    }

    /// Takes in the nodes and their phases.
    pub(super) fn note_phases(&mut self, nodes: &[Node], now: Timestamp) {
        let before = std::mem::take(&mut self.phases);
        // A clock that went back proves nothing: count anew.
        let is_back = self.changed.is_some_and(|at| at > now);
        let mut is_same = before.len() == nodes.len() && !is_back;
        for node in nodes {
            let known = before.get(&node.id);
            let at = known.filter(|(phase, at)| *phase == node.phase && *at <= now && !is_back);
            is_same &= at.is_some();
            if known.is_some_and(|(phase, _)| phase.is_settled()) && !node.phase.is_settled() {
                self.steady = Some(now);
            }
            self.phases
                .insert(node.id.clone(), (node.phase, at.map_or(now, |(_, at)| *at)));
        }
        if !is_same || self.changed.is_none() {
            self.changed = Some(now);
        }
    }

    /// Returns since when the nodes and their phases have been as they are now.
    pub(super) fn changed(&self) -> Option<Timestamp> {
        self.changed
    }

    /// Returns since when a node has been in its phase.
    pub(super) fn phase_since(&self, node: &str) -> Option<Timestamp> {
        self.phases.get(node).map(|(_, at)| *at)
    }
}

impl Asked {
    fn observe(&mut self, pending: bool, mark: &str) {
        if self.is_over {
            return;
        }
        self.is_seen |= pending;
        self.is_done |= !pending && !mark.is_empty() && mark != self.before;
        self.is_answered |= self.is_done;
    }
}
