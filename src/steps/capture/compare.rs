//! How what is stored stands to what lives.

use std::collections::BTreeMap;

use super::told::{Differs, State};
use crate::redact::Secret;

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

/// Says how a place stands whose version is told and of which it is known how it differs. `doubt` is why a person has to say that it may
/// be replaced, if one has to.
pub(super) fn standing(version: &str, differs: Differs, doubt: Option<String>) -> State {
    let version = version.to_owned();
    match doubt {
        _ if differs.is_none() => State::Same { version },
        None => State::Stale { version, differs },
        Some(why) => State::Left { version, why, differs },
    }
}

/// Says why what was captured before may be worth more than what the cluster has now: a value that became empty, a key that went away, and the
/// key by which Argo CD knows its sessions, which a new installation makes anew.
pub(super) fn worse(live: &BTreeMap<String, Secret>, differs: &Differs) -> Option<String> {
    let is_empty = |key: &&String| live.get(*key).is_some_and(Secret::is_empty);
    let emptied: Vec<&str> = differs.changed.iter().filter(is_empty).map(String::as_str).collect();
    if !emptied.is_empty() {
        return Some(format!("in the cluster it is empty: {}", emptied.join(", ")));
    }
    if !differs.gone.is_empty() {
        return Some(format!("the cluster no longer has {}", differs.gone.join(", ")));
    }
    let is_signing = |key: &String| key == "server.secretkey";
    let anew = "its server.secretkey is another: was Argo CD installed anew?";
    differs.changed.iter().any(is_signing).then(|| anew.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let pairs = pairs.iter();
        pairs
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
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
    fn what_differs_is_stale_unless_somebody_has_to_say_so() {
        let differs = || Differs {
            changed: vec!["password".into()],
            ..Differs::default()
        };
        let version = || "3".to_owned();
        for (difference, doubt, expected) in [
            (Differs::default(), None, State::Same { version: version() }),
            (
                Differs::default(),
                Some("newer".to_owned()),
                State::Same { version: version() },
            ),
            (
                differs(),
                None,
                State::Stale {
                    version: version(),
                    differs: differs(),
                },
            ),
            (
                differs(),
                Some("newer".to_owned()),
                State::Left {
                    version: version(),
                    why: "newer".into(),
                    differs: differs(),
                },
            ),
        ] {
            assert_eq!(standing("3", difference, doubt), expected);
        }
    }

    #[test]
    fn what_became_empty_or_went_away_or_signs_otherwise_is_doubtful() {
        let live = |pairs: &[(&str, &str)]| -> BTreeMap<String, Secret> {
            let pairs = pairs.iter();
            pairs
                .map(|(key, value)| ((*key).to_owned(), Secret::from(*value)))
                .collect()
        };
        let before = live(&[("password", "x"), ("server.secretkey", "y")]);
        for (now, words) in [
            (
                &[("password", ""), ("server.secretkey", "y")][..],
                Some("is empty: password"),
            ),
            (&[("server.secretkey", "y")], Some("no longer has password")),
            (&[("password", "x"), ("server.secretkey", "z")], Some("installed anew")),
            (&[("password", "z"), ("server.secretkey", "y")], None),
            (&[("password", "x"), ("server.secretkey", "y"), ("new", "")], None),
        ] {
            let now = live(now);
            let told = worse(&now, &differs(&now, &before));
            assert_eq!(told.is_some(), words.is_some(), "{told:?}");
            assert!(told.unwrap_or_default().contains(words.unwrap_or_default()));
        }
    }
}
