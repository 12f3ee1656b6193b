//! Gathers documents as manifests and notes what is wrong with each.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Error;
use super::turn::{Halt, Turn};
use crate::finding::{Finding, Place};
use crate::object::{Manifest, ObjectRef, Origin};
use crate::yaml;

/// What was gathered so far.
#[derive(Default)]
pub(super) struct Collection {
    pub(super) manifests: Vec<Manifest>,
    pub(super) findings: Vec<Finding>,
    /// Whether a chart in it asks which kinds the cluster serves.
    pub(super) asks: bool,
    /// Whether an object without a name is taken by the beginning of its name, which Argo CD completes when it makes it.
    generates_names: bool,
}

impl Collection {
    /// Makes one that takes objects as Argo CD does.
    pub(super) fn as_agent() -> Self {
        Self {
            generates_names: true,
            ..Self::default()
        }
    }

    /// Takes what a program wrote.
    pub(super) async fn written(
        &mut self,
        turn: &Turn<'_>,
        output: Vec<u8>,
        origin: impl Fn(&str, usize) -> Origin + Send + 'static,
    ) -> Result<(), Error> {
        let mut taken = Self {
            generates_names: self.generates_names,
            ..Self::default()
        };
        let taken = turn.aside(move |halt| {
            taken.yaml(&String::from_utf8_lossy(&output), halt, origin)?;
            Ok(taken)
        });
        self.append(taken.await?);
        Ok(())
    }

    /// Takes all documents of a YAML text. `origin` says where one of them is from, by its text and line.
    pub(super) fn yaml(
        &mut self,
        text: &str,
        halt: &Halt,
        origin: impl Fn(&str, usize) -> Origin,
    ) -> Result<(), Error> {
        for document in yaml::each(text.trim_start_matches('\u{feff}')) {
            halt.check()?;
            let origin = origin(document.text, document.line);
            self.document(document, &origin);
        }
        Ok(())
    }

    /// Takes what a YAML document says, or what is wrong with it.
    pub(super) fn document(&mut self, document: yaml::Document<'_>, origin: &Origin) {
        match document.values {
            Ok(values) => values.into_iter().for_each(|value| self.value(value, origin)),
            Err(error) => self
                .findings
                .push(Finding::error("render/not-yaml", error.message).at(place(
                    &origin.file,
                    error.line,
                    error.column,
                ))),
        }
    }

    /// Takes all that another one gathered after this.
    pub(super) fn append(&mut self, mut other: Self) {
        self.manifests.append(&mut other.manifests);
        self.findings.append(&mut other.findings);
        self.asks |= other.asks;
    }

    /// Takes a JSON text.
    pub(super) fn json(&mut self, text: &str, file: &str) {
        match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
            Ok(value) => {
                let origin = Origin {
                    file: file.to_owned(),
                    line: 1,
                };
                self.value(value, &origin);
            }
            Err(error) => {
                // The words of this error end with the place, which is said by its own field.
                let message = error.to_string();
                let message = message.split(" at line ").next().unwrap_or_default();
                self.findings.push(Finding::error("render/not-json", message).at(place(
                    file,
                    error.line(),
                    error.column(),
                )));
            }
        }
    }

    /// Takes one document; a `List` gives its items.
    pub(super) fn value(&mut self, mut value: Value, origin: &Origin) {
        if self.generates_names {
            named(&mut value);
        }
        let items = match Manifest::new(value, origin.clone()) {
            Ok(manifest) => manifest.items(),
            Err(error) => vec![Err(error)],
        };
        for item in items {
            match item {
                Ok(manifest) => self.manifests.push(manifest),
                Err(error) => self.findings.push(
                    Finding::error("render/not-an-object", error.to_string())
                        .at(place(&origin.file, origin.line, 1))
                        .help("every document is a Kubernetes object with `apiVersion`, `kind` and `metadata.name`"),
                ),
            }
        }
    }

    /// Keeps the last of objects that are there more than once, as Argo CD does (`DeduplicateTargetObjects`).
    pub(super) fn keep_the_last(&mut self) {
        let mut last: BTreeMap<ObjectRef, usize> = BTreeMap::new();
        for (index, manifest) in self.manifests.iter().enumerate() {
            // Two that get their names when they are made are two.
            if manifest.value().pointer("/metadata/generateName").is_none() {
                last.insert(manifest.id(), index);
            }
        }
        let mut index = 0;
        let findings = &mut self.findings;
        self.manifests.retain(|manifest| {
            index += 1;
            if last.get(&manifest.id()).is_none_or(|last| *last == index - 1) {
                return true;
            }
            let Origin { file, line } = manifest.origin();
            let message = format!("{} is there more than once; the last is taken", manifest.id());
            findings.push(
                Finding::warning("render/duplicate", message)
                    .at(place(file, *line, 1))
                    .help("keep one of them"),
            );
            false
        });
    }

    /// Notes objects that are there more than once.
    pub(super) fn find_duplicates(&mut self) {
        let mut first: BTreeMap<ObjectRef, &Manifest> = BTreeMap::new();
        let mut findings = Vec::new();
        for manifest in &self.manifests {
            let Some(earlier) = first.get(&manifest.id()) else {
                first.insert(manifest.id(), manifest);
                continue;
            };
            let Origin { file, line } = earlier.origin();
            let before = if *line > 0 {
                format!("{file}:{line}")
            } else {
                file.clone()
            };
            let message = format!("{} is there more than once; before in {before}", manifest.id());
            let finding = if earlier.value() == manifest.value() {
                Finding::warning("render/duplicate", message)
            } else {
                Finding::error("render/duplicate", format!("{message}, and not the same"))
            };
            let Origin { file, line } = manifest.origin();
            findings.push(finding.at(place(file, *line, 1)).help("keep one of them"));
        }
        self.findings.append(&mut findings);
    }
}

/// Gives an object, and the items of a list, the beginning of its name for a name where it has none.
fn named(value: &mut Value) {
    if let Some(Value::Array(items)) = value.get_mut("items") {
        items.iter_mut().for_each(named);
    }
    let Some(Value::Object(metadata)) = value.get_mut("metadata") else {
        return;
    };
    let is_nameless = metadata
        .get("name")
        .is_none_or(|name| name.as_str().is_some_and(str::is_empty));
    if let Some(beginning) = metadata.get("generateName").filter(|_| is_nameless).cloned() {
        metadata.insert("name".to_owned(), beginning);
    }
}

/// A place of which only the start is known; the first line and column where not even that is.
pub(super) fn place(file: &str, line: usize, column: usize) -> Place {
    Place {
        file: file.to_owned(),
        line: line.max(1),
        column: column.max(1),
        length: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect(text: &str) -> Collection {
        let mut collection = Collection::default();
        let origin = |_: &str, line| Origin {
            file: "a.yaml".to_owned(),
            line,
        };
        collection.yaml(text, &Halt::default(), origin).unwrap();
        collection.find_duplicates();
        collection
    }

    fn namespace(name: &str, more: &str) -> String {
        format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}{more}}}\n")
    }

    #[test]
    fn every_bad_document_is_found_with_its_line() {
        let text = format!(
            "{}---\na: [\n---\njust text\n---\nkind: Namespace\n",
            namespace("a", "")
        );
        let found = collect(&text);
        assert_eq!(found.manifests.len(), 1);
        let rules: Vec<_> = found.findings.iter().map(|finding| finding.rule).collect();
        assert_eq!(
            rules,
            ["render/not-yaml", "render/not-an-object", "render/not-an-object"]
        );
        let lines: Vec<_> = found
            .findings
            .iter()
            .map(|finding| finding.place.as_ref().unwrap().line)
            .collect();
        assert!((5..=7).contains(&lines[0]), "{lines:?}");
        assert_eq!(lines[1..], [7, 9]);
    }

    #[test]
    fn lists_are_flattened() {
        let text = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Namespace, metadata: {name: a}}\n- {kind: x}\n";
        let found = collect(text);
        assert_eq!((found.manifests.len(), found.findings.len()), (1, 1));
    }

    #[test]
    fn an_object_that_is_there_twice_is_found() {
        let same = collect(&format!("{0}---\n{0}", namespace("a", "")));
        assert_eq!(
            same.findings[0].message,
            "Namespace a is there more than once; before in a.yaml:1"
        );
        assert_eq!(same.findings[0].severity, crate::finding::Severity::Warning);
        let other = collect(&format!(
            "{}---\n{}",
            namespace("a", ""),
            namespace("a", ", labels: {x: y}")
        ));
        assert_eq!(other.findings[0].severity, crate::finding::Severity::Error);
        assert_eq!(other.findings[0].place.as_ref().unwrap().line, 5);
        assert!(
            collect(&format!("{}---\n{}", namespace("a", ""), namespace("b", "")))
                .findings
                .is_empty()
        );
    }
}
