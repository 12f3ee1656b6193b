//! A runbook's text as a tree in which every key and value knows its place.
//!
//! Serde stops at the first thing that does not fit. The tree takes anything that is YAML, so that all that does not fit
//! can be found in one walk. Of a key that is written twice both are kept, of a plain `1.10` its text.

use granit_parser::ScalarStyle;

use crate::finding::Place;

/// A stretch of one line. Lines and columns count from 1, lengths in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Span {
    /// The line.
    pub(super) line: usize,
    /// The column.
    pub(super) column: usize,
    /// The length; of what goes over several lines, that of its part on the first.
    pub(super) length: usize,
    /// The last line.
    pub(super) last: usize,
}

impl Span {
    /// Returns the span as a place in a file.
    pub(super) fn place(self, file: &str) -> Place {
        Place {
            file: file.to_owned(),
            line: self.line,
            column: self.column,
            length: self.length,
        }
    }
}

/// A value and its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// What it is.
    pub(super) value: Value,
    /// Where it is.
    pub(super) span: Span,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// A single value.
    Scalar(Scalar),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order written, with keys that are written twice.
    Map(Vec<Entry>),
}

/// A single value.
#[derive(Debug, Clone)]
pub(super) struct Scalar {
    /// Its text, unescaped.
    pub(super) text: String,
    /// How it is written.
    pub(super) style: ScalarStyle,
}

/// A key of a mapping and its value.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The key.
    pub(super) key: String,
    /// Its place.
    pub(super) span: Span,
    /// The value.
    pub(super) value: Node,
}

/// What YAML 1.2 takes a single value for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing: an absent value, `~` or `null`.
    Null,
    /// `true` or `false`.
    Flag,
    /// A number.
    Number,
    /// Text.
    Text,
}

impl Scalar {
    /// Returns what YAML 1.2's core schema takes the value for.
    pub(super) fn kind(&self) -> Kind {
        if !matches!(self.style, ScalarStyle::Plain) {
            return Kind::Text;
        }
        match self.text.as_str() {
            "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
            "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => Kind::Flag,
            ".nan" | ".NaN" | ".NAN" => Kind::Number,
            text if is_number(text) => Kind::Number,
            _ => Kind::Text,
        }
    }
}

impl Node {
    /// Returns the value as text, if it is text and not empty.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) if scalar.kind() == Kind::Text && !scalar.text.is_empty() => Some(&scalar.text),
            _ => None,
        }
    }

    /// Returns a text, number or flag as it is written.
    pub(super) fn written(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) if scalar.kind() != Kind::Null => Some(&scalar.text),
            _ => None,
        }
    }

    /// Returns the flag, if it is one.
    pub(super) fn flag(&self) -> Option<bool> {
        match &self.value {
            Value::Scalar(scalar) if scalar.kind() == Kind::Flag => Some(scalar.text.eq_ignore_ascii_case("true")),
            _ => None,
        }
    }

    /// Returns the whole number, if it is one.
    pub(super) fn whole(&self) -> Option<u64> {
        match &self.value {
            Value::Scalar(scalar) if scalar.kind() == Kind::Number => scalar.text.parse().ok(),
            _ => None,
        }
    }

    /// Returns the entries of a mapping; none of anything else.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// Returns the items of a sequence; none of anything else.
    pub(super) fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// Returns the items of a sequence, and of anything else itself as the only item.
    pub(super) fn one_or_many(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    /// Returns the first entry of that key.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// Returns the value of that key.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// Returns the entries of the mapping at that key.
    pub(super) fn table(&self, key: &str) -> &[Entry] {
        self.get(key).map_or(&[], Node::entries)
    }

    /// Returns the items of the sequence at that key.
    pub(super) fn list(&self, key: &str) -> &[Node] {
        self.get(key).map_or(&[], Node::items)
    }

    /// Names what the node is, for a message.
    pub(super) fn describe(&self) -> &'static str {
        match &self.value {
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
            Value::Scalar(scalar) => match scalar.kind() {
                Kind::Null => "nothing",
                Kind::Flag => "a flag",
                Kind::Number => "a number",
                Kind::Text => "text",
            },
        }
    }
}

/// Whether the core schema takes a plain text for a number.
fn is_number(text: &str) -> bool {
    if let Some(digits) = text.strip_prefix("0x") {
        return !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return !digits.is_empty() && digits.bytes().all(|byte| (b'0'..b'8').contains(&byte));
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return true;
    }
    unsigned.bytes().any(|byte| byte.is_ascii_digit())
        && unsigned
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'))
        && unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && unsigned.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_values_are_taken_as_yaml_1_2_takes_them() {
        for (text, kind) in [
            ("", Kind::Null),
            ("~", Kind::Null),
            ("yes", Kind::Text),
            ("on", Kind::Text),
            ("true", Kind::Flag),
            ("1.10", Kind::Number),
            ("-3", Kind::Number),
            ("1e3", Kind::Number),
            ("0x1f", Kind::Number),
            ("0o17", Kind::Number),
            ("0xyz", Kind::Text),
            ("1e", Kind::Text),
            ("e1", Kind::Text),
            ("30m", Kind::Text),
            ("-", Kind::Text),
            (".inf", Kind::Number),
        ] {
            let plain = |style| Scalar {
                text: text.to_owned(),
                style,
            };
            assert_eq!(plain(ScalarStyle::Plain).kind(), kind, "{text}");
            assert_eq!(plain(ScalarStyle::DoubleQuoted).kind(), Kind::Text, "{text}");
        }
    }
}
