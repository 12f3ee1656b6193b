//! What was probably meant.

use super::super::shape::list;

/// How many words are listed where none is near.
const LISTED: usize = 12;

/// How many letters of a word tell it.
const BEGUN: usize = 3;

/// How many words are offered where several are near.
const MEANT: usize = 3;

/// Returns the word that was probably meant.
pub(super) fn nearest<'word>(text: &str, words: impl IntoIterator<Item = &'word str>) -> Option<&'word str> {
    near(text, words).first().copied()
}

/// Says what was probably meant, or what there is.
pub(crate) fn among<'word>(text: &str, words: impl IntoIterator<Item = &'word str> + Clone) -> Option<String> {
    let near = near(text, words.clone());
    if !near.is_empty() {
        return Some(format!("did you mean {}?", list(near)));
    }
    let words: Vec<_> = words.into_iter().collect();
    (!words.is_empty() && words.len() <= LISTED).then(|| format!("known here: {}", list(words)))
}

/// Returns the words that were probably meant, the nearest first, and only those that are about as near.
fn near<'word>(text: &str, words: impl IntoIterator<Item = &'word str>) -> Vec<&'word str> {
    let plain = plain(text);
    let mut near: Vec<_> = words
        .into_iter()
        .filter_map(|word| Some((distance(&plain, &self::plain(word))?, word)))
        .collect();
    near.sort_by_key(|(distance, _)| *distance);
    let limit = near
        .first()
        .map_or(0, |(distance, _)| if *distance < 2 { *distance } else { distance + 1 });
    near.into_iter()
        .filter(|(distance, _)| *distance <= limit)
        .map(|(_, word)| word)
        .take(MEANT)
        .collect()
}

/// Returns by how many changes two words differ, if they are few.
fn distance(text: &str, word: &str) -> Option<usize> {
    let changes = strsim::damerau_levenshtein(text, word);
    // A word that is only begun: `repo` for `repository`.
    // Or its end, such as `argocd-secret` of `argocd/argocd-secret`.
    let ends = text.len() >= BEGUN && word.len() > text.len() && word.ends_with(text);
    if ends {
        return Some(1);
    }
    if text.len() >= BEGUN && word.starts_with(text) {
        return Some(changes.min(BEGUN));
    }
    let length = text.chars().count().max(word.chars().count());
    (changes <= (length + 1) / 3).then_some(changes)
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
        let kinds = ["argocd/repository", "argocd/repo-creds", "argocd/cluster"];
        assert_eq!(
            among("argocd/repo", kinds).unwrap(),
            "did you mean `argocd/repository` or `argocd/repo-creds`?"
        );
    }
}
