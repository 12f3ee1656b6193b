//! A schedule in the five fields of cron, read as Argo CD reads it (`robfig/cron`, without descriptors).

/// How far ahead is looked, in days: past that robfig's reader says that there is no next time.
const DAYS: i64 = 5 * 366;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// When a window opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Schedule {
    minutes: Field,
    hours: Field,
    days: Field,
    months: Field,
    weekdays: Field,
}

/// The values of one field, a bit each, and whether it was written with a star.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Field {
    bits: u64,
    is_star: bool,
}

impl Field {
    fn has(self, value: i8) -> bool {
        u32::try_from(value).is_ok_and(|value| self.bits & (1 << value) != 0)
    }
}

impl Schedule {
    /// Reads five fields; `None` where Argo CD would not take them.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let fields: Vec<_> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields.as_slice() else {
            return None;
        };
        Some(Self {
            minutes: field(minutes, 0, 59, &[])?,
            hours: field(hours, 0, 23, &[])?,
            days: field(days, 1, 31, &[])?,
            months: field(months, 1, 12, &MONTHS)?,
            weekdays: field(weekdays, 0, 6, &WEEKDAYS)?,
        })
    }

    /// Returns the first time after this one at which the window opens, both in seconds by the clock on its wall.
    pub(super) fn next(&self, after: i64) -> Option<i64> {
        let first = (after.div_euclid(MINUTE) + 1) * MINUTE;
        let today = first.div_euclid(DAY);
        (today..=today + DAYS).filter(|day| self.is_on(*day)).find_map(|day| {
            let minutes = (0..DAY / MINUTE).map(|minute| day * DAY + minute * MINUTE);
            minutes.filter(|time| *time >= first).find(|time| {
                let (hour, minute) = (time.rem_euclid(DAY) / HOUR, time.rem_euclid(HOUR) / MINUTE);
                let has = |field: Field, value: i64| i8::try_from(value).is_ok_and(|value| field.has(value));
                has(self.hours, hour) && has(self.minutes, minute)
            })
        })
    }

    /// Whether it opens on a day. Where the day of the month and the weekday are both chosen, either will do.
    fn is_on(&self, day: i64) -> bool {
        let Ok(time) = jiff::Timestamp::from_second(day * DAY) else {
            return false;
        };
        let date = jiff::tz::Offset::UTC.to_datetime(time).date();
        let by_day = self.days.has(date.day());
        let by_weekday = self.weekdays.has(date.weekday().to_sunday_zero_offset());
        let fits = if self.days.is_star || self.weekdays.is_star {
            by_day && by_weekday
        } else {
            by_day || by_weekday
        };
        fits && self.months.has(date.month())
    }
}

/// Reads a field: a list of values, ranges and steps, with names where it has any.
fn field(text: &str, least: u32, most: u32, names: &[&str]) -> Option<Field> {
    let mut all = Field {
        bits: 0,
        is_star: false,
    };
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<u32>().ok().filter(|step| *step > 0)?)),
            None => (part, None),
        };
        let value = |text: &str| -> Option<u32> {
            let place = names.iter().position(|known| known.eq_ignore_ascii_case(text));
            match place {
                Some(index) => Some(u32::try_from(index).ok()? + least),
                None => text.parse().ok(),
            }
        };
        let is_star = matches!(range, "*" | "?");
        let (from, to) = if is_star {
            (least, most)
        } else if let Some((from, to)) = range.split_once('-') {
            (value(from)?, value(to)?)
        } else {
            let from = value(range)?;
            // A step that begins at a value goes on to the end.
            (from, if step.is_some() { most } else { from })
        };
        if from < least || to > most || from > to {
            return None;
        }
        // A star with a step is no star any more, as robfig counts.
        all.is_star |= is_star && step.is_none_or(|step| step == 1);
        for value in (from..=to).step_by(usize::try_from(step.unwrap_or(1)).ok()?) {
            all.bits |= 1 << value;
        }
    }
    Some(all)
}
