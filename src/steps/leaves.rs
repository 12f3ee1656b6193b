//! The apps that a run creates itself, before the roots: `order: graph`.

use super::World;
use crate::engine::Context;
use crate::event::{Body, Exception, Node, NodePhase, Run};
use crate::platform::argocd::decide::{Decision, name};
use crate::platform::argocd::leaves::Leaf;

/// Returns the leaves of this run, as they were planned.
pub(super) fn ours(world: &World) -> &[Leaf] {
    world.prepared.get().map_or(&[], |prepared| &prepared.leaves.ours)
}

/// Tells of the leaves that nothing names which follows from the roots, now that all of that is there. They are as Git has them by our
/// own rendering, and the agent's is another.
pub(super) fn tell_unnamed(world: &World, decision: &Decision, context: &Context) {
    for leaf in unnamed(ours(world), decision) {
        let reason =
            "it was created ahead of its parent, and the parent does not name it: see what its sources hold now";
        context.emit(Body::Node(Node {
            id: name(&leaf.id),
            name: leaf.id.name.clone(),
            parent: leaf.parent.as_ref().map(name),
            phase: NodePhase::Ignored,
            words: "follows from nothing".into(),
            revision: None,
            blocked_by: Vec::new(),
        }));
        context.emit(Run::Excepted(Exception {
            subject: leaf.id.name.clone(),
            what: "an app of nobody's".into(),
            reason: reason.into(),
        }));
    }
}

fn unnamed<'leaf>(leaves: &'leaf [Leaf], decision: &Decision) -> Vec<&'leaf Leaf> {
    let is_named = |leaf: &&Leaf| decision.nodes.iter().any(|node| node.id == name(&leaf.id));
    leaves.iter().filter(|leaf| !is_named(leaf)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::object::ObjectRef;

    #[test]
    fn a_leaf_is_unnamed_where_nothing_that_follows_from_the_roots_leads_to_it() {
        let leaf = |name: &str| Leaf {
            id: ObjectRef::new("argoproj.io/v1alpha1", "Application", "argocd", name),
            parent: None,
            waits: Vec::new(),
            rank: 0,
            object: Value::Null,
        };
        let node = Node {
            id: "Application argocd/cart".into(),
            name: "cart".into(),
            parent: None,
            phase: NodePhase::Ready,
            words: String::new(),
            revision: None,
            blocked_by: Vec::new(),
        };
        let decision = Decision {
            nodes: vec![node],
            exceptions: Vec::new(),
            actions: Vec::new(),
            elsewhere: Vec::new(),
            held: Vec::new(),
            settled: true,
            look_again: None,
        };
        let leaves = [leaf("cart"), leaf("lost")];
        assert_eq!(unnamed(&leaves, &decision), [&leaves[1]]);
    }
}
