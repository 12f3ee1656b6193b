//! How what is stored stands to what lives.

use std::collections::BTreeMap;

use super::manifest::Entry;
use super::told::{Differs, State};

/// Compares values, or their digests, by key.
pub(super) fn differs<Value: PartialEq>(live: &BTreeMap<String, Value>, stored: &BTreeMap<String, Value>) -> Differs {
    let keys = |of: &BTreeMap<String, Value>, is: &dyn Fn(&String, &Value) -> bool| {
        of.iter()
            .filter(|(key, value)| is(key, value))
            .map(|(key, _)| key.clone())
            .collect()
    };
    Differs {
        new: keys(live, &|key, _| !stored.contains_key(key)),
        changed: keys(live, &|key, value| stored.get(key).is_some_and(|other| other != value)),
        gone: keys(stored, &|key, _| !live.contains_key(key)),
    }
}

/// Says how a place stands that holds a version of which it is known how it differs. `captured` is what was captured there last.
pub(super) fn standing(version: &str, captured: Option<&Entry>, differs: Differs, may_replace: bool) -> State {
    let version = version.to_owned();
    if differs.is_none() {
        return State::Same { version };
    }
    let is_ours = captured.is_some_and(|entry| entry.version == version);
    if is_ours || may_replace {
        return State::Stale { version, differs };
    }
    State::Foreign {
        version,
        captured: captured.map(|entry| entry.version.clone()),
        differs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let pairs = pairs.iter();
        pairs.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_differs_is_told_by_its_keys() {
        let live = texts(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let stored = texts(&[("b", "2"), ("c", "x"), ("d", "4")]);
        let expected = Differs {
            new: vec!["a".into()],
            changed: vec!["c".into()],
            gone: vec!["d".into()],
        };
        assert_eq!(differs(&live, &stored), expected);
        assert!(differs(&live, &live).is_none());
    }

    #[test]
    fn only_what_was_captured_is_replaced_without_a_word_of_a_person() {
        let entry = Entry {
            secret: "repo".into(),
            version: "3".into(),
            keys: BTreeMap::new(),
        };
        let differs = || Differs {
            changed: vec!["password".into()],
            ..Differs::default()
        };
        let stale = |version: &str| State::Stale {
            version: version.into(),
            differs: differs(),
        };
        let foreign = |version: &str, captured: Option<&str>| State::Foreign {
            version: version.into(),
            captured: captured.map(str::to_owned),
            differs: differs(),
        };
        for (version, captured, differing, may_replace, expected) in [
            ("3", Some(&entry), true, false, stale("3")),
            ("4", Some(&entry), true, false, foreign("4", Some("3"))),
            ("4", Some(&entry), true, true, stale("4")),
            ("4", Some(&entry), false, false, State::Same { version: "4".into() }),
            ("1", None, true, false, foreign("1", None)),
            ("1", None, true, true, stale("1")),
            ("1", None, false, false, State::Same { version: "1".into() }),
        ] {
            let difference = if differing { differs() } else { Differs::default() };
            assert_eq!(standing(version, captured, difference, may_replace), expected, "{version}");
        }
    }
}
