//! Two clocks that differ. A signature holds the time at which it was made, and AWS takes it for five minutes.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html>.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

/// From how many seconds on a difference explains a refused signature. What takes longer on its way is no difference of clocks.
const WORTH_TELLING: i64 = 240;

/// Reads the `Date` header of an answer.
pub(super) fn date(header: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(header).ok()
}

/// Says what both clocks show and how far apart they are; `None` where that explains nothing.
pub(super) fn apart(here: Timestamp, there: Timestamp) -> Option<String> {
    let seconds = here.as_second() - there.as_second();
    let whole = |time: Timestamp| Timestamp::from_second(time.as_second()).unwrap_or(time);
    let direction = if seconds < 0 { "behind" } else { "ahead" };
    (seconds.abs() >= WORTH_TELLING).then(|| {
        format!(
            "this machine's clock shows {}, that of AWS {}: ours is {} {direction}",
            whole(here),
            whole(there),
            span(seconds.abs()),
        )
    })
}

fn span(seconds: i64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let parts = [(hours, "h"), (minutes, "m"), (seconds, "s")];
    let parts: Vec<_> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_times_are_told_and_how_far_apart_they_are() {
        let here: Timestamp = "2026-11-22T04:10:00.5Z".parse().unwrap();
        for (header, expected) in [
            (
                "Sun, 22 Nov 2026 04:22:30 GMT",
                Some(
                    "this machine's clock shows 2026-11-22T04:10:00Z, that of AWS 2026-11-22T04:22:30Z: ours is 12m 30s behind",
                ),
            ),
            (
                "Sun, 22 Nov 2026 02:10:00 GMT",
                Some(
                    "this machine's clock shows 2026-11-22T04:10:00Z, that of AWS 2026-11-22T02:10:00Z: ours is 2h ahead",
                ),
            ),
            ("Sun, 22 Nov 2026 04:13:00 GMT", None),
        ] {
            assert_eq!(apart(here, date(header).unwrap()).as_deref(), expected);
        }
        assert_eq!(date("yesterday"), None);
    }
}
