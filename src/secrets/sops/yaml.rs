//! Reads YAML as SOPS does, which reads it by `go-yaml` v3.
//!
//! What its plain words mean is `resolve.go` there. A word of which we are not certain (a date, an octal number, one with
//! underscores) is left to the program, as are aliases and tags, which SOPS does not write.

use std::collections::HashSet;

use granit_parser::{Event, Parser, ScalarStyle};

use super::document::{Leaf, Unread, Value};

/// How deep a file may be nested.
const DEEPEST: usize = 64;

/// Reads the only document of a text.
pub(super) fn read(text: &str) -> Result<Value, Unread> {
    read_by(text, plain)
}

/// Reads what stands where, without what words mean that have no quotation marks; `None` where aliases and tags decide that too.
pub(super) fn shape(text: &str) -> Option<Value> {
    let word = |text: &str| match plain(text) {
        Err(_) if text != "<<" => Ok(Value::Leaf(Leaf::text(text))),
        meant => meant,
    };
    read_by(text, word).ok()
}

fn read_by(text: &str, plain: impl Fn(&str) -> Result<Value, Unread>) -> Result<Value, Unread> {
    let mut open: Vec<(bool, Vec<Value>)> = Vec::new();
    let mut root = None;
    let mut documents = 0;
    for next in Parser::new_from_str(text) {
        // What the parser says may quote the line.
        let (event, _) =
            next.map_err(|error| Unread::Broken(format!("it is no YAML from line {} on", error.marker().line())))?;
        if event.tag().is_some_and(|tag| !tag.is_yaml_core_schema_tag("str")) {
            return Err(Unread::Unsure("it holds tags (`!!name`)".into()));
        }
        let value = match event {
            Event::DocumentStart(..) => {
                documents += 1;
                if documents > 1 {
                    return Err(Unread::Broken(
                        "it holds more than one document, and each secret needs a file of its own".into(),
                    ));
                }
                continue;
            }
            Event::Alias(_) => return Err(Unread::Unsure("it holds aliases (`*name`)".into())),
            Event::SequenceStart(..) | Event::MappingStart(..) if open.len() >= DEEPEST => {
                return Err(Unread::Broken("it is nested too deep".into()));
            }
            Event::SequenceStart(..) => {
                open.push((false, Vec::new()));
                continue;
            }
            Event::MappingStart(..) => {
                open.push((true, Vec::new()));
                continue;
            }
            Event::Scalar(text, style, _, tag) => {
                if tag.is_none() && style == ScalarStyle::Plain {
                    plain(&text)?
                } else {
                    Value::Leaf(Leaf::text(text.into_owned()))
                }
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some((true, nodes)) => Value::Map(entries(nodes)?),
                Some((false, nodes)) => Value::List(nodes),
                None => continue,
            },
            _ => continue,
        };
        match open.last_mut() {
            Some((_, nodes)) => nodes.push(value),
            None => root = Some(value),
        }
    }
    root.ok_or(Unread::Plain)
}

/// Pairs keys and values.
fn entries(nodes: Vec<Value>) -> Result<Vec<(String, Value)>, Unread> {
    let mut entries: Vec<(String, Value)> = Vec::with_capacity(nodes.len() / 2);
    let mut known = HashSet::with_capacity(nodes.len() / 2);
    let mut nodes = nodes.into_iter();
    while let (Some(key), Some(value)) = (nodes.next(), nodes.next()) {
        let is_text = matches!(&key, Value::Leaf(leaf) if leaf.kind == super::document::Kind::Text);
        let Some(key) = key.as_str().filter(|_| is_text) else {
            return Err(Unread::Broken("it holds a key that is no text".into()));
        };
        if !known.insert(key.to_owned()) {
            return Err(Unread::Broken("it holds a key twice".into()));
        }
        entries.push((key.to_owned(), value));
    }
    Ok(entries)
}

/// Returns what a plain word means.
fn plain(text: &str) -> Result<Value, Unread> {
    let leaf = match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "true" | "True" | "TRUE" => Leaf::flag(true),
        "false" | "False" | "FALSE" => Leaf::flag(false),
        "<<" => return Err(unsure()),
        _ => match text.as_bytes()[0] {
            b'0'..=b'9' | b'+' | b'-' => number(text)?,
            b'.' => fraction(text)?,
            _ => Leaf::text(text),
        },
    };
    Ok(Value::Leaf(leaf))
}

/// Returns what a word means that begins as a number does.
fn number(text: &str) -> Result<Leaf, Unread> {
    let bytes = text.as_bytes();
    // The year of a date.
    if bytes.len() > 4 && bytes[..4].iter().all(u8::is_ascii_digit) && bytes[4] == b'-' {
        return Err(unsure());
    }
    if text.contains('_') {
        let without = text.replace('_', "");
        return match number(&without) {
            Ok(leaf) if leaf.kind == super::document::Kind::Text => Ok(Leaf::text(text)),
            _ => Err(unsure()),
        };
    }
    let digits = text.trim_start_matches(['+', '-']);
    let sign = text.len() - digits.len();
    if digits.eq_ignore_ascii_case(".inf") || digits.eq_ignore_ascii_case(".nan") {
        return Err(unsure());
    }
    if sign > 1 || digits.is_empty() {
        return Ok(Leaf::text(text));
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        // A zero before others makes it octal for some and a fraction for others.
        if digits.len() > 1 && digits.starts_with('0') {
            return Err(unsure());
        }
        return text.parse::<i64>().map(Leaf::number).map_err(|_| unsure());
    }
    let is_based = digits.starts_with('0')
        && digits[1..].starts_with(['x', 'X', 'b', 'B', 'o', 'O'])
        && digits[2..].bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_based {
        return Err(unsure());
    }
    if is_float(digits) {
        return float(text);
    }
    Ok(Leaf::text(text))
}

/// Returns what a word means that begins with a dot.
fn fraction(text: &str) -> Result<Leaf, Unread> {
    if text.eq_ignore_ascii_case(".inf") || text.eq_ignore_ascii_case(".nan") || text.contains('_') {
        return Err(unsure());
    }
    if is_float(text) {
        float(text)
    } else {
        Ok(Leaf::text(text))
    }
}

/// Whether it is a fraction: `(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`.
fn is_float(text: &str) -> bool {
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (text, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let is_number = digits(whole) && digits(part) && !(whole.is_empty() && part.is_empty());
    is_number && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent))
}

/// Writes a fraction as SOPS counts it, without an exponent.
fn float(text: &str) -> Result<Leaf, Unread> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(Leaf::number(number)),
        _ => Err(unsure()),
    }
}

fn unsure() -> Unread {
    Unread::Unsure("it holds a word without quotation marks that may be a number or a date".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::sops::document::Kind;

    #[test]
    fn a_plain_word_means_what_it_means_to_sops() {
        use Kind::{Flag, Number, Text};
        for (text, kind, expected) in [
            ("word", Text, "word"),
            ("yes", Text, "yes"),
            ("on", Text, "on"),
            ("True", Flag, "true"),
            ("false", Flag, "false"),
            ("5432", Number, "5432"),
            ("-7", Number, "-7"),
            ("+7", Number, "7"),
            ("0", Number, "0"),
            ("1.50", Number, "1.5"),
            ("1e3", Number, "1000"),
            (".5", Number, "0.5"),
            ("1e+21", Number, "1000000000000000000000"),
            ("10.0.0.1", Text, "10.0.0.1"),
            ("1.2.3", Text, "1.2.3"),
            ("8080:80", Text, "8080:80"),
            ("3d", Text, "3d"),
            ("1_a", Text, "1_a"),
            ("-", Text, "-"),
            ("--x", Text, "--x"),
            (".git", Text, ".git"),
            ("v1", Text, "v1"),
        ] {
            let Ok(Value::Leaf(leaf)) = plain(text) else {
                panic!("{text}")
            };
            assert_eq!((leaf.kind, leaf.text.expose_str()), (kind, Some(expected)), "{text}");
        }
        for text in ["", "~", "null"] {
            assert_eq!(plain(text), Ok(Value::Null), "{text:?}");
        }
        for text in [
            "0777",
            "0x1F",
            "0o17",
            "0b101",
            "1_000",
            "2026-11-22",
            "2026-11-22T00:00:00Z",
            ".inf",
            "-.inf",
            ".nan",
            "18446744073709551616",
            "1e999",
            "<<",
        ] {
            assert!(matches!(plain(text), Err(Unread::Unsure(_))), "{text}");
        }
    }

    #[test]
    fn quoted_words_are_text_and_the_order_is_kept() {
        let text = "b: \"1\"\na:\n  - 'true'\n  - |\n    line\n    more\n# a comment\nc: {}\n";
        let value = read(text).unwrap();
        let leaf = |text: &str| Value::Leaf(Leaf::text(text));
        let list = Value::List(vec![leaf("true"), leaf("line\nmore\n")]);
        assert_eq!(
            value,
            Value::Map(vec![
                ("b".into(), leaf("1")),
                ("a".into(), list),
                ("c".into(), Value::Map(vec![]))
            ])
        );
    }

    #[test]
    fn what_stands_where_is_known_also_where_words_are_not() {
        let shaped = shape("day: 2026-11-22\nlist: [0777, ~]\n").unwrap();
        assert_eq!(shaped.get("day").and_then(Value::as_str), Some("2026-11-22"));
        for text in ["a: &x {b: c}\nd: *x\n", "a: !!binary aGk=\n", "<<: {a: b}\n"] {
            assert_eq!(shape(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_not_read_is_told_without_quoting_it() {
        for (text, words) in [
            ("a: 1\n---\nb: 2\n", "more than one document"),
            ("a: &x hunter2\nb: *x\n", "aliases"),
            ("a: !!binary hunter2\n", "tags"),
            ("a: hunter2\na: other\n", "a key twice"),
            ("1: hunter2\n", "a key that is no text"),
            ("a: \"hunter2\n", "no YAML"),
        ] {
            let unread = format!("{:?}", read(text).unwrap_err());
            assert!(
                unread.contains(words) && !unread.contains("hunter2"),
                "{text}: {unread}"
            );
        }
        let deep = "[".repeat(100) + &"]".repeat(100);
        assert!(matches!(read(&deep), Err(Unread::Broken(_))));
    }
}
