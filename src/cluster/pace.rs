//! How many requests that change something are in flight at once: as many as the server answers without becoming slower.
//!
//! Twice as many for each round of answers until they take longer, then one more for each round; half as many when the server says
//! that it is too much (429, 503) or takes twice as long as it does at the beginning: slow start, additive increase, multiplicative
//! decrease, as TCP does. No limit of requests a second, since nobody knows the right one.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How many at the beginning: enough for two cores next door.
pub(super) const START: usize = 16;

/// How many at most. A user outside `system:masters` has about 49 seats of the API server's priority and fairness
/// (`global-default`: 20 of 245 shares of 600); more would queue there and be refused.
const MOST: usize = 48;

/// How few at least because answers take long: fewer would not make a slow server faster.
const LEAST_FOR_SLOWNESS: usize = START / 2;

/// How much longer than usual a round of answers takes when it is too much.
const SLOWER: u32 = 2;

/// How much longer than usual, in percent, a round may take for the next to be twice as wide: where the way is what takes the time
/// (a control plane in another region) one more a round would spend a second on finding that out.
const STEADY: u32 = 125;

/// How much longer the usual is taken to be from round to round, in percent, so that a server that has become slow for good is not
/// held against its best day.
const DRIFT: u32 = 2;

/// The pace, shared by all clones of a connection.
#[derive(Debug)]
pub(super) struct Pace(Mutex<State>);

#[derive(Debug)]
struct State {
    limit: usize,
    /// The answers of this round, and how long they took together.
    answers: u32,
    took: Duration,
    /// Whether a whole round is over: the first also opens connections, and says nothing.
    is_warm: bool,
    /// Whether nothing has told yet how many are enough.
    is_starting: bool,
    /// How long an answer takes on average, at its best, with at least [`START`] in flight.
    usual: Option<Duration>,
    /// When the limit was last lowered: what set out before tells of the time before.
    eased: Option<Instant>,
}

impl Default for Pace {
    fn default() -> Self {
        Self(Mutex::new(State {
            limit: START,
            answers: 0,
            took: Duration::ZERO,
            is_warm: false,
            is_starting: true,
            usual: None,
            eased: None,
        }))
    }
}

impl Pace {
    /// Returns how many requests may be in flight now.
    pub(super) fn limit(&self) -> usize {
        self.state().limit
    }

    /// Takes note of an answer to a request that set out at `began`; `is_refused` where the server had too much to do for it.
    pub(super) fn answered(&self, began: Instant, now: Instant, is_refused: bool) {
        let mut state = self.state();
        if state.eased.is_some_and(|eased| began < eased) {
            return;
        }
        if is_refused {
            state.ease(1, now);
            return;
        }
        state.answers += 1;
        state.took += now - began;
        if (state.answers as usize) < state.limit {
            return;
        }
        let round = state.took / state.answers;
        (state.answers, state.took) = (0, Duration::ZERO);
        if !std::mem::replace(&mut state.is_warm, true) {
            return;
        }
        let usual = match state.usual {
            Some(usual) if round < usual && state.limit < START => usual,
            Some(usual) => round.min(usual + usual * DRIFT / 100),
            None => round,
        };
        state.usual = Some(usual);
        if round > usual * SLOWER {
            state.ease(LEAST_FOR_SLOWNESS, now);
            return;
        }
        state.is_starting &= round <= usual * STEADY / 100;
        let more = if state.is_starting { state.limit } else { 1 };
        state.limit = MOST.min(state.limit + more);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn ease(&mut self, least: usize, now: Instant) {
        self.is_starting = false;
        self.limit = (self.limit / 2).max(least.min(self.limit));
        (self.answers, self.took) = (0, Duration::ZERO);
        self.eased = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers as many rounds of the pace, each request after `takes`, one after another.
    fn rounds(pace: &Pace, now: &mut Instant, count: usize, takes: impl Fn(usize) -> Duration) {
        for _ in 0..count {
            let limit = pace.limit();
            let began = *now;
            *now += takes(limit);
            for _ in 0..limit {
                pace.answered(began, *now, false);
            }
        }
    }

    #[test]
    fn a_server_that_keeps_up_gets_more_up_to_the_seats_of_an_administrator() {
        let (pace, mut now) = (Pace::default(), Instant::now());
        assert_eq!(pace.limit(), START);
        rounds(&pace, &mut now, 1, |_| Duration::from_millis(50));
        assert_eq!(pace.limit(), START, "the first opens connections and says nothing");
        rounds(&pace, &mut now, 2, |_| Duration::from_millis(50));
        assert_eq!(pace.limit(), 48, "the way takes the time");
        rounds(&pace, &mut now, 100, |_| Duration::from_millis(50));
        assert_eq!(pace.limit(), 48);
    }

    #[test]
    fn once_answers_take_longer_it_feels_its_way() {
        let (pace, mut now) = (Pace::default(), Instant::now());
        // As many as there are take as long as 20 of them, from 20 on.
        let near = |limit: usize| Duration::from_millis(u64::try_from(limit.max(20)).unwrap());
        rounds(&pace, &mut now, 2, near);
        assert_eq!(pace.limit(), 32);
        rounds(&pace, &mut now, 4, near);
        assert_eq!(pace.limit(), 36);
    }

    #[test]
    fn one_refusal_halves_it_once_whatever_else_was_on_its_way_and_it_comes_back() {
        let (pace, mut now) = (Pace::default(), Instant::now());
        rounds(&pace, &mut now, 2, |_| Duration::from_millis(5));
        assert_eq!(pace.limit(), 32);
        let began = now;
        now += Duration::from_millis(5);
        for _ in 0..32 {
            pace.answered(began, now, true);
        }
        assert_eq!(pace.limit(), 16);
        // Refused again, and again: never to a standstill.
        for _ in 0..10 {
            now += Duration::from_millis(5);
            pace.answered(now, now, true);
        }
        assert_eq!(pace.limit(), 1);
        rounds(&pace, &mut now, 30, |_| Duration::from_millis(5));
        assert_eq!(pace.limit(), 31);
    }

    #[test]
    fn a_server_that_is_busy_with_what_it_has_gets_no_more_and_never_starves() {
        let (pace, mut now) = (Pace::default(), Instant::now());
        // A fixed rate: twice as many in flight take twice as long.
        let saturated = |limit: usize| Duration::from_micros(600) * u32::try_from(limit).unwrap();
        for _ in 0..500 {
            rounds(&pace, &mut now, 1, saturated);
            assert!((START..=START * 3).contains(&pace.limit()), "{}", pace.limit());
        }
        // It becomes ten times as slow, for good: it is eased, and after a while taken as it is.
        rounds(&pace, &mut now, 3, |limit| saturated(limit) * 10);
        assert!(
            pace.limit() >= LEAST_FOR_SLOWNESS && pace.limit() < START,
            "{}",
            pace.limit()
        );
        rounds(&pace, &mut now, 300, |limit| saturated(limit) * 10);
        assert!(pace.limit() >= START, "{}", pace.limit());
    }
}
