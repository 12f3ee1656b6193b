//! What is decided from what, and the decision itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::{Away, Memory, closure, create, node, quiet};
use crate::event::{Exception, Node};
use crate::object::ObjectRef;
use crate::platform::argocd::leaves::Leaf;
use crate::platform::live::{Live, Sight};

/// How often one node is refreshed at most in a run for one thing that was seen, such as a failed comparison.
pub const BOUND: u32 = 3;

/// The live objects, as last seen.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// Applications.
    pub applications: BTreeMap<ObjectRef, Value>,
    /// ApplicationSets.
    pub sets: BTreeMap<ObjectRef, Value>,
    /// `AppProject` objects; may be left empty.
    pub projects: BTreeMap<ObjectRef, Value>,
    /// What is known of the objects that the Applications deploy to this cluster; may be left empty.
    pub live: BTreeMap<ObjectRef, Live>,
    /// The kinds, each a group and a kind, of which that is all there is to know. Of others nothing is known.
    pub kinds: BTreeMap<(String, String), Sight>,
    /// What there is of what syncs failed for.
    pub ground: Ground,
}

/// What there is, on the agent's own cluster, of what a sync may fail for. It is looked for only where one has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ground {
    /// The kinds that are served, each a group and a kind.
    pub kinds: BTreeSet<(String, String)>,
    /// The namespaces.
    pub namespaces: BTreeSet<String>,
    /// The Services behind which something is ready, each a namespace and a name.
    pub services: BTreeSet<(String, String)>,
}

/// What the run wants.
#[derive(Debug, Clone)]
pub struct Rules {
    /// From what all else follows. Of other kinds than Application and `ApplicationSet` nothing follows.
    pub roots: Vec<ObjectRef>,
    /// The leaves that are to be created, each when what it waits for is ready; empty but where that is what is waited for.
    pub leaves: Arc<[Leaf]>,
    /// The apps whose CRDs are applied ahead of them, and that bring nothing else: see [`takeover`](super).
    pub ahead: BTreeSet<ObjectRef>,
    /// When the run began; of a resumed run, when it first began.
    pub started: Timestamp,
    /// When the first of the runs began that this one goes on with, by the cluster's clock; its own beginning if there is none.
    pub first_started: Timestamp,
    /// What is accepted of single apps, by name or by `namespace/name`.
    pub apps: BTreeMap<String, Policy>,
    /// What we found ourselves in the repositories.
    pub revisions: Vec<Resolved>,
    /// The clusters that the agent cannot reach, now or for good.
    pub away: Vec<Away>,
    /// For how long nothing may have changed, where it is not proved that nothing will: 10 s.
    pub quiet: Duration,
    /// The name of the run, which a sync that it begins bears.
    pub run: String,
}

/// What is accepted of one app.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// The words that count as ready: a health such as `Suspended`, `OutOfSync`, or the type of a condition.
    pub allow: Vec<String>,
    /// Whether it is left out, with all that follows from it alone.
    pub ignore: bool,
    /// Whether a sync that has run hooks may be begun again, which runs them again.
    pub rerun_hooks: bool,
    /// Whether it is to be synced though nobody syncs it by itself.
    pub sync: bool,
    /// Why.
    pub reason: String,
}

/// A commit that we found ourselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The repository's address, however written.
    pub repository: String,
    /// The branch or tag, or `HEAD`, as an Application's `targetRevision` names it.
    pub target: String,
    /// The commit.
    pub commit: String,
}

/// What is to be thought and done.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Every node of the closure, the roots first.
    pub nodes: Vec<Node>,
    /// What the policies accept.
    pub exceptions: Vec<Exception>,
    /// What to do now.
    pub actions: Vec<Action>,
    /// Where the agent is at another commit than [`Rules::revisions`] say, with the commit at which it is.
    pub elsewhere: Vec<Resolved>,
    /// The nodes that wait for a cluster which is not connected yet, by their stable names.
    pub held: Vec<String>,
    /// Whether every node is ready, excepted, ignored or held, and was so for [`Rules::quiet`].
    pub settled: bool,
    /// When to decide again even if nothing is seen to change.
    pub look_again: Option<Duration>,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Set the annotation `argocd.argoproj.io/refresh` on an Application.
    Refresh(Refresh),
    /// Set the annotation `argocd.argoproj.io/application-set-refresh: "true"` on an `ApplicationSet`.
    RefreshSet(Refresh),
    /// Begin the sync of an Application: again, where the agent has given it up, or for the first time, where the runbook orders it.
    Sync(Sync),
    /// Create an Application that is not there.
    Create(Create),
}

/// An Application to create.
#[derive(Debug, Clone, PartialEq)]
pub struct Create {
    /// Which.
    pub object: ObjectRef,
    /// As it is to be.
    pub manifest: Value,
}

/// A refresh to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refresh {
    /// Of what.
    pub object: ObjectRef,
    /// What was seen that made it due.
    pub trigger: String,
    /// Which time this is, counted from 1.
    pub attempt: u32,
    /// How often it may be done at most.
    pub bound: u32,
    /// Whether the agent is to forget what it has kept of the repository and of the cluster.
    pub is_hard: bool,
}

/// A sync to begin.
#[derive(Debug, Clone, PartialEq)]
pub struct Sync {
    /// Of which Application.
    pub object: ObjectRef,
    /// The version of the object that this was decided by. Of any other one it is not known that nothing is under way.
    pub resource_version: String,
    /// The value of its field `operation`.
    pub operation: Value,
    /// What was seen that made it due.
    pub trigger: String,
    /// Which time this is for this cause, counted from 1.
    pub attempt: u32,
    /// How often it may be done at most.
    pub bound: u32,
    /// Whether it was begun before, and given up.
    pub is_again: bool,
}

/// Decides. `memory` holds what earlier decisions saw and did, and starts empty; a refresh counts as asked for once it
/// is in [`Decision::actions`].
pub fn decide(tree: &Tree, rules: &Rules, memory: &mut Memory, now: Timestamp) -> Decision {
    memory.observe(tree, now);
    let members = closure::walk(tree, rules);
    let mut view = node::View::new(tree, rules, memory, now);
    let mut decision = Decision {
        nodes: Vec::with_capacity(members.len()),
        exceptions: Vec::new(),
        actions: Vec::new(),
        elsewhere: Vec::new(),
        held: Vec::new(),
        settled: false,
        look_again: None,
    };
    decision.elsewhere = view.survey(&members);
    for member in &members {
        let judged = view.judge(member);
        decision.held.extend(judged.is_held.then(|| judged.node.id.clone()));
        decision.nodes.push(judged.node);
        decision.exceptions.extend(judged.exception);
        decision.actions.extend(judged.action);
        decision.look_again = earlier(decision.look_again, judged.look_again);
    }
    create::create(tree, rules, memory, &mut decision, now);
    memory.note_phases(&decision.nodes, now);
    let held: BTreeSet<_> = decision.held.iter().collect();
    if decision
        .nodes
        .iter()
        .all(|node| node.phase.is_settled() || held.contains(&node.id))
    {
        let left = quiet::left(tree, rules, memory, &decision.nodes, now);
        decision.settled = left.is_zero();
        if !decision.settled {
            decision.look_again = earlier(decision.look_again, Some(left));
        }
    }
    decision
}

pub(super) fn earlier(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Returns how long after `earlier` `later` is; nothing where the clock went back.
pub(super) fn since(earlier: Timestamp, later: Timestamp) -> Duration {
    Duration::try_from(later.duration_since(earlier)).unwrap_or_default()
}
