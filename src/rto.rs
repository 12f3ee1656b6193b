//! Recovery time: how long a run took, in which phases, against which promise, and what was slowest.
//!
//! It is read from the fold of a run's events and from nothing else. It is also the one place that puts durations
//! into words.

use crate::event::{NodeState, Phase, RunOutcome, RunState};

/// How many of the slowest nodes are named.
const SLOWEST: usize = 5;
/// A node that took less than this is not worth a line, in milliseconds.
const WORTH_NAMING_MS: u64 = 1_000;

/// The recovery time of a run, all times in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// From the start to the newest event.
    pub total_ms: u64,
    /// What became of the promise.
    pub verdict: Verdict,
    /// The time spent in each phase, in the order of the phases; those without a step are left out.
    pub phases: Vec<(Phase, u64)>,
    /// The time in which a person was waited for; no phase counts it.
    pub human_ms: u64,
    /// The time in which no step ran.
    pub between_ms: u64,
    /// What had passed before this run, which goes on with an earlier one, in milliseconds, but for the time of a person.
    pub before_ms: u64,
    /// The nodes that took longest from their first sign of life until they were ready, the slowest first.
    /// A node that others follow from is left out: it waits for them.
    pub slowest: Vec<Slow>,
}

/// A node and how long it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slow {
    /// Its short name.
    pub name: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// What became of the recovery time objective.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The runbook promises nothing.
    NoTarget,
    /// The run did not recover, or not yet.
    Open {
        /// The promise, in milliseconds.
        target_ms: u64,
    },
    /// Recovered in time.
    Met {
        /// The promise, in milliseconds.
        target_ms: u64,
    },
    /// Recovered too late.
    Missed {
        /// The promise, in milliseconds.
        target_ms: u64,
        /// By how much, in milliseconds.
        by_ms: u64,
    },
}

impl Recovery {
    /// Accounts for a run.
    pub fn of(state: &RunState) -> Self {
        let total_ms = state.recovery_ms();
        Self {
            total_ms,
            verdict: Verdict::of(state),
            phases: state.phases(),
            // A run that goes on after the clock has stopped adds nothing to it.
            before_ms: state.before_ms.min(total_ms).saturating_sub(state.human_before_ms),
            human_ms: state.human_ms(),
            // What was waited for before is part of what had passed before.
            between_ms: total_ms.saturating_sub(
                state.busy_ms() + state.before_ms + state.human_ms().saturating_sub(state.human_before_ms),
            ),
            slowest: slowest(state),
        }
    }
}

impl Verdict {
    /// Judges a run.
    pub fn of(state: &RunState) -> Self {
        let recovered = matches!(state.finished, Some((RunOutcome::Recovered, _)));
        match state.target_ms {
            None => Self::NoTarget,
            Some(target_ms) if !recovered => Self::Open { target_ms },
            Some(target_ms) if state.over_target() => Self::Missed {
                target_ms,
                by_ms: state.recovery_ms() - target_ms,
            },
            Some(target_ms) => Self::Met { target_ms },
        }
    }
}

/// Writes a measured duration as people read it: `2.1s` below ten seconds, then `41s`, `4m 12s`, `1h 02m`.
///
/// It rounds down: no clock shows a time that has not come yet.
pub fn duration(milliseconds: u64) -> String {
    let seconds = milliseconds / 1_000;
    let (minutes, hours) = (seconds / 60, seconds / 3_600);
    match seconds {
        0..10 => format!("{seconds}.{}s", milliseconds % 1_000 / 100),
        10..60 => format!("{seconds}s"),
        60..3_600 => format!("{minutes}m {:02}s", seconds % 60),
        _ => format!("{hours}h {:02}m", minutes % 60),
    }
}

/// Writes a duration that still grows, in whole seconds, so that nothing but the last figure moves.
pub fn growing(milliseconds: u64) -> String {
    match milliseconds / 1_000 {
        seconds @ 0..10 => format!("{seconds}s"),
        _ => duration(milliseconds),
    }
}

/// Writes a duration that a person chose, without the parts that are nothing: `30m`, `1h 30m`, `45s`, `0s`.
pub fn chosen(milliseconds: u64) -> String {
    let seconds = milliseconds / 1_000;
    let parts: Vec<_> = [(seconds / 3_600, 'h'), (seconds / 60 % 60, 'm'), (seconds % 60, 's')]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, unit)| format!("{number}{unit}"))
        .collect();
    match (parts.is_empty(), milliseconds) {
        (true, 1..) => duration(milliseconds),
        (true, 0) => "0s".to_owned(),
        (false, _) => parts.join(" "),
    }
}

fn slowest(state: &RunState) -> Vec<Slow> {
    let is_parent = |id: &str| {
        state
            .nodes
            .values()
            .any(|other| other.node.parent.as_deref() == Some(id))
    };
    let mut nodes: Vec<(&NodeState, u64)> = state
        .nodes
        .values()
        .filter_map(|node| Some((node, node.ready_ms?.saturating_sub(node.begun_ms?))))
        .filter(|(_, took)| *took >= WORTH_NAMING_MS)
        .collect();
    nodes.sort_by_key(|(_, took)| std::cmp::Reverse(*took));
    nodes
        .into_iter()
        .filter(|(node, _)| !is_parent(&node.node.id))
        .take(SLOWEST)
        .map(|(node, took_ms)| Slow {
            name: node.node.name.clone(),
            took_ms,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Node, NodePhase};

    #[test]
    fn what_had_passed_before_a_run_is_no_more_than_the_recovery_took() {
        let mut state = RunState {
            before_ms: 172_800_000,
            elapsed_ms: 5_000,
            recovered_before_ms: Some(90_000),
            ..RunState::default()
        };
        assert_eq!(Recovery::of(&state).before_ms, 90_000);
        state.recovered_before_ms = None;
        assert_eq!(Recovery::of(&state).before_ms, 172_800_000);
    }

    #[test]
    fn durations_read_as_people_say_them() {
        let table = [
            (0, "0.0s"),
            (99, "0.0s"),
            (2_149, "2.1s"),
            (9_999, "9.9s"),
            (10_000, "10s"),
            (41_900, "41s"),
            (60_000, "1m 00s"),
            (252_000, "4m 12s"),
            (3_599_999, "59m 59s"),
            (3_720_000, "1h 02m"),
            (90_000_000, "25h 00m"),
        ];
        for (milliseconds, words) in table {
            assert_eq!(duration(milliseconds), words, "{milliseconds} ms");
        }
    }

    #[test]
    fn a_chosen_duration_has_no_empty_parts() {
        let table = [
            (0, "0s"),
            (500, "0.5s"),
            (45_000, "45s"),
            (1_800_000, "30m"),
            (5_400_000, "1h 30m"),
            (3_600_000, "1h"),
            (3_661_000, "1h 1m 1s"),
        ];
        for (milliseconds, words) in table {
            assert_eq!(chosen(milliseconds), words, "{milliseconds} ms");
        }
    }

    fn recovered(target_ms: Option<u64>, elapsed_ms: u64) -> RunState {
        RunState {
            target_ms,
            elapsed_ms,
            finished: Some((RunOutcome::Recovered, None)),
            ..RunState::default()
        }
    }

    #[test]
    fn a_target_is_met_up_to_its_last_millisecond() {
        assert_eq!(Verdict::of(&recovered(None, 9)), Verdict::NoTarget);
        assert_eq!(Verdict::of(&recovered(Some(9), 9)), Verdict::Met { target_ms: 9 });
        let missed = Verdict::Missed { target_ms: 9, by_ms: 1 };
        assert_eq!(Verdict::of(&recovered(Some(9), 10)), missed);
    }

    #[test]
    fn a_run_that_did_not_recover_has_neither_met_nor_missed_its_target() {
        for finished in [None, Some((RunOutcome::Interrupted, None))] {
            let state = RunState {
                finished,
                ..recovered(Some(9), 3)
            };
            assert_eq!(Verdict::of(&state), Verdict::Open { target_ms: 9 });
        }
    }

    #[test]
    fn what_came_before_a_clock_that_had_stopped_is_no_more_than_the_clock() {
        let state = RunState {
            before_ms: 172_800_000,
            recovered_before_ms: Some(90_000),
            ..recovered(Some(100_000), 3_000)
        };
        let recovery = Recovery::of(&state);
        assert_eq!((recovery.before_ms, recovery.total_ms), (90_000, 90_000));
    }

    /// A node that came to life at one time and was ready at another.
    fn node(name: &str, parent: Option<&str>, begun_ms: Option<u64>, ready_ms: Option<u64>) -> (String, NodeState) {
        let node = Node {
            id: name.into(),
            name: name.into(),
            parent: parent.map(str::to_owned),
            phase: NodePhase::Ready,
            words: String::new(),
            revision: None,
            blocked_by: Vec::new(),
        };
        let state = NodeState {
            node,
            since_ms: 0,
            begun_ms,
            ready_ms,
        };
        (name.to_owned(), state)
    }

    #[test]
    fn the_slowest_are_those_that_nothing_follows_from_and_that_took_a_while() {
        let state = RunState {
            nodes: [
                node("root", None, Some(0), Some(90_000)),
                node("waited-long", Some("root"), Some(80_000), Some(85_000)),
                node("slow", Some("root"), Some(1_000), Some(61_000)),
                node("at-once", Some("root"), Some(1_000), Some(1_900)),
                node("never", Some("root"), Some(1_000), None),
            ]
            .into(),
            ..RunState::default()
        };
        let slowest: Vec<_> = Recovery::of(&state)
            .slowest
            .into_iter()
            .map(|slow| (slow.name, slow.took_ms))
            .collect();
        assert_eq!(
            slowest,
            [("slow".to_owned(), 60_000), ("waited-long".to_owned(), 5_000)]
        );
    }
}
