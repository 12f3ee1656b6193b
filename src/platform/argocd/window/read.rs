//! One sync window.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::schedule::Schedule;
use crate::platform::argocd::application::text;

/// A window of a project that applies to an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Window {
    /// Whether nothing may be synced while it is open; otherwise nothing may be while it is not.
    pub(super) denies: bool,
    /// Whether a person may start a sync all the same.
    pub(super) lets_people: bool,
    schedule: Schedule,
    /// How long it is open, in seconds.
    duration: i64,
    /// How far the clock that it goes by is ahead of UTC now, in seconds.
    ahead: i64,
}

impl Window {
    /// Reads a window of a project (`pkg/apis/application/v1alpha1/types.go`, `SyncWindow`); `None` where Argo CD cannot.
    pub(super) fn read(window: &Value, now: Timestamp) -> Option<Self> {
        Some(Self {
            denies: text(window, "/kind") == "deny",
            lets_people: window["manualSync"] == Value::Bool(true),
            schedule: Schedule::parse(text(window, "/schedule"))?,
            duration: duration(text(window, "/duration"))?,
            ahead: ahead(text(window, "/timeZone"), now),
        })
    }

    /// Whether it is open.
    pub(super) fn is_open(&self, at: Timestamp) -> bool {
        let at = at.as_second() + self.ahead;
        self.schedule.next(at - self.duration).is_some_and(|opens| opens < at)
    }

    /// Returns when it next opens or, of one that is open, closes; a second after that, when Argo CD sees it to be so.
    pub(super) fn turns(&self, after: Timestamp) -> Option<Timestamp> {
        let at = after.as_second() + self.ahead;
        let opens = self.schedule.next(at - self.duration)?;
        let turns = if opens < at { opens + self.duration } else { opens + 1 };
        Timestamp::from_second(turns - self.ahead)
            .ok()
            .filter(|turns| *turns > after)
    }
}

/// Says what a window is, as it is written: ``deny `0 22 * * *` for 8h in Europe/Berlin (ticket 4711)``.
pub(super) fn words(window: &Value) -> String {
    let said = |pointer: &str, before: &str, after: &str| match text(window, pointer) {
        "" => String::new(),
        said => format!("{before}{said}{after}"),
    };
    let zone = match text(window, "/timeZone") {
        "" | "UTC" => String::new(),
        zone => format!(" in {zone}"),
    };
    format!(
        "{} `{}` for {}{zone}{}",
        text(window, "/kind"),
        text(window, "/schedule"),
        text(window, "/duration"),
        said("/description", " (", ")")
    )
}

/// Argo CD adds the zone's offset of this moment to the time (`scheduleOffsetByTimeZone`), so that a window in another season is
/// wrong by an hour with it too. A zone that it does not know is UTC.
fn ahead(zone: &str, now: Timestamp) -> i64 {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    i64::from(zone.to_offset(now).seconds())
}

/// Reads a duration as Go writes it, such as `1h30m`, in whole seconds.
fn duration(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, after) = rest.split_at(end);
        let unit = after
            .find(|letter: char| letter.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        let worth = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * worth;
        rest = after;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "no window is open for longer than a lifetime"
    )]
    let whole = (!text.is_empty() && seconds < 1e10).then_some(seconds as i64);
    whole
}
