//! Which values of a file are encrypted.

use regex::bytes::Regex;

use super::metadata::Selection;

/// What SOPS takes where a file names no rule.
const SUFFIX: &str = "_unencrypted";

/// Which values of a file are encrypted, by the keys that lead to them (`shouldBeEncrypted` in `sops.go`).
#[derive(Debug)]
pub(super) struct Rules {
    unencrypted_suffix: Option<String>,
    encrypted_suffix: Option<String>,
    unencrypted_regex: Option<Regex>,
    encrypted_regex: Option<Regex>,
}

impl Rules {
    /// Takes what a file says; the reason where it cannot be followed here.
    pub(super) fn of(selection: &Selection) -> Result<Self, &'static str> {
        if selection.by_comment {
            return Err("comments decide which of its values are encrypted");
        }
        let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let pattern = |text: &String| {
            let compiled = some(text).map(|text| Regex::new(&text)).transpose();
            compiled.map_err(|_| "its pattern of which values are encrypted is not understood here")
        };
        let rules = [
            &selection.unencrypted_suffix,
            &selection.encrypted_suffix,
            &selection.unencrypted_regex,
            &selection.encrypted_regex,
        ];
        let count = rules.iter().filter(|rule| !rule.is_empty()).count();
        if count > 1 {
            return Err("it names more than one rule of which values are encrypted");
        }
        let names_none = count == 0;
        Ok(Self {
            unencrypted_suffix: some(&selection.unencrypted_suffix).or_else(|| names_none.then(|| SUFFIX.to_owned())),
            encrypted_suffix: some(&selection.encrypted_suffix),
            unencrypted_regex: pattern(&selection.unencrypted_regex)?,
            encrypted_regex: pattern(&selection.encrypted_regex)?,
        })
    }

    /// Whether the value to which these keys lead is encrypted.
    pub(super) fn encrypts(&self, path: &[String]) -> bool {
        let ends = |suffix: &String| path.iter().any(|key| key.ends_with(suffix.as_str()));
        let fits = |pattern: &Regex| path.iter().any(|key| pattern.is_match(key.as_bytes()));
        // A file names one rule at the most.
        if let Some(suffix) = &self.unencrypted_suffix {
            return !ends(suffix);
        }
        if let Some(suffix) = &self.encrypted_suffix {
            return ends(suffix);
        }
        if let Some(pattern) = &self.unencrypted_regex {
            return !fits(pattern);
        }
        self.encrypted_regex.as_ref().is_none_or(fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_on_the_way_decide_as_they_do_for_sops() {
        let none = Selection::default();
        let with = |change: fn(&mut Selection, String), text: &str| {
            let mut selection = Selection::default();
            change(&mut selection, text.to_owned());
            selection
        };
        let regex = with(|of, text| of.encrypted_regex = text, "^(data|stringData)$");
        let plain = with(|of, text| of.unencrypted_regex = text, "^meta");
        let suffix = with(|of, text| of.encrypted_suffix = text, "_secret");
        for (selection, path, expected) in [
            (&none, &["a", "b"][..], true),
            (&none, &["a_unencrypted", "b"], false),
            (&regex, &["data", "password"], true),
            (&regex, &["metadata", "name"], false),
            (&regex, &["kind"], false),
            (&plain, &["metadata", "name"], false),
            (&plain, &["data", "a_unencrypted"], true),
            (&regex, &["data", "a_unencrypted"], true),
            (&suffix, &["a_secret", "b"], true),
            (&suffix, &["a"], false),
        ] {
            let path: Vec<String> = path.iter().map(|key| (*key).to_owned()).collect();
            let rules = Rules::of(selection).unwrap();
            assert_eq!(rules.encrypts(&path), expected, "{selection:?} {path:?}");
        }
    }

    #[test]
    fn what_cannot_be_followed_is_said() {
        for (selection, words) in [
            (
                Selection {
                    by_comment: true,
                    ..Selection::default()
                },
                "comments decide",
            ),
            (
                Selection {
                    encrypted_regex: "a".into(),
                    unencrypted_suffix: "_b".into(),
                    ..Selection::default()
                },
                "more than one rule",
            ),
            (
                Selection {
                    encrypted_regex: "(".into(),
                    ..Selection::default()
                },
                "pattern",
            ),
        ] {
            assert!(Rules::of(&selection).unwrap_err().contains(words));
        }
    }
}
