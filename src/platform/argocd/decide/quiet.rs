//! For how long nothing may have changed before a platform counts as settled.
//!
//! A quiet time guards against two things: that something is still to come, and that something which is well now falls ill
//! again. Where both are seen not to be so, no time is needed. `docs/design/waiting.md` tells why.

use std::collections::BTreeMap;
use std::time::Duration;

use super::well::{Wellness, wellness};
use super::{Decision, Memory, Rules, Tree, since};
use crate::event::NodePhase;
use crate::platform::argocd::application::Application;
use crate::platform::argocd::applicationset::ApplicationSet;
use jiff::Timestamp;

/// Returns for how long nothing may have changed: not at all, where it is proved that nothing is still to come and nothing was
/// seen to fall ill for as long as [`Rules::quiet`]; else that time.
pub(super) fn needed(tree: &Tree, rules: &Rules, memory: &Memory, decision: &Decision, now: Timestamp) -> Duration {
    let is_steady = memory
        .steady_since()
        .is_some_and(|at| at <= now && since(at, now) >= rules.quiet);
    if is_steady && is_proved(tree, decision) {
        Duration::ZERO
    } else {
        rules.quiet
    }
}

/// Whether everything that follows from the roots is known to be there, and well by its own live objects.
///
/// A node that is ready was compared at its revision after all that it names was made: a child that is missing makes an app
/// `OutOfSync`, and a set says how many it has. What is accepted, held or on another cluster is not seen.
fn is_proved(tree: &Tree, decision: &Decision) -> bool {
    let by_name: BTreeMap<String, Seen<'_>> = tree
        .applications
        .iter()
        .map(|(id, object)| (super::name(id), Seen::Application(Application::new(object))))
        .chain(
            tree.sets
                .iter()
                .map(|(id, object)| (super::name(id), Seen::Set(ApplicationSet::new(object)))),
        )
        .collect();
    decision.held.is_empty()
        && decision.nodes.iter().all(|node| match node.phase {
            NodePhase::Ignored => true,
            NodePhase::Ready => match by_name.get(&node.id) {
                Some(Seen::Application(app)) => wellness(*app, tree) == Wellness::Well,
                Some(Seen::Set(set)) => set.is_judged_as_it_is(),
                None => false,
            },
            NodePhase::Failing | NodePhase::Missing | NodePhase::Progressing | NodePhase::Excepted => false,
        })
}

enum Seen<'tree> {
    Application(Application<'tree>),
    Set(ApplicationSet<'tree>),
}
