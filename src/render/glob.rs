//! Patterns of paths as Argo CD reads them: `github.com/gobwas/glob` without separators, so that `*` goes over `/` too.
//!
//! Generators of sets read others (`platform::argocd::sets`): Go's `path.Match` and that of `git ls-files`.

use regex::Regex;

/// A pattern.
pub(super) struct Glob(Regex);

impl Glob {
    /// Reads a pattern; `None` where it is none, which then matches nothing.
    pub(super) fn new(pattern: &str) -> Option<Self> {
        let mut rest = pattern.chars().peekable();
        let mut regex = "^(?s:".to_owned();
        let mut depth = 0_usize;
        while let Some(letter) = rest.next() {
            match letter {
                '*' => regex.push_str(".*"),
                '?' => regex.push('.'),
                '{' => {
                    depth += 1;
                    regex.push_str("(?:");
                }
                '}' if depth > 0 => {
                    depth -= 1;
                    regex.push(')');
                }
                ',' if depth > 0 => regex.push('|'),
                '[' => class(&mut rest, &mut regex)?,
                // At the end of the pattern it escapes nothing.
                '\\' => rest.next().into_iter().for_each(|letter| literal(letter, &mut regex)),
                letter => literal(letter, &mut regex),
            }
        }
        regex.push_str(")$");
        let regex = if depth == 0 { Regex::new(&regex).ok() } else { None };
        regex.map(Self)
    }

    pub(super) fn matches(&self, path: &str) -> bool {
        self.0.is_match(path)
    }
}

/// Reads `[abc]`, `[!abc]` or one range, `[a-z]`: more than that this kind of pattern does not know.
fn class(rest: &mut impl Iterator<Item = char>, regex: &mut String) -> Option<()> {
    let mut letters = Vec::new();
    loop {
        match rest.next()? {
            ']' => break,
            '\\' => letters.push((rest.next()?, true)),
            letter => letters.push((letter, false)),
        }
    }
    let is_not = letters.first() == Some(&('!', false));
    let letters = &letters[usize::from(is_not)..];
    regex.push_str(if is_not { "[^" } else { "[" });
    match letters {
        [(low, _), ('-', false), (high, _)] if low <= high => {
            literal(*low, regex);
            regex.push('-');
            literal(*high, regex);
        }
        [] | [_, ('-', false), ..] => return None,
        letters => letters.iter().for_each(|(letter, _)| literal(*letter, regex)),
    }
    regex.push(']');
    Some(())
}

fn literal(letter: char, regex: &mut String) {
    if letter.is_ascii_punctuation() {
        regex.push('\\');
    }
    regex.push(letter);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_match_as_in_argo_cd() {
        // Each was run through `util/glob.Match` of Argo CD 3.2.11.
        for (pattern, path, expected) in [
            ("*.yaml", "a/b.yaml", true),
            ("*.yaml", "a.yml", false),
            ("{a.yaml,sub/*}", "sub/x/y.yaml", true),
            ("{a.yaml,sub/*}", "b.yaml", false),
            ("{*.yml,*.{yaml,json}}", "x/a.json", true),
            ("a/**/b", "a/b", false),
            ("a/**/b", "a/x/y/b", true),
            ("?.yaml", "a.yaml", true),
            ("[a-c].yaml", "b.yaml", true),
            ("[!a-c].yaml", "b.yaml", false),
            ("[abc].yaml", "c.yaml", true),
            ("[a-cx].yaml", "b.yaml", false),
            ("a[", "a[", false),
            ("{a", "{a", false),
            ("a}", "a}", true),
            ("a,b", "a,b", true),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("a.yaml", "axyaml", false),
            ("a\\", "a", true),
            ("[]", "]", false),
            ("", "", true),
        ] {
            let matches = Glob::new(pattern).is_some_and(|glob| glob.matches(path));
            assert_eq!(matches, expected, "{pattern} {path}");
        }
    }

    proptest! {
        #[test]
        fn a_path_without_signs_matches_itself_alone(path in "[a-z/._-]{0,12}", other in "[a-z/._-]{0,12}") {
            let glob = Glob::new(&path).unwrap();
            prop_assert!(glob.matches(&path));
            prop_assert_eq!(glob.matches(&other), path == other);
        }

        #[test]
        fn whatever_the_pattern_it_is_read(pattern in "[*?{}\\[\\],!a-c\\\\-]{0,16}") {
            let _ = Glob::new(&pattern);
        }
    }
}
