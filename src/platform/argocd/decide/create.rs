//! Which leaves may be created now, and what the others wait for.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::closure::is_there;
use super::memory::SENT;
use super::{Action, Create, Decision, Memory, Rules, Tree, name};
use crate::event::{Blocker, NodePhase};
use crate::object::ObjectRef;
use crate::platform::argocd::message::{about, few, itself};

/// Looks at every leaf of the rules that is not there. One is created once each that it waits for is ready by our own verdict, or is
/// accepted as it is; what holds back the others is told as their own blockers.
pub(super) fn create(tree: &Tree, rules: &Rules, memory: &mut Memory, decision: &mut Decision, now: Timestamp) {
    let ready: BTreeSet<&str> = decision
        .nodes
        .iter()
        .filter(|node| node.phase.is_settled())
        .map(|node| node.id.as_str())
        .collect();
    let is_ready = |id: &ObjectRef| ready.contains(name(id).as_str());
    let ready: Vec<bool> = rules.leaves.iter().map(|leaf| is_ready(&leaf.id)).collect();
    let mut told: BTreeMap<String, Vec<Blocker>> = BTreeMap::new();
    for leaf in rules.leaves.iter().filter(|leaf| !is_there(tree, &leaf.id)) {
        let waits = leaf
            .waits
            .iter()
            .filter(|wait| !ready.get(wait.on).is_some_and(|is| *is));
        let on: Vec<_> = waits
            .filter_map(|wait| Some(about(&rules.leaves.get(wait.on)?.id, &*wait.why)))
            .collect();
        if !on.is_empty() {
            told.insert(name(&leaf.id), few(on, "apps have to be ready first"));
            continue;
        }
        told.insert(name(&leaf.id), vec![itself("is being created")]);
        match memory.may_create(&leaf.id, now) {
            None => {
                decision.actions.push(Action::Create(Create {
                    object: leaf.id.clone(),
                    manifest: leaf.object.clone(),
                }));
                // Should it be refused, nothing else would wake us.
                decision.look_again = super::earlier(decision.look_again, Some(SENT));
            }
            left => decision.look_again = super::earlier(decision.look_again, left),
        }
    }
    for node in &mut decision.nodes {
        if let Some(blockers) = told.remove(&node.id) {
            "not created yet".clone_into(&mut node.words);
            if node.phase == NodePhase::Missing {
                node.blocked_by = blockers;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::{Platform, app_id, at, ready};
    use super::*;
    use crate::platform::argocd::leaves::{Leaf, Wait};

    fn leaf(name: &str, waits: &[usize]) -> Leaf {
        Leaf {
            id: app_id(name),
            parent: Some(app_id("root")),
            waits: waits
                .iter()
                .map(|on| Wait {
                    on: *on,
                    why: "has to be ready first: it brings CustomResourceDefinition widgets".into(),
                })
                .collect(),
            rank: 0,
            object: json!({"metadata": {"name": name}}),
        }
    }

    /// `crds` waits for nothing, `shop` for it, `edge` for both.
    fn platform() -> Platform {
        let mut platform = Platform::new([]);
        platform.rules.roots.clear();
        platform.rules.leaves = vec![leaf("crds", &[]), leaf("shop", &[0]), leaf("edge", &[0, 1])].into();
        platform
    }

    fn created(decision: &Decision) -> Vec<&str> {
        let actions = decision.actions.iter();
        let created = actions.filter_map(|action| match action {
            Action::Create(create) => Some(create.object.name.as_str()),
            _ => None,
        });
        created.collect()
    }

    #[test]
    fn a_leaf_is_created_when_all_that_it_waits_for_is_ready_and_not_before() {
        let mut platform = platform();
        let first = platform.decide(5);
        assert_eq!(created(&first), ["crds"]);
        assert_eq!(
            first.blockers("shop"),
            ["Application.argoproj.io argocd/crds: has to be ready first: it brings CustomResourceDefinition widgets"]
        );
        assert!(first.nodes.iter().all(|node| node.phase == NodePhase::Missing));
        assert_eq!(first.nodes[1].parent.as_deref(), Some("Application argocd/root"));

        // It is there, and its sync is under way: Healthy alone is not ready.
        let mut on_its_way = ready("crds", &[]);
        on_its_way["status"]["operationState"]["phase"] = json!("Running");
        platform.put(on_its_way);
        assert_eq!(created(&platform.decide(6)), Vec::<&str>::new());

        platform.put(ready("crds", &[]));
        assert_eq!(created(&platform.decide(7)), ["shop"]);
        platform.put(ready("shop", &[]));
        assert_eq!(created(&platform.decide(8)), ["edge"]);
    }

    #[test]
    fn what_was_asked_for_and_is_not_seen_yet_is_not_asked_for_twice() {
        let mut platform = platform();
        assert_eq!(created(&platform.decide(5)), ["crds"]);
        let waiting = platform.decide(6);
        assert_eq!(created(&waiting), Vec::<&str>::new());
        assert!(
            waiting.look_again.is_some(),
            "nothing may come of it, and nothing else would wake us"
        );
        // It never came: somebody took it away, or the request was lost.
        assert_eq!(created(&platform.decide(30)), ["crds"]);
        // It was refused: what refuses it may be mended, and is not asked all the time.
        let refused = platform.decide(60).actions.remove(0);
        platform.memory.not_done(&refused);
        let refused = platform.decide(61);
        assert_eq!(created(&refused), Vec::<&str>::new());
        assert!(refused.look_again.is_some());
        assert_eq!(created(&platform.decide(90)), ["crds"]);
    }

    #[test]
    fn what_the_runbook_accepts_or_leaves_out_holds_nothing_back() {
        let mut platform = platform();
        platform.ignore("crds");
        assert_eq!(created(&platform.decide(5)), ["crds", "shop"]);
        let mut platform = self::platform();
        platform.allow("crds", &["Degraded"]);
        let mut degraded = ready("crds", &[]);
        degraded["status"]["health"]["status"] = json!("Degraded");
        platform.put(degraded);
        assert_eq!(created(&platform.decide(5)), ["shop"]);
    }

    #[test]
    fn what_is_there_is_never_created_whatever_it_is_like() {
        let mut platform = platform();
        let mut foreign = ready("crds", &[]);
        foreign["metadata"]["deletionTimestamp"] = json!(at(4));
        platform.put(foreign);
        assert_eq!(created(&platform.decide(5)), Vec::<&str>::new());
    }
}
