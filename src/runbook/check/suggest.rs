//! What was probably meant.

use super::super::shape::list;

/// How many words are listed where none is near.
const LISTED: usize = 12;

/// Returns the word that was probably meant.
pub(super) fn nearest<'word>(text: &str, words: impl IntoIterator<Item = &'word str>) -> Option<&'word str> {
    let plain = plain(text);
    words
        .into_iter()
        .filter_map(|word| {
            let distance = strsim::damerau_levenshtein(&plain, &self::plain(word));
            let allowed = (plain.chars().count().max(word.chars().count()) / 3).max(1);
            // A word of two letters is one change away from any other such.
            let is_near = distance <= allowed && (distance == 0 || word.len() > 2);
            is_near.then_some((distance, word))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// Says what was probably meant, or what there is.
pub(super) fn among<'word>(text: &str, words: impl IntoIterator<Item = &'word str> + Clone) -> Option<String> {
    if let Some(word) = nearest(text, words.clone()) {
        return Some(format!("did you mean `{word}`?"));
    }
    let words: Vec<_> = words.into_iter().collect();
    (!words.is_empty() && words.len() <= LISTED).then(|| format!("known here: {}", list(words)))
}

/// Returns the letters and digits in lower case: `role_id` and `roleId` are `role-id`.
fn plain(text: &str) -> String {
    text.chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_understood_and_another_word_is_not() {
        let words = ["role-id", "secret-id", "mount"];
        for (text, expected) in [
            ("roleId", Some("role-id")),
            ("role_id", Some("role-id")),
            ("secert-id", Some("secret-id")),
            ("mout", Some("mount")),
            ("password", None),
            ("", None),
        ] {
            assert_eq!(nearest(text, words), expected, "{text}");
        }
        assert_eq!(
            among("x", words).unwrap(),
            "known here: `role-id`, `secret-id` or `mount`"
        );
        assert_eq!(among("x", []), None);
    }
}
