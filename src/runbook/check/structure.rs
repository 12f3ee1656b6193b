//! The walk of a tree against the table of the structure.

use super::super::shape::{Format, Shape, Word, one_of};
use super::super::tree::{Entry, Kind, Node, Span, Value};
use super::{Check, format, suggest};

impl Check<'_> {
    /// Checks a value; `key` is the entry that it is the value of.
    pub(super) fn value(&mut self, node: &Node, shape: &Shape, key: Option<&Entry>) {
        if let Value::Scalar(scalar) = &node.value
            && scalar.kind() == Kind::Null
        {
            return self.empty(node, key);
        }
        match shape {
            Shape::EnvOrFile if is_file(node) => self.file(node),
            Shape::EnvOrFile => self.env(node, shape, false, key),
            Shape::Env { literal } => self.env(node, shape, *literal, key),
            Shape::Record(record) => self.record(node, record, key),
            Shape::WordOrRecord(_, record) | Shape::TextOrRecord(_, record)
                if matches!(node.value, Value::Map(_)) && !is_env(node) =>
            {
                self.record(node, record, key);
            }
            Shape::List(of) | Shape::NonEmpty(of) | Shape::OneOrMany(of) => self.list(node, shape, of, key),
            Shape::Table { key: names, of } => self.table(node, shape, *names, of, key),
            Shape::Text(_)
            | Shape::Scalar
            | Shape::Flag
            | Shape::Whole(..)
            | Shape::Word(_)
            | Shape::TextOrRecord(..)
            | Shape::WordOrRecord(..) => self.scalar(node, shape, key),
        }
    }

    fn list(&mut self, node: &Node, shape: &Shape, of: &Shape, key: Option<&Entry>) {
        match &node.value {
            Value::List(items) => {
                if items.is_empty() && !matches!(shape, Shape::List(_)) {
                    self.empty(node, key);
                }
                for item in items {
                    self.value(item, of, None);
                }
            }
            _ if matches!(shape, Shape::OneOrMany(_)) => self.value(node, of, key),
            _ => self.wrong(node, &shape.describe(), key),
        }
    }

    fn table(&mut self, node: &Node, shape: &Shape, names: Format, of: &Shape, key: Option<&Entry>) {
        let Value::Map(entries) = &node.value else {
            return self.wrong(node, &shape.describe(), key);
        };
        self.duplicates(entries);
        for entry in entries {
            if entry.key == "<<" {
                self.merge(entry);
                continue;
            }
            self.format(&entry.key, names, entry.span);
            self.value(&entry.value, of, Some(entry));
        }
    }

    fn scalar(&mut self, node: &Node, shape: &Shape, key: Option<&Entry>) {
        if is_env(node) {
            return self.error(
                "runbook/env-not-allowed",
                node.span,
                "the environment is not read here",
                "only what logs in to a store is read from the environment, such as Vault's `token` or `secret-id`"
                    .to_owned(),
            );
        }
        let Value::Scalar(scalar) = &node.value else {
            return self.wrong(node, &shape.describe(), key);
        };
        if self.hidden.is_told(node.span) {
            return;
        }
        let is_address = matches!(
            shape,
            Shape::Text(Format::Git | Format::Http | Format::Cluster | Format::Any)
                | Shape::TextOrRecord(Format::Any, _)
                | Shape::Scalar
        );
        if matches!(shape, Shape::Flag) && scalar.kind() == Kind::Flag {
            return;
        }
        // Only of addresses it is certain that no message quotes them.
        if self.hidden.contains(node.span) && !is_address {
            return self.wrong(node, &shape.describe(), key);
        }
        match (shape, scalar.kind()) {
            (Shape::Text(Format::Duration), Kind::Number) => self.format(&scalar.text, Format::Duration, node.span),
            (Shape::Text(_) | Shape::TextOrRecord(..), Kind::Text) if scalar.text.is_empty() => self.empty(node, key),
            (Shape::Text(format) | Shape::TextOrRecord(format, _), Kind::Text) => {
                if is_address && format::names_variable(&scalar.text) {
                    self.warning(
                        "runbook/not-expanded",
                        node.span,
                        "taken as it is written: no variable is put in here",
                        "write the value itself".to_owned(),
                    );
                }
                self.format(&scalar.text, *format, node.span);
            }
            (Shape::Word(words) | Shape::WordOrRecord(words, _), _) => self.word(&scalar.text, words, node.span),
            (Shape::Whole(least, most), Kind::Number) => match node.whole() {
                Some(number) if (*least..=*most).contains(&number) => {}
                _ => {
                    let message = if *most == u64::MAX {
                        format!("expected a whole number from {least} on")
                    } else {
                        format!("expected a whole number from {least} to {most}")
                    };
                    self.error("runbook/out-of-range", node.span, message, None);
                }
            },
            (Shape::Scalar, _) => {}
            _ => self.wrong(node, &shape.describe(), key),
        }
    }

    fn word(&mut self, text: &str, words: &[Word], span: Span) {
        if words.iter().any(|word| word.word == text) {
            return;
        }
        let help = suggest::among(text, words.iter().map(|word| word.word));
        self.error(
            "runbook/unknown-word",
            span,
            format!("expected {}, found `{text}`", one_of(words)),
            help,
        );
    }

    fn env(&mut self, node: &Node, shape: &Shape, literal: bool, key: Option<&Entry>) {
        let Value::Map(entries) = &node.value else {
            if literal {
                return self.scalar(node, &Shape::Text(Format::Any), key);
            }
            // A secret in the file was found and hidden before the walk.
            if !self.hidden.is_told(node.span) {
                self.wrong(node, &shape.describe(), key);
            }
            return;
        };
        self.duplicates(entries);
        let known: &[&str] = if matches!(shape, Shape::EnvOrFile) {
            &["env", "file"]
        } else {
            &["env"]
        };
        for entry in entries.iter().filter(|entry| entry.key != "env") {
            self.unknown(entry, known.iter().copied());
        }
        match entries.iter().find(|entry| entry.key == "env") {
            Some(entry) => match entry.value.text() {
                Some(_) if self.hidden.is_told(entry.value.span) => {}
                Some(name) if format::is_variable(name) => {}
                _ if matches!(entry.value.value, Value::Scalar(_)) => {
                    // What stands here may be the secret itself: it is neither quoted nor framed.
                    self.hidden.hide(entry.value.span);
                    self.error(
                        "runbook/variable-name",
                        entry.value.span,
                        "expected the name of a variable of the environment",
                        "such as `VAULT_TOKEN`: letters, digits and `_`".to_owned(),
                    );
                }
                _ => self.wrong(&entry.value, "text", Some(entry)),
            },
            None if entries.is_empty() => self.empty(node, key),
            None => {}
        }
    }

    fn file(&mut self, node: &Node) {
        for entry in node.entries() {
            self.value(&entry.value, &Shape::Text(Format::Any), Some(entry));
        }
    }

    /// Reports a value that is not of its kind, without quoting it.
    pub(super) fn wrong(&mut self, node: &Node, expected: &str, key: Option<&Entry>) {
        let whose = key.map_or_else(String::new, |entry| format!("`{}`: ", entry.key));
        let help = match &node.value {
            Value::Scalar(scalar) if expected == "text" && matches!(scalar.kind(), Kind::Number | Kind::Flag) => {
                Some(format!("quote it: \"{}\"", scalar.text))
            }
            Value::Map(_) if expected.starts_with("a list") => {
                Some("write one item a line, each after `- `".to_owned())
            }
            Value::Map(_) if expected == "text" => Some("write the value alone, without a key before it".to_owned()),
            Value::Scalar(_) if key.is_some_and(|entry| entry.key == "from") => {
                Some("name the store, too, such as `from: {vault: PATH}`".to_owned())
            }
            _ => None,
        };
        self.error(
            "runbook/wrong-type",
            node.span,
            format!("{whose}expected {expected}, found {}", node.describe()),
            help,
        );
    }

    /// Reports a value that is missing behind its key, or empty.
    pub(super) fn empty(&mut self, node: &Node, key: Option<&Entry>) {
        match key {
            Some(entry) => {
                let message = format!("`{}` is empty", entry.key);
                self.error(
                    "runbook/empty-value",
                    entry.span,
                    message,
                    "give it a value, or leave the key out".to_owned(),
                );
            }
            None => self.error("runbook/empty-value", node.span, "an empty item", None),
        }
    }
}

/// Whether the node is `{file: …}`.
fn is_file(node: &Node) -> bool {
    matches!(node.entries(), [only] if only.key == "file")
}

/// Whether the node is `{env: …}`.
fn is_env(node: &Node) -> bool {
    matches!(node.entries(), [only] if only.key == "env")
}
