//! How a run ends that does not recover.

use super::Alarm;
use crate::event::{Failure, NodePhase, RunOutcome, RunState};

/// Why a run ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    Interrupted,
    Deadline,
    Alarm,
}

impl Stop {
    /// What is said when it is heard of.
    pub(super) fn words(self) -> String {
        let why = match self {
            Self::Interrupted => "interrupted",
            Self::Deadline => "the deadline has passed",
            Self::Alarm => "the cluster is not this run's any more",
        };
        format!("{why}: requests in flight end, nothing new begins")
    }

    /// How the run ends by it, in the step with this title.
    pub(super) fn end(self, state: &RunState, alarm: &Alarm, at: Option<&str>) -> (RunOutcome, Failure) {
        let at = at.map(|title| format!(" in “{title}”")).unwrap_or_default();
        match self {
            Self::Alarm => {
                let why = alarm.why().cloned();
                (by_failure(state), why.unwrap_or_default())
            }
            Self::Interrupted => (RunOutcome::Interrupted, Failure::new(format!("interrupted{at}"))),
            Self::Deadline => {
                let failing: Vec<_> = state
                    .unready()
                    .into_iter()
                    .filter(|node| node.node.phase == NodePhase::Failing)
                    .collect();
                if failing.is_empty() {
                    return (
                        RunOutcome::DeadlinePassed,
                        Failure::new(format!("the deadline passed{at}")),
                    );
                }
                // Something is broken that more time would not mend: that is a failure, not a matter of patience.
                let mut failure = Failure::new(match failing.as_slice() {
                    [one] => format!("{} is broken, and the deadline passed", one.node.name),
                    many => format!("{} apps are broken, and the deadline passed", many.len()),
                });
                for node in failing {
                    let reasons: Vec<_> = node.node.blocked_by.iter().map(ToString::to_string).collect();
                    let why = if reasons.is_empty() {
                        node.node.words.clone()
                    } else {
                        reasons.join("; ")
                    };
                    failure.causes.push(format!("{}: {why}", node.node.name));
                }
                (
                    RunOutcome::Failed,
                    failure.hint("mend it in Git, and go on with `--resume`: what is done is found as it is"),
                )
            }
        }
    }
}

/// A run that fails before anything was changed is a refusal.
pub(super) fn by_failure(state: &RunState) -> RunOutcome {
    if state.touched() {
        RunOutcome::Failed
    } else {
        RunOutcome::Refused
    }
}
