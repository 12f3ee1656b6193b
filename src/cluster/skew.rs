//! How far the API server's clock is from ours, from the `Date` of its answers.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;
use jiff::{SignedDuration, Timestamp};

use super::connect::Cluster;
use super::error::{Error, ErrorKind};
use super::request::LIMIT;
use crate::clock::Clock;

/// A `Date` has no fractions: the server's time was somewhere within this after it (RFC 9110, 5.6.7).
const RESOLUTION: SignedDuration = SignedDuration::from_secs(1);

/// How many times the server is asked. The bounds of each answer hold, so that their overlap is nearer to the truth.
const ASKED: usize = 3;

/// What is known of the distance between two clocks: the server's is ahead of ours by something between these bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skew {
    /// At least so far ahead; negative where it may be behind.
    pub least: SignedDuration,
    /// At most so far ahead.
    pub most: SignedDuration,
    /// Our time when the last answer came.
    pub ours: Timestamp,
}

impl Skew {
    /// Reads one answer: asked and heard at these times by our clock, written at this time by the server's.
    pub fn of(asked: Timestamp, date: Timestamp, heard: Timestamp) -> Self {
        Self {
            least: date.duration_since(heard),
            most: date.duration_since(asked) + RESOLUTION,
            ours: heard,
        }
    }

    /// Takes in another answer. Where the two contradict each other a clock was set in between, and the newer is right.
    #[must_use = "the result is returned, not changed in place"]
    pub fn and(self, newer: Self) -> Self {
        let (least, most) = (self.least.max(newer.least), self.most.min(newer.most));
        if least > most {
            return newer;
        }
        Self { least, most, ..newer }
    }

    /// Returns how far the clocks are apart, by what is certain: nothing where they may agree.
    pub fn certain(self) -> SignedDuration {
        self.least.max(SignedDuration::ZERO) + self.most.min(SignedDuration::ZERO)
    }

    /// Returns the likeliest distance: nothing where the clocks may agree, else the middle of the bounds.
    pub fn likely(self) -> SignedDuration {
        if self.certain().is_zero() {
            SignedDuration::ZERO
        } else {
            (self.least + self.most) / 2
        }
    }

    /// Returns the server's time that belongs to [`Skew::ours`].
    pub fn theirs(self) -> Timestamp {
        moved(self.ours, self.likely())
    }
}

/// The server's time as far as it is known; no distance until it was measured. Shared by clones of a [`Cluster`].
pub(super) type Ahead = Arc<OnceLock<SignedDuration>>;

impl Cluster {
    /// Asks the server for the time, and remembers how far it is from ours. `None` where its answers have no `Date`.
    pub async fn measure_skew(&self, clock: &dyn Clock) -> Result<Option<Skew>, Error> {
        let mut known: Option<Skew> = None;
        for _ in 0..ASKED {
            let asked = clock.now();
            let Some(date) = self.date().await? else {
                return Ok(None);
            };
            let skew = Skew::of(asked, date, clock.now());
            known = Some(known.map_or(skew, |known| known.and(skew)));
        }
        if let Some(known) = known {
            let _ = self.ahead.set(known.likely());
        }
        Ok(known)
    }

    /// Returns a time of ours as the cluster's clock would show it, for comparing with what its controllers write down.
    pub fn time_of(&self, ours: Timestamp) -> Timestamp {
        moved(ours, self.ahead.get().copied().unwrap_or_default())
    }

    async fn date(&self) -> Result<Option<Timestamp>, Error> {
        let doing = "ask the API server for the time";
        let failed = |cause: String| Error::new(ErrorKind::Unreachable, format!("cannot {doing}")).because(cause);
        let request = http::Request::get("/version")
            .body(kube::client::Body::empty())
            .map_err(|error| failed(error.to_string()))?;
        // Not made again: a pause between the question and the answer would blur what is measured.
        let answer = tokio::time::timeout(LIMIT, self.client.send(request))
            .await
            .map_err(|_| failed(format!("no answer came within {}s", LIMIT.as_secs())))?
            .map_err(|error| Error::of(doing, &error))?;
        let date = answer.headers().get(http::header::DATE);
        let date = date.and_then(|value| value.to_str().ok());
        Ok(date.and_then(|text| DateTimeParser::new().parse_timestamp(text).ok()))
    }
}

/// Returns a time a distance later; the time itself beyond the ends of time.
fn moved(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(time)
}

/// How far two clocks may be apart for a restore to go on.
pub const TOLERATED: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_795_000_000_000 + milliseconds).unwrap()
    }

    /// What is heard when the server is so far ahead, and the way there and back takes so long.
    fn heard(asked: i64, ahead: i64, there: i64, back: i64) -> Skew {
        let date = at(asked + there + ahead).as_second();
        Skew::of(
            at(asked),
            Timestamp::from_second(date).unwrap(),
            at(asked + there + back),
        )
    }

    #[test]
    fn clocks_that_may_agree_are_taken_to_agree() {
        for asked in [0, 1, 499, 500, 999] {
            let skew = heard(asked, 0, 30, 20);
            assert_eq!(skew.likely(), SignedDuration::ZERO, "{asked}");
            assert_eq!(skew.theirs(), skew.ours);
        }
    }

    #[test]
    fn an_answer_that_took_a_minute_proves_no_skew_of_a_minute() {
        let slow = heard(0, 55_000, 0, 60_000);
        assert_eq!(slow.certain(), SignedDuration::ZERO);
        assert!(heard(0, 65_000, 10, 10).certain() > SignedDuration::from_secs(60));
        assert!(heard(0, -65_000, 10, 10).certain() < SignedDuration::from_secs(-60));
    }

    #[test]
    fn a_clock_that_is_set_between_two_answers_is_read_anew() {
        let newer = heard(2_000, 20_000, 10, 10);
        assert_eq!(heard(0, 0, 10, 10).and(newer), newer);
    }

    proptest! {
        #[test]
        fn the_truth_lies_within_the_bounds(
            ahead in -600_000_i64..600_000,
            ways in proptest::collection::vec((0_i64..3_000, 0_i64..3_000), 1..4),
        ) {
            let mut known: Option<Skew> = None;
            for (asked, (there, back)) in (0..).step_by(7_300).zip(&ways) {
                let one = heard(asked, ahead, *there, *back);
                known = Some(known.map_or(one, |known| known.and(one)));
            }
            let (known, truth) = (known.unwrap(), SignedDuration::from_millis(ahead));
            prop_assert!(known.least <= truth && truth <= known.most);
            // What is certain is never more than what is so.
            prop_assert!(known.certain().unsigned_abs() <= truth.unsigned_abs());
            let (there, back) = ways[ways.len() - 1];
            prop_assert!((known.likely() - truth).unsigned_abs() <= Duration::from_millis((1_000 + there + back).unsigned_abs()));
        }
    }
}
