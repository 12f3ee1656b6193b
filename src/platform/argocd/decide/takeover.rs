//! The first sync of an app whose CRDs were applied ahead of it.
//!
//! What is applied ahead is as the app brings it. An app that brings nothing else is Synced at once, so that the agent never syncs
//! it, and would never come to own a field of them: what is taken out of Git later would stay on the cluster for ever. One sync, as
//! the agent itself would begin it, makes them its own.

use std::time::Duration;

use super::node::{Judged, View};
use super::{earlier, since};
use crate::event::NodePhase;
use crate::object::ObjectRef;
use crate::platform::argocd::application::Application;
use crate::platform::argocd::message::itself;

/// Why such a sync is begun.
const TRIGGER: &str = "it brings CRDs alone, which were there before it: its first sync takes them over";

/// How long it is tried, and the agent given to begin it. A recovery does not wait longer for what only a later change of Git would tell.
const PATIENCE: Duration = Duration::from_mins(1);

/// When one that the API server did not take is begun once more.
const AGAIN: Duration = Duration::from_secs(5);

impl View<'_> {
    /// Begins the first sync of an app that has none because what it brings was there before it; until that has begun, the app is not ready.
    ///
    /// It makes the agent apply what the app holds and finds as it should be, on the cluster that the app goes to: see
    /// [`perform`](crate::agent::argocd::perform) for what keeps it from a wrong one. Once in a run; what is held back on purpose is
    /// left alone.
    pub(super) fn take_over(
        &mut self,
        id: &ObjectRef,
        app: Application<'_>,
        object: &serde_json::Value,
        judged: &mut Judged,
    ) {
        let is_due = self.rules.ahead.contains(id)
            && judged.node.phase == NodePhase::Ready
            && app.operation().is_none()
            && app.sync() == "Synced"
            && app.is_automated();
        if !is_due || self.is_rolling(object) || self.closed(app).is_some() {
            return;
        }
        let waited = since(self.memory.cleared(id, self.now), self.now);
        if waited >= PATIENCE {
            return;
        }
        let is_begun = self.memory.begun(id, &[TRIGGER.to_owned()]).0 > 0;
        let pause = self
            .memory
            .begun_at(id)
            .map_or(Duration::ZERO, |at| AGAIN.saturating_sub(since(at, self.now)));
        // Nothing else would wake us where it is refused, or where the agent does not begin it.
        judged.look_again = earlier(
            judged.look_again,
            Some(if is_begun {
                PATIENCE.saturating_sub(waited)
            } else {
                AGAIN
            }),
        );
        if !is_begun && pause.is_zero() {
            judged.action = Some(self.begin_whole(id, app, TRIGGER.to_owned(), TRIGGER));
        }
        judged.node.phase = NodePhase::Progressing;
        judged.node.blocked_by = vec![itself(
            "its first sync takes over the CRDs that were applied ahead of it",
        )];
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Action;
    use super::super::fixture::{Platform, app_id, ready};
    use super::*;

    /// An app that was never synced, since all that it brings was there.
    fn platform() -> Platform {
        let mut crds = ready("crds", &[]);
        crds["metadata"]["resourceVersion"] = json!("77");
        crds["status"].as_object_mut().unwrap().remove("operationState");
        let mut platform = Platform::new([ready("root", &["crds"]), crds]);
        platform.rules.ahead.insert(app_id("crds"));
        platform
    }

    fn begun(platform: &mut Platform, seconds: i64) -> usize {
        let actions = platform.decide(seconds).actions;
        actions
            .iter()
            .filter(|action| matches!(action, Action::Sync(_)))
            .count()
    }

    fn phase(platform: &mut Platform, seconds: i64) -> NodePhase {
        let nodes = platform.decide(seconds).nodes;
        nodes.into_iter().find(|node| node.name == "crds").unwrap().phase
    }

    #[test]
    fn an_app_whose_crds_were_there_before_it_is_synced_once_and_then_is_ready() {
        let mut platform = platform();
        assert_eq!(begun(&mut platform, 6), 1);
        assert_eq!(begun(&mut platform, 7), 0);
        assert_eq!(phase(&mut platform, 8), NodePhase::Progressing);
        platform.put(ready("crds", &[]));
        assert_eq!(phase(&mut platform, 9), NodePhase::Ready);
        assert_eq!(begun(&mut platform, 9), 0);
    }

    #[test]
    fn a_recovery_does_not_wait_for_ever_for_an_agent_that_does_not_begin_it() {
        let mut platform = platform();
        assert_eq!(begun(&mut platform, 6), 1);
        let waiting = platform.decide(20);
        assert!(waiting.look_again.is_some());
        assert_eq!(phase(&mut platform, 67), NodePhase::Ready);
    }

    #[test]
    fn what_the_api_server_did_not_take_is_asked_for_again_after_a_pause_and_for_a_while() {
        let mut platform = platform();
        for at in [6, 11, 16] {
            let mut decision = platform.decide(at);
            assert!(decision.look_again.is_some(), "{at}");
            let refused = decision.actions.remove(0);
            platform.memory.not_done(&refused);
            assert_eq!(begun(&mut platform, at + 1), 0);
        }
        assert_eq!(begun(&mut platform, 66), 0);
        assert_eq!(phase(&mut platform, 67), NodePhase::Ready);
    }

    #[test]
    fn an_app_that_has_been_synced_or_that_nobody_was_ahead_of_is_left_alone() {
        let mut synced = platform();
        synced.put(ready("crds", &[]));
        let mut other = platform();
        other.rules.ahead.clear();
        let mut manual = platform();
        manual.app("crds")["spec"]["syncPolicy"] = json!({});
        for platform in [&mut synced, &mut other, &mut manual] {
            assert_eq!(begun(platform, 6), 0);
            assert_eq!(phase(platform, 7), NodePhase::Ready);
        }
    }
}
