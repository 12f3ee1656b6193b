//! From text to a [`Node`]: YAML's syntax, and what of YAML a runbook does without.

use std::collections::BTreeMap;

use granit_parser::{Event, Marker, Parser, ScalarStyle};

use super::tree::{Entry, Node, Scalar, Span, Value};
use crate::finding::Finding;

/// How deep a runbook may be nested; its format needs less than half.
const DEEPEST: usize = 32;

/// How many values a runbook may have once its aliases are put in.
const MOST: usize = 100_000;

/// Reads the only document of a text, and says what is wrong with its syntax.
pub(super) fn read(file: &str, text: &str) -> (Option<Node>, Vec<Finding>) {
    let mut reader = Reader {
        file,
        lines: text.lines().map(|line| line.chars().count()).collect(),
        open: Vec::new(),
        root: None,
        anchors: BTreeMap::new(),
        count: 0,
        documents: 0,
        findings: Vec::new(),
    };
    for next in Parser::new_from_str(text) {
        let step = match next {
            Ok((event, span)) => reader.take(event, span.start, span.end),
            Err(error) => Err(reader.syntax(text, &error)),
        };
        if let Err(finding) = step {
            reader.findings.push(finding);
            return (None, reader.findings);
        }
    }
    let Reader { root, mut findings, .. } = reader;
    if root.is_none() && findings.is_empty() {
        findings.push(
            Finding::error("runbook/empty", "the file holds no runbook")
                .at(Span {
                    line: 1,
                    column: 1,
                    ..Span::default()
                }
                .place(file))
                .help("a runbook starts with `apiVersion: gitops-dr/v1` and `kind: Runbook`"),
        );
    }
    (root, findings)
}

/// A collection whose end has not been read yet.
struct Open {
    /// Its items, or keys and values in turn.
    nodes: Vec<Node>,
    is_map: bool,
    /// Its anchor, 0 for none.
    anchor: usize,
    start: Marker,
}

struct Reader<'input> {
    file: &'input str,
    /// The length of each line in characters.
    lines: Vec<usize>,
    open: Vec<Open>,
    root: Option<Node>,
    anchors: BTreeMap<usize, Node>,
    count: usize,
    documents: usize,
    findings: Vec<Finding>,
}

impl Reader<'_> {
    /// Takes the next event; an error ends the reading.
    fn take(&mut self, event: Event<'_>, start: Marker, end: Marker) -> Result<(), Finding> {
        let span = self.span(start, end);
        if let Some(tag) = event.tag()
            && !tag.is_yaml_core_schema_tag("str")
        {
            self.findings.push(
                Finding::error("runbook/tag", "tags are not read in a runbook")
                    .at(span.place(self.file))
                    .help("leave the tag out"),
            );
        }
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(
                        Finding::error("runbook/documents", "the file holds more than one document")
                            .at(span.place(self.file))
                            .help("give each runbook a file of its own"),
                    );
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let style = if tag.is_some() {
                    ScalarStyle::DoubleQuoted
                } else {
                    style
                };
                let text = text.into_owned();
                self.close(Value::Scalar(Scalar { text, style }), span, anchor)?;
            }
            Event::SequenceStart(_, anchor, _) => self.start(false, anchor, start)?,
            Event::MappingStart(_, anchor, _) => self.start(true, anchor, start)?,
            Event::SequenceEnd | Event::MappingEnd => self.end(end)?,
            Event::Alias(anchor) => self.alias(anchor, span)?,
            _ => {}
        }
        Ok(())
    }

    /// Puts what an alias stands for in its place.
    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Finding> {
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            return Err(
                Finding::error("runbook/syntax", "the alias stands inside what it names").at(span.place(self.file)),
            );
        };
        self.count += size(&node);
        self.close(node.value, span, 0)
    }

    fn start(&mut self, is_map: bool, anchor: usize, start: Marker) -> Result<(), Finding> {
        if self.open.len() >= DEEPEST {
            return Err(
                Finding::error("runbook/syntax", "the file is nested deeper than any runbook needs")
                    .at(self.span(start, start).place(self.file)),
            );
        }
        self.open.push(Open {
            nodes: Vec::new(),
            is_map,
            anchor,
            start,
        });
        Ok(())
    }

    fn end(&mut self, end: Marker) -> Result<(), Finding> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let span = self.span(open.start, end);
        let value = if open.is_map {
            Value::Map(self.entries(open.nodes))
        } else {
            Value::List(open.nodes)
        };
        self.close(value, span, open.anchor)
    }

    /// Pairs keys and values. A key that is no single value is a finding, and left out.
    fn entries(&mut self, nodes: Vec<Node>) -> Vec<Entry> {
        let mut entries = Vec::with_capacity(nodes.len() / 2);
        let mut nodes = nodes.into_iter();
        while let (Some(key), Some(value)) = (nodes.next(), nodes.next()) {
            match key.value {
                Value::Scalar(scalar) => entries.push(Entry {
                    key: scalar.text,
                    span: key.span,
                    value,
                }),
                _ => self.findings.push(
                    Finding::error("runbook/key", format!("a key is a word, here it is {}", key.describe()))
                        .at(key.span.place(self.file)),
                ),
            }
        }
        entries
    }

    /// Adds a whole value to the collection that is open, or makes it the root.
    fn close(&mut self, value: Value, span: Span, anchor: usize) -> Result<(), Finding> {
        self.count += 1;
        if self.count > MOST {
            return Err(
                Finding::error("runbook/syntax", "the file holds more values than any runbook needs")
                    .at(span.place(self.file)),
            );
        }
        let node = Node { value, span };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            Some(open) => open.nodes.push(node),
            // A document that is only a comment is read as one that holds nothing.
            None if matches!(&node.value, Value::Scalar(scalar) if scalar.text.is_empty()) => {}
            None => self.root = Some(node),
        }
        Ok(())
    }

    /// Returns the finding for what is no YAML.
    fn syntax(&self, text: &str, error: &granit_parser::ScanError) -> Finding {
        let tab = text.lines().enumerate().find_map(|(index, line)| {
            let indent = line.len() - line.trim_start().len();
            let column = line[..indent].chars().position(|character| character == '\t')?;
            Some((index + 1, column + 1))
        });
        if let Some((line, column)) = tab
            && line <= error.marker().line()
        {
            let span = Span {
                line,
                column,
                length: 1,
                last: line,
            };
            return Finding::error("runbook/tab", "a tab in the indentation")
                .at(span.place(self.file))
                .help("YAML is indented by spaces");
        }
        Finding::error("runbook/syntax", error.kind().to_string())
            .at(self.span(*error.marker(), *error.marker()).place(self.file))
    }

    /// Returns where something is. Kept inside the text: the end of a file is a place on its last line.
    fn span(&self, start: Marker, end: Marker) -> Span {
        let last_line = self.lines.len().max(1);
        let width = |line: usize| self.lines.get(line - 1).copied().unwrap_or(0);
        let line = start.line().clamp(1, last_line);
        let column = if start.line() > last_line {
            width(line)
        } else {
            start.col().min(width(line))
        };
        let stop = if end.line() == start.line() {
            end.col().min(width(line))
        } else {
            width(line)
        };
        // An end at the start of a line is that of a block, whose last line is the one before.
        let last = if end.col() == 0 {
            end.line().saturating_sub(1)
        } else {
            end.line()
        };
        Span {
            line,
            column: column + 1,
            length: stop.saturating_sub(column),
            last: last.clamp(line, last_line),
        }
    }
}

/// Returns how many values a node holds, itself included.
fn size(node: &Node) -> usize {
    match &node.value {
        Value::Scalar(_) => 1,
        Value::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Map(entries) => 1 + entries.iter().map(|entry| 1 + size(&entry.value)).sum::<usize>(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(node: &Node, out: &mut Vec<(String, usize, usize, usize)>) {
        let mut push = |what: String, span: Span| out.push((what, span.line, span.column, span.length));
        match &node.value {
            Value::Scalar(scalar) => push(scalar.text.clone(), node.span),
            Value::List(items) => {
                push("[]".into(), node.span);
                for item in items {
                    spans(item, out);
                }
            }
            Value::Map(entries) => {
                push("{}".into(), node.span);
                for entry in entries {
                    out.push((entry.key.clone(), entry.span.line, entry.span.column, entry.span.length));
                    spans(&entry.value, out);
                }
            }
        }
    }

    #[test]
    fn every_key_and_value_knows_its_place() {
        let text = "ä: \"x y\"\nlist:\n  - {ö: 1, b: [c]}\n  - &d word\n  - *d\nd: |\n  one\n  two\ne:\n";
        let (node, findings) = read("a.yaml", text);
        assert_eq!(findings, []);
        let mut found = Vec::new();
        spans(&node.unwrap(), &mut found);
        let found: Vec<_> = found
            .iter()
            .map(|(what, line, column, length)| (what.as_str(), *line, *column, *length))
            .collect();
        insta::assert_debug_snapshot!(found);
    }
}
