//! Tells how much longer a run takes, as far as its apps are.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::Context;
use crate::event::{Node, NodePhase};
use crate::graph::Seen;
use crate::plan::Outlook;
use crate::platform::argocd::decide::Decision;

/// What is expected is told again at most this often,
const PAUSE: Duration = Duration::from_secs(2);
/// and only where it has become another by this much.
const NEWS: Duration = Duration::from_secs(1);

/// What was seen of the apps in this step, and what was told of it.
#[derive(Default)]
pub(super) struct Watch {
    seen: BTreeMap<String, Seen>,
    /// When something was told, and which end.
    told: Option<(Duration, Duration)>,
}

impl Watch {
    /// Takes what is known of the nodes now, and tells what is left if that is news.
    pub(super) fn tell(&mut self, outlook: Option<&Outlook>, decision: &Decision, context: &Context) {
        let (Some(outlook), now) = (outlook, context.clock().elapsed()) else {
            return;
        };
        let was_all = self.is_all();
        self.take(&decision.nodes, now);
        let is_due = self.told.is_none_or(|(at, _)| now >= at + PAUSE);
        // That all is well is told at once: what comes then is known to the second.
        if !is_due && was_all == self.is_all() {
            return;
        }
        let settling = decision.look_again.unwrap_or_default();
        let left = outlook.left(context.step(), &self.seen, now, settling);
        let end = now + left;
        if self.told.is_some_and(|(_, told)| told.abs_diff(end) < NEWS) {
            return;
        }
        self.told = Some((now, end));
        context.emit(outlook.expected(left));
    }

    fn is_all(&self) -> bool {
        self.seen.values().all(|seen| seen.ready.is_some())
    }

    fn take(&mut self, nodes: &[Node], now: Duration) {
        for node in nodes {
            let seen = self.seen.entry(node.id.clone()).or_default();
            if node.phase != NodePhase::Missing {
                seen.begun.get_or_insert(now);
            }
            // One that falls ill again is waited for again.
            seen.ready = node.phase.is_settled().then(|| seen.ready.unwrap_or(now));
        }
    }
}
