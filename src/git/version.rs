//! Ranges of versions among tags, as Argo CD reads them (`util/versions/versions.go`, `Masterminds/semver`).

use std::cmp::Ordering;

/// A version as a tag writes it: `v1.2.3-rc.1+build`; the minor and patch number may be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    numbers: [u64; 3],
    /// What comes before a release; empty for a release.
    before: String,
}

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let text = text.split('+').next()?;
        let (numbers, before) = text.split_once('-').unwrap_or((text, ""));
        let mut version = Self {
            numbers: [0; 3],
            before: before.to_owned(),
        };
        let mut parts = numbers.split('.');
        for number in &mut version.numbers {
            match parts.next() {
                Some(part) => *number = part.parse().ok()?,
                None => break,
            }
        }
        let is_whole = parts.next().is_none() && text.split_once('-').is_none_or(|(_, before)| !before.is_empty());
        is_whole.then_some(version)
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.numbers
            .cmp(&other.numbers)
            .then_with(|| match (self.before.as_str(), other.before.as_str()) {
                (one, other) if one == other => Ordering::Equal,
                ("", _) => Ordering::Greater,
                (_, "") => Ordering::Less,
                (one, other) => before(one, other),
            })
    }
}

/// Compares what comes before a release, part by part: numbers as such and before words.
fn before(one: &str, other: &str) -> Ordering {
    let (mut ones, mut others) = (one.split('.'), other.split('.'));
    loop {
        return match (ones.next(), others.next()) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(one), Some(other)) if one == other => continue,
            (Some(one), Some(other)) => match (one.parse::<u64>(), other.parse::<u64>()) {
                (Ok(one), Ok(other)) => one.cmp(&other),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => one.cmp(other),
            },
        };
    }
}

/// One condition, such as `>=1.2`.
struct Condition {
    operator: &'static str,
    version: Version,
    /// How many numbers are written; 3 for a whole version.
    written: usize,
}

/// The operators, the longer ones first.
const OPERATORS: [(&str, &str); 11] = [
    (">=", ">="),
    ("=>", ">="),
    ("<=", "<="),
    ("=<", "<="),
    ("!=", "!="),
    ("~>", "~"),
    (">", ">"),
    ("<", "<"),
    ("~", "~"),
    ("^", "^"),
    ("=", "="),
];

impl Condition {
    fn parse(text: &str) -> Option<Self> {
        let found = OPERATORS
            .iter()
            .find_map(|(sign, operator)| Some((*operator, text.strip_prefix(sign)?)));
        let (operator, rest) = found.unwrap_or(("=", text));
        let rest = rest.trim().strip_prefix('v').unwrap_or(rest.trim());
        let numbers = rest.split(['-', '+']).next()?;
        let is_any = |part: &&str| matches!(*part, "x" | "X" | "*");
        let written = numbers.split('.').take_while(|part| !is_any(part)).count();
        let is_bounded = numbers.split('.').count() <= 3 && numbers.split('.').skip(written).all(|part| is_any(&part));
        let before = rest.split_once('-').map(|(_, before)| before).unwrap_or_default();
        let kept: Vec<&str> = numbers.split('.').take(written).collect();
        let plain = if kept.is_empty() {
            "0".to_owned()
        } else {
            kept.join(".")
        };
        let whole = if before.is_empty() {
            plain
        } else {
            format!("{plain}-{before}")
        };
        let version = Version::parse(&whole).filter(|_| is_bounded)?;
        Some(Self {
            operator,
            version,
            written,
        })
    }

    fn holds(&self, version: &Version) -> bool {
        // What is not released yet is meant only where that is said.
        if !version.before.is_empty() && self.version.before.is_empty() {
            return false;
        }
        let order = version.compare(&self.version);
        let same = |numbers: usize| version.numbers[..numbers] == self.version.numbers[..numbers];
        let written = self.written.min(3);
        match self.operator {
            "!=" => !(if written < 3 { same(written) } else { order.is_eq() }),
            ">" if written < 3 => order.is_gt() && !same(written),
            ">" => order.is_gt(),
            "<" => order.is_lt(),
            ">=" => order.is_ge(),
            "<=" => order.is_le() || (written < 3 && same(written)),
            "~" => order.is_ge() && same(written.min(2)),
            "^" => order.is_ge() && same(self.first_that_counts()),
            _ if written < 3 => order.is_ge() && same(written),
            _ => order.is_eq(),
        }
    }

    /// How many numbers must stay for `^`: up to the first that is not zero, and no more than are written.
    fn first_that_counts(&self) -> usize {
        let first = self.version.numbers.iter().position(|number| *number > 0);
        first.map_or(3, |place| place + 1).min(self.written)
    }
}

/// Returns the newest of the tags in a range such as `1.*`, `^2.1` or `>=1.0 <2.0`; nothing where that is no range: a version
/// that is written whole is a name like any other.
pub(super) fn newest<'tags>(range: &str, tags: impl Iterator<Item = &'tags str>) -> Option<&'tags str> {
    if Version::parse(range).is_some() {
        return None;
    }
    let any: Vec<Vec<Condition>> = range.split("||").map(conditions).collect::<Option<_>>()?;
    let holds = |version: &Version| any.iter().any(|all| all.iter().all(|one| one.holds(version)));
    let versions = tags.filter_map(|tag| Some((Version::parse(tag)?, tag)));
    let newest = versions
        .filter(|(version, _)| holds(version))
        .reduce(|one, other| if other.0.compare(&one.0).is_gt() { other } else { one });
    newest.map(|(_, tag)| tag)
}

/// Reads conditions that must all hold, with commas or spaces between them, or `1.0 - 2.0`.
fn conditions(text: &str) -> Option<Vec<Condition>> {
    let text = text.trim();
    if let Some((low, high)) = text.split_once(" - ") {
        return [format!(">={}", low.trim()), format!("<={}", high.trim())]
            .iter()
            .map(|one| Condition::parse(one))
            .collect();
    }
    let mut all: Vec<String> = Vec::new();
    for word in text.split([',', ' ']).filter(|word| !word.is_empty()) {
        // An operator may stand apart from its version.
        match all
            .last_mut()
            .filter(|last| OPERATORS.iter().any(|(sign, _)| last.as_str() == *sign))
        {
            Some(last) => last.push_str(word),
            None => all.push(word.to_owned()),
        }
    }
    let is_empty = all.is_empty();
    all.iter()
        .map(|one| Condition::parse(one))
        .collect::<Option<Vec<_>>>()
        .filter(|_| !is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAGS: [&str; 10] = [
        "v0.1.2",
        "v0.2.0",
        "1.0.0",
        "v1.2.3",
        "v1.10.0",
        "v2.0.0-rc.1",
        "v2.0.0",
        "v2.1.0-beta",
        "main",
        "v1.2.x",
    ];

    #[test]
    fn a_range_is_the_newest_tag_in_it() {
        for (range, expected) in [
            ("*", Some("v2.0.0")),
            ("1.*", Some("v1.10.0")),
            ("1.2.x", Some("v1.2.3")),
            ("^1.2", Some("v1.10.0")),
            ("^0.1.0", Some("v0.1.2")),
            ("^0", Some("v0.2.0")),
            ("~1.2.0", Some("v1.2.3")),
            ("~1", Some("v1.10.0")),
            (">=1.0 <2.0", Some("v1.10.0")),
            (">= 1.0, < 1.5", Some("v1.2.3")),
            ("<1.0.0 || >1.10", Some("v2.0.0")),
            ("1.0 - 1.5", Some("v1.2.3")),
            ("<=1.2", Some("v1.2.3")),
            (">1", Some("v2.0.0")),
            ("!=2.0.0", Some("v1.10.0")),
            ("!=2.x", Some("v1.10.0")),
            (">=2.0.0-alpha", Some("v2.1.0-beta")),
            ("^3", None),
            ("v1.2.3", None),
            ("1.2", None),
            ("main", None),
            ("", None),
            ("feature/x", None),
        ] {
            assert_eq!(newest(range, TAGS.into_iter()), expected, "{range}");
        }
    }

    #[test]
    fn what_is_before_a_release_is_older_than_it() {
        let sorted = [
            "1.0.0-1",
            "1.0.0-2",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-beta",
            "1.0.0",
            "1.0.1",
        ];
        for pair in sorted.windows(2) {
            let [one, other] = [pair[0], pair[1]].map(|text| Version::parse(text).unwrap());
            assert_eq!(one.compare(&other), Ordering::Less, "{pair:?}");
        }
    }
}
