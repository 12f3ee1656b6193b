//! The two kinds of pattern by which generators choose in a repository.
//!
//! Neither is that of `directory.include` (`render`), where `*` goes over slashes and braces are alternatives: Argo CD asks Go's library for
//! folders and Git for files.

/// Whether a path is of a pattern as Go's `path.Match` has it: `*` and `?` stand for anything but a slash, `[…]` for one of
/// some letters, `\` takes the next one as it is. A pattern that is broken matches nothing.
pub(super) fn is_path(pattern: &str, path: &str) -> bool {
    matches(&letters(pattern), &letters(path), '/'.into())
}

/// Whether a file is of a pattern as `git ls-files` has it: a folder stands for all below it, and `*` for slashes too.
pub(super) fn is_listed(pattern: &str, file: &str) -> bool {
    let pattern = pattern.trim_start_matches("./");
    let folder = pattern.trim_end_matches('/');
    let is_below = |folder: &str| file.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    matches!(folder, "" | ".") || folder == file || is_below(folder) || matches(&letters(pattern), &letters(file), None)
}

fn letters(text: &str) -> Vec<char> {
    text.chars().collect()
}

/// Matches by turns: on a mismatch it goes back to the last star and lets that take one letter more.
fn matches(pattern: &[char], text: &[char], separator: Option<char>) -> bool {
    let (mut at, mut seen) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while seen < text.len() {
        if pattern.get(at) == Some(&'*') {
            star = Some((at, seen));
            at += 1;
            continue;
        }
        match one(&pattern[at..], text[seen], separator) {
            Some(used) => {
                at += used;
                seen += 1;
            }
            None => match star {
                Some((place, took)) if Some(text[took]) != separator => {
                    star = Some((place, took + 1));
                    at = place + 1;
                    seen = took + 1;
                }
                _ => return false,
            },
        }
    }
    pattern[at..].iter().all(|letter| *letter == '*')
}

/// Returns how much of the pattern stands for one letter, if it does.
fn one(pattern: &[char], letter: char, separator: Option<char>) -> Option<usize> {
    match pattern.first()? {
        '?' => (Some(letter) != separator).then_some(1),
        '\\' => (*pattern.get(1)? == letter).then_some(2),
        '[' => class(pattern, letter, separator),
        plain => (*plain == letter).then_some(1),
    }
}

/// `[abc]`, `[a-z]`, `[^a]`.
fn class(pattern: &[char], letter: char, separator: Option<char>) -> Option<usize> {
    let mut at = 1;
    let is_negated = matches!(pattern.get(at)?, '^' | '!');
    if is_negated {
        at += 1;
    }
    let (mut is_in, first) = (false, at);
    loop {
        let mut low = *pattern.get(at)?;
        if low == ']' && at > first {
            break;
        }
        if low == '\\' {
            at += 1;
            low = *pattern.get(at)?;
        }
        at += 1;
        let mut high = low;
        if pattern.get(at) == Some(&'-') && pattern.get(at + 1).is_some_and(|next| *next != ']') {
            high = *pattern.get(at + 1)?;
            at += 2;
        }
        is_in |= (low..=high).contains(&letter);
    }
    (is_in != is_negated && Some(letter) != separator).then_some(at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_matched_as_go_matches_it() {
        for (pattern, path, expected) in [
            ("apps/*", "apps/cart", true),
            ("apps/*", "apps/cart/base", false),
            ("apps/*/*", "apps/cart/base", true),
            ("*", "apps", true),
            ("apps/c?rt", "apps/cart", true),
            ("apps/[a-c]*", "apps/cart", true),
            ("apps/[^a-c]*", "apps/cart", false),
            ("apps/\\*", "apps/*", true),
            ("apps/**", "apps/cart", true),
            ("apps/**", "apps/cart/base", false),
            ("apps/{cart,search}", "apps/cart", false),
            ("apps/[", "apps/[", false),
            ("*a*b*c", "xaxbxc", true),
            ("*a*b*c", "xaxbx", false),
        ] {
            assert_eq!(is_path(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn a_file_is_listed_as_git_lists_it() {
        for (pattern, file, expected) in [
            ("config/*.json", "config/a.json", true),
            ("config/*.json", "config/deep/a.json", true),
            ("config/**/values.yaml", "config/a/values.yaml", true),
            ("config", "config/deep/a.json", true),
            ("config", "configuration/a.json", false),
            ("config/a.json", "config/a.json", true),
            (".", "a.json", true),
            ("*.json", "a.yaml", false),
        ] {
            assert_eq!(is_listed(pattern, file), expected, "{pattern} {file}");
        }
    }
}
