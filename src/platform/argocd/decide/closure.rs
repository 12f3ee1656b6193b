//! Everything that follows from the roots.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;

use super::{Policy, Rules, Tree};
use crate::object::ObjectRef;
use crate::platform::argocd::GROUP;
use crate::platform::argocd::application::{Application, controller};
use crate::platform::argocd::applicationset::ApplicationSet;

/// One node of the closure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    /// Which object.
    pub(super) id: ObjectRef,
    /// From what it follows; of several the one that was found first.
    pub(super) parent: Option<ObjectRef>,
    /// Whether it is left out, by its own policy or because it follows only from what is.
    pub(super) ignored: bool,
}

/// Returns the policy for an app.
pub(super) fn policy<'rules>(rules: &'rules Rules, id: &ObjectRef) -> Option<&'rules Policy> {
    rules
        .apps
        .get(&format!("{}/{}", id.namespace, id.name))
        .or_else(|| rules.apps.get(&id.name))
}

/// Walks from the roots, breadth first; each node once, whatever cycles there are.
pub(super) fn walk(tree: &Tree, rules: &Rules) -> Vec<Member> {
    let owned = owned(tree);
    let roots = rules
        .roots
        .iter()
        .filter(|root| is_node(root))
        .map(|root| (root.clone(), None));
    let leaves = rules.leaves.iter().map(|leaf| (leaf.id.clone(), leaf.parent.clone()));
    let mut members = Vec::new();
    let mut seen = BTreeSet::new();
    let mut left_out = VecDeque::new();
    let mut queue: VecDeque<(ObjectRef, Option<ObjectRef>)> = roots.chain(leaves).collect();
    // What follows from an ignored app is walked last: it is ignored only if nothing else leads to it.
    let mut ignored = false;
    loop {
        let Some((id, parent)) = queue.pop_front() else {
            if left_out.is_empty() {
                return members;
            }
            ignored = true;
            queue = std::mem::take(&mut left_out);
            continue;
        };
        if !seen.insert(id.clone()) {
            continue;
        }
        let own = policy(rules, &id).is_some_and(|policy| policy.ignore);
        let next = if own { &mut left_out } else { &mut queue };
        next.extend(
            children(tree, &owned, &id)
                .into_iter()
                .map(|child| (child, Some(id.clone()))),
        );
        members.push(Member {
            id,
            parent,
            ignored: ignored || own,
        });
    }
}

fn is_node(id: &ObjectRef) -> bool {
    id.group == GROUP && matches!(id.kind.as_str(), "Application" | "ApplicationSet")
}

/// Returns the Applications by the UID of the set that made them.
fn owned(tree: &Tree) -> BTreeMap<&str, Vec<&ObjectRef>> {
    let mut owned: BTreeMap<&str, Vec<&ObjectRef>> = BTreeMap::new();
    for (id, object) in &tree.applications {
        if let Some(uid) = controller(object) {
            owned.entry(uid).or_default().push(id);
        }
    }
    owned
}

fn children(tree: &Tree, owned: &BTreeMap<&str, Vec<&ObjectRef>>, id: &ObjectRef) -> BTreeSet<ObjectRef> {
    if let Some(object) = tree.applications.get(id) {
        let app = Application::new(object);
        // Applications that are deployed to another cluster belong to the Argo CD there. Whether a cluster with another
        // name is this one after all is not known here, but what is seen here is.
        let here = app.is_in_cluster();
        return app.children().filter(|child| here || is_there(tree, child)).collect();
    }
    let Some(object) = tree.sets.get(id) else {
        return BTreeSet::new();
    };
    let set = ApplicationSet::new(object);
    let made = owned.get(set.uid()).into_iter().flatten().map(|id| (*id).clone());
    set.named().chain(made).collect()
}

pub(super) fn is_there(tree: &Tree, id: &ObjectRef) -> bool {
    object(tree, id).is_some()
}

/// Returns the live object.
pub(super) fn object<'tree>(tree: &'tree Tree, id: &ObjectRef) -> Option<&'tree Value> {
    tree.applications.get(id).or_else(|| tree.sets.get(id))
}

/// Returns how many Applications of a set are there.
pub(super) fn made(tree: &Tree, set: ApplicationSet<'_>) -> usize {
    let named: BTreeSet<_> = set.named().filter(|id| is_there(tree, id)).collect();
    let owned = tree
        .applications
        .iter()
        .filter(|(id, object)| !named.contains(id) && controller(object).is_some_and(|uid| uid == set.uid()))
        .count();
    named.len() + owned
}
