//! What `${…}` comes to (`fluxcd/pkg/envsubst`).

use std::collections::BTreeMap;

use regex::Regex;

use super::parse::{Part, parse};

/// Why a text comes to nothing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// A variable without a value and without a default, by name.
    NotSet(String),
    /// A text that cannot be read.
    Text(&'static str),
}

/// Replaces the variables of a text.
pub(super) fn evaluate(text: &str, values: &BTreeMap<String, String>) -> Result<String, Wrong> {
    all(&parse(text).map_err(Wrong::Text)?, values)
}

fn all(parts: &[Part], values: &BTreeMap<String, String>) -> Result<String, Wrong> {
    let mut out = String::new();
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Variable {
                name,
                operator,
                arguments,
            } => {
                let arguments: Result<Vec<_>, _> = arguments
                    .iter()
                    .map(|argument| all(std::slice::from_ref(argument), values))
                    .collect();
                let arguments = arguments?;
                let has_default = operator.starts_with('=') || (operator.starts_with(':') && operator.len() == 2);
                let value = match values.get(name) {
                    Some(value) => value.as_str(),
                    None if has_default => "",
                    None => return Err(Wrong::NotSet(name.clone())),
                };
                out.push_str(&made(operator, value, &arguments));
            }
        }
    }
    Ok(out)
}

/// Makes of a value what an operator says.
fn made(operator: &str, value: &str, arguments: &[String]) -> String {
    let argument = |index: usize| arguments.get(index).map_or("", String::as_str);
    match operator {
        "," => first(value, |letter| letter.to_lowercase().collect()),
        "^" => first(value, |letter| letter.to_uppercase().collect()),
        ",," => value.to_lowercase(),
        "^^" => value.to_uppercase(),
        "#" if arguments.is_empty() => value.len().to_string(),
        "#" => trimmed(value, argument(0), false),
        "##" => trimmed(value, argument(0), true),
        "%" => reversed(&trimmed(&reversed(value), &reversed(argument(0)), false)),
        "%%" => reversed(&trimmed(&reversed(value), &reversed(argument(0)), true)),
        ":" => part(value, arguments),
        "/" => value.replacen(argument(0), argument(1), 1),
        "//" => value.replace(argument(0), argument(1)),
        // These two do nothing where no second argument is written.
        "/#" | "/%" if arguments.len() != 2 => value.to_owned(),
        "/#" => value
            .strip_prefix(argument(0))
            .map_or_else(|| value.to_owned(), |rest| argument(1).to_owned() + rest),
        "/%" => value
            .strip_suffix(argument(0))
            .map_or_else(|| value.to_owned(), |rest| rest.to_owned() + argument(1)),
        // All that are left are defaults, `:+` and `:?` too.
        _ if value.is_empty() => arguments.concat(),
        _ => value.to_owned(),
    }
}

fn first(value: &str, change: impl Fn(char) -> String) -> String {
    let mut letters = value.chars();
    letters
        .next()
        .map_or_else(String::new, |letter| change(letter) + letters.as_str())
}

fn reversed(text: &str) -> String {
    text.chars().rev().collect()
}

/// Takes off the shortest or longest beginning that a pattern matches; nothing where the pattern is none.
fn trimmed(value: &str, pattern: &str, longest: bool) -> String {
    let Some(pattern) = pattern_of(pattern) else {
        return value.to_owned();
    };
    let ends = value.char_indices().map(|(at, letter)| at + letter.len_utf8());
    let mut ends: Vec<usize> = ends.collect();
    if longest {
        ends.reverse();
    }
    let end = ends.into_iter().find(|end| pattern.is_match(&value[..*end]));
    end.map_or_else(|| value.to_owned(), |end| value[end..].to_owned())
}

/// Reads a pattern of a shell, in which `*` goes over everything.
fn pattern_of(pattern: &str) -> Option<Regex> {
    let mut regex = "^(?s:".to_owned();
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '*' => regex.push_str(".*"),
            '?' => regex.push('.'),
            '[' => {
                let (class, rest) = letters.as_str().split_once(']')?;
                let (not, class) = class.strip_prefix('^').map_or(("", class), |class| ("^", class));
                let plain = |letter: &char| letter.is_alphanumeric() || *letter == '-';
                let escaped = class.chars().map(|letter| {
                    if plain(&letter) {
                        letter.to_string()
                    } else {
                        format!("\\{letter}")
                    }
                });
                regex.extend(["[", not, &escaped.collect::<String>(), "]"]);
                letters = rest.chars();
            }
            '\\' => regex.push_str(&regex::escape(&letters.next()?.to_string())),
            letter => regex.push_str(&regex::escape(&letter.to_string())),
        }
    }
    Regex::new(&(regex + ")$")).ok()
}

/// Takes a part by its position and length in bytes, both counted from the end where they are negative.
fn part(value: &str, arguments: &[String]) -> String {
    let number = |index: usize| arguments.get(index).map(|text| text.trim().parse::<i64>());
    let size = i64::try_from(value.len()).unwrap_or(i64::MAX);
    let Some(Ok(position)) = number(0) else {
        return value.to_owned();
    };
    let position = if position < 0 {
        (size + position).max(0)
    } else {
        position
    };
    let end = match number(1) {
        None => size,
        Some(Err(_)) => return value.to_owned(),
        Some(Ok(length)) if length < 0 => size + length,
        Some(Ok(length)) => position.saturating_add(length).min(size),
    };
    let range = usize::try_from(position).unwrap_or(0)..usize::try_from(end).unwrap_or(0);
    let bytes = value.as_bytes().get(range).unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(values: &[(&str, &str)]) -> BTreeMap<String, String> {
        values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn the_cases_of_flux_come_to_what_they_come_to_there() {
        // `TestExpand` of `fluxcd/pkg/envsubst`.
        for (variables, text, expected) in [
            (&[] as &[(&str, &str)], "abcdEFGH28ij", "abcdEFGH28ij"),
            (&[("v", "abcdEFGH28ij")], "${#v}", "12"),
            (&[("v", "abcdEFGH28ij")], "${v^}", "AbcdEFGH28ij"),
            (&[("v", "abcdEFGH28ij")], "${v^^}", "ABCDEFGH28IJ"),
            (&[("v", "ABCDEFGH28IJ")], "${v,}", "aBCDEFGH28IJ"),
            (&[("v", "ABCDEFGH28IJ")], "${v,,}", "abcdefgh28ij"),
            (
                &[("v", "/home/bozo/ideas/thoughts.for.today")],
                "${v:11}",
                "ideas/thoughts.for.today",
            ),
            (&[("v", "/home/bozo/ideas/thoughts.for.today")], "${v:11:5}", "ideas"),
            (&[("v", "abc")], "${v=xyz}", "abc"),
            (&[], "${v=xyz}", "xyz"),
            (&[("d", "foo")], "something ${v=${d}}", "something foo"),
            (&[("d", "foo1")], "foo: ${v=${d}-suffix}", "foo: foo1-suffix"),
            (
                &[("d", "foo1")],
                "foo: ${v=prefix${d}-suffix}",
                "foo: prefixfoo1-suffix",
            ),
            (&[], "${v:=xyz}", "xyz"),
            (&[("v", "abcABC123ABCabc")], "${v/%abc/XYZ}", "abcABC123ABCXYZ"),
            (&[("v", "abcABC123ABCabc")], "${v/#abc/XYZ}", "XYZABC123ABCabc"),
            (&[("v", "abcABC123ABCabc")], "${v//abc/xyz}", "xyzABC123ABCxyz"),
            (&[("v", "abcABC123ABCabc")], "${v/abc/xyz}", "xyzABC123ABCabc"),
            (&[("v", "bash.string.txt")], "${v#*.}", "string.txt"),
            (&[("v", "/path/to/file")], "${v#*/}", "path/to/file"),
            (&[("v", "bash.string.txt")], "${v##*.}", "txt"),
            (&[("v", "path/to/file")], "${v##*/}", "file"),
            (&[("v", "bash.string.txt")], "${v%.*}", "bash.string"),
            (&[("v", "bash.string.txt")], "${v%%.*}", "bash"),
            (&[("v", "abcdEFGH28ij")], "${x=${v^^}}", "ABCDEFGH28IJ"),
            (&[("v", "abcdEFGH28ij")], "$${v}", "${v}"),
            (
                &[("v", "abcdEFGH28ij")],
                "some text ${v}$${var$${v}$v${v}",
                "some text abcdEFGH28ij${var${v}$vabcdEFGH28ij",
            ),
            (&[("d", "foo")], "something $${var=${d}}", "something ${var=foo}"),
            (&[("v", "foo/bar")], "${v/\\//-}", "foo-bar"),
            (&[("v", "foo/bar/baz")], "${v//\\//-}", "foo-bar-baz"),
            (&[("d", "foo")], "\\\\something ${v=${d}}", "\\\\something foo"),
            (&[("v", "foo.bar")], "${v/./}", "foobar"),
        ] {
            assert_eq!(evaluate(text, &values(variables)).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_set_is_named_and_what_cannot_be_read_too() {
        let none = BTreeMap::new();
        for text in [
            "${missing}",
            "${#missing}",
            "${missing^}",
            "${missing/a/b}",
            "${missing:1}",
        ] {
            assert_eq!(
                evaluate(text, &none),
                Err(Wrong::NotSet("missing".to_owned())),
                "{text}"
            );
        }
        for text in ["${}", "${a", "${a-b}", "${a/b}", "${ a }", "${a#}", "${#}"] {
            assert!(matches!(evaluate(text, &none), Err(Wrong::Text(_))), "{text}");
        }
        let deep = "${a:=".repeat(10_000) + &"}".repeat(10_000);
        assert_eq!(
            evaluate(&deep, &none),
            Err(Wrong::Text("too many substitutions in each other"))
        );
    }

    proptest! {
        #[test]
        fn whatever_the_text_it_comes_to_something(text in "[${}:=#%/^,a-c0-9*\\[\\]\\\\ é-]{0,24}") {
            let _ = evaluate(&text, &values(&[("a", "xéy"), ("b", "")]));
        }
    }
}
