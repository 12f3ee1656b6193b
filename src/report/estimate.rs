//! When a run that goes on is expected to be over.

use crate::event::RunState;
use crate::rto::chosen;

/// Says it, as `estimate 7m`; nothing where nothing is expected, or where nobody waits any more. `now_ms` is the time of the run.
///
/// What is meant is the recovery time at the end, as the clock beside it will show it. Where a person learns that it was wrong, it says so.
pub(super) fn estimate(state: &RunState, now_ms: u64) -> Option<String> {
    let expected = state
        .expected
        .filter(|_| state.finished.is_none() && state.stopping.is_none())?;
    let end_ms = expected.at_ms.saturating_add(expected.left_ms);
    let time = chosen(rounded(state.before_ms.saturating_add(end_ms)));
    if now_ms > end_ms {
        return Some(format!("later than its estimate of {time}"));
    }
    // A platform with something broken comes back when that is mended; then what is left is known again.
    let told = if state.any_failing() {
        format!("{time} at the earliest")
    } else {
        format!("estimate {time}")
    };
    let sureness = match (expected.measured, expected.apps) {
        (0, _) => " (guessed)",
        (measured, apps) if measured < apps => " (partly guessed)",
        _ => "",
    };
    Some(format!("{told}{sureness}"))
}

/// Rounds up to what anybody can expect: five seconds of a minute, ten of ten minutes, else minutes.
fn rounded(milliseconds: u64) -> u64 {
    let step = match milliseconds {
        0..60_000 => 5_000,
        60_000..600_000 => 10_000,
        _ => 60_000,
    };
    milliseconds.div_ceil(step).saturating_mul(step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Expectation, Failure, NodePhase, RunOutcome};
    use crate::report::story::{Story, story};

    fn expecting(left_ms: u64, measured: usize) -> Story {
        story().until_apps().after(300).say(crate::event::Run::Expected {
            left_ms,
            measured,
            apps: 5,
        })
    }

    #[test]
    fn what_is_expected_is_a_recovery_time_in_round_figures_and_says_how_sure_it_is() {
        // The apps begin 44 seconds into the run.
        for (left_ms, measured, words) in [
            (0, 5, "estimate 45s"),
            (10_000, 5, "estimate 55s"),
            (12_000, 0, "estimate 1m (guessed)"),
            (17_000, 3, "estimate 1m 10s (partly guessed)"),
            (375_000, 5, "estimate 7m"),
            (3_900_000, 5, "estimate 1h 6m"),
            (u64::MAX, 5, "estimate "),
        ] {
            let state = expecting(left_ms, measured).state();
            let told = estimate(&state, state.elapsed_ms).unwrap();
            assert!(told.starts_with(words), "{left_ms}: {told}");
        }
    }

    #[test]
    fn what_came_later_than_expected_is_said() {
        let state = expecting(15_500, 5).state();
        let at = state.elapsed_ms;
        assert_eq!(estimate(&state, at + 15_500).unwrap(), "estimate 1m");
        assert_eq!(estimate(&state, at + 15_501).unwrap(), "later than its estimate of 1m");
    }

    #[test]
    fn while_something_fails_nobody_can_tell_more_than_the_earliest_time() {
        let story = expecting(15_500, 5).node("cart", NodePhase::Failing, "", &[]);
        let state = story.state();
        assert_eq!(estimate(&state, state.elapsed_ms).unwrap(), "1m at the earliest");
        let state = story.node("cart", NodePhase::Ready, "", &[]).state();
        assert_eq!(estimate(&state, state.elapsed_ms).unwrap(), "estimate 1m");
    }

    #[test]
    fn a_run_that_goes_on_with_another_counts_what_had_passed() {
        let mut state = expecting(15_500, 5).state();
        state.before_ms = 60_000;
        assert_eq!(estimate(&state, state.elapsed_ms).unwrap(), "estimate 2m");
    }

    #[test]
    fn nothing_is_expected_of_what_is_over_or_was_never_told() {
        let state = story().until_apps().state();
        assert_eq!((state.expected, estimate(&state, 1)), (None, None));
        let ended = expecting(15_500, 5)
            .finish(RunOutcome::Failed, Some(Failure::new("x")))
            .state();
        assert_eq!(estimate(&ended, ended.elapsed_ms), None);
        let stopping = expecting(15_500, 5)
            .say(crate::event::Run::Stopping { reason: "x".into() })
            .state();
        assert_eq!(estimate(&stopping, stopping.elapsed_ms), None);
    }

    #[test]
    fn the_newest_word_counts() {
        let told = crate::event::Run::Expected {
            left_ms: 1_000,
            measured: 5,
            apps: 5,
        };
        let state = expecting(15_500, 5).after(2_000).say(told).state();
        assert_eq!(
            state.expected,
            Some(Expectation {
                at_ms: state.elapsed_ms,
                left_ms: 1_000,
                measured: 5,
                apps: 5
            })
        );
    }
}
