//! The two dialects of YAML that are read here, each set once: a runbook's, and a Kubernetes manifest's.
//!
//! A runbook is YAML 1.2: `yes` and `on` are words. A manifest is read as kubectl reads it: `yes` is true, `0777` is 511,
//! and a whole number written as `1.0` is a number without a fraction. Errors carry a place but never quote the text,
//! since a file may hold a secret.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_saphyr::{DuplicateKeyPolicy, Options};

/// Why a text is not the YAML that was expected.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What is wrong, without quoting the text.
    pub message: String,
    /// The line, counted from 1; 0 where it is unknown.
    pub line: usize,
    /// The column in characters, counted from 1; 0 where it is unknown.
    pub column: usize,
}

impl From<serde_saphyr::Error> for Error {
    fn from(error: serde_saphyr::Error) -> Self {
        let error = error.without_snippet();
        let (line, column) = error.location().map_or((0, 0), |place| {
            (
                usize::try_from(place.line()).unwrap_or(0),
                usize::try_from(place.column()).unwrap_or(0),
            )
        });
        Self {
            message: told(&error.to_string()),
            line,
            column,
        }
    }
}

const NESTED: &str = "it is nested too deep";

/// Says what is wrong in words of ours where the parser speaks of its own bounds.
fn told(said: &str) -> String {
    if said.contains("recursion limit exceeded") {
        return NESTED.to_owned();
    }
    if !said.contains("budget breached") {
        return said.to_owned();
    }
    let which = if said.contains("nchor") || said.contains("lias") {
        "its aliases (`*name`) repeat too much: written out it would have more than a million values, which the agent refuses too"
    } else if said.contains("epth") {
        NESTED
    } else {
        "it is larger than what is read"
    };
    which.to_owned()
}

/// Reads a runbook: YAML 1.2 booleans, duplicate keys refused.
pub fn runbook<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
    Ok(serde_saphyr::from_str_with_options(text, options)?)
}

/// One document of a manifest file.
#[derive(Debug)]
pub struct Document<'text> {
    /// The line of its first key, counted from 1.
    pub line: usize,
    /// Its text, comments included.
    pub text: &'text str,
    /// What it says; more than one value where a marker was not recognised as such.
    pub values: Result<Vec<Value>, Error>,
}

/// Reads the documents of a manifest file as kubectl would, each for itself: one that is broken does not hide the others.
/// Empty documents are left out.
pub fn documents(text: &str) -> Vec<Document<'_>> {
    each(text).collect()
}

/// Reads them as [`documents`] does, one by one: each is read when it is asked for.
pub fn each(text: &str) -> impl Iterator<Item = Document<'_>> {
    split(text)
        .into_iter()
        .filter_map(|(start, text)| document(start, text))
}

fn document(start: usize, text: &str) -> Option<Document<'_>> {
    let values = values(text).map_err(|error| Error {
        line: error.line.max(1) + start - 1,
        // The place that the parser names is one of the document, and its own field has that of the file.
        message: error.message.split(" at line ").next().unwrap_or_default().to_owned(),
        ..error
    });
    let values = values.map(|mut values| {
        values.retain(|value| !value.is_null());
        values.iter_mut().for_each(whole_numbers);
        values
    });
    if values.as_ref().is_ok_and(Vec::is_empty) {
        return None;
    }
    let before_first_key = text
        .lines()
        .take_while(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
        .count();
    Some(Document {
        line: start + before_first_key,
        text,
        values,
    })
}

/// How many lines of a document may be out of place in this way.
const OUT_OF_PLACE: usize = 1_000;
/// How many bytes are read anew for them, since each has the document read from its top.
const READ_ANEW: usize = 32_000_000;

/// Reads a document.
///
/// A quoted text that goes on at the indent of its key is not YAML, and Go's reader, by which kubectl and Argo CD read, lets it pass:
/// real platforms hold such. What such a line is indented by is no part of the text, so it is indented by more.
fn values(text: &str) -> Result<Vec<Value>, Error> {
    let read = |text: &str| serde_saphyr::from_multiple_with_options(text, manifest_options()).map_err(Error::from);
    let mut error = match read(text) {
        Ok(values) => return Ok(values),
        Err(error) => error,
    };
    let mut lines: Vec<Cow<'_, str>> = text.split_inclusive('\n').map(Cow::Borrowed).collect();
    for _ in 0..OUT_OF_PLACE.min(READ_ANEW / text.len().max(1)) {
        let line = error.line.checked_sub(1).and_then(|index| lines.get_mut(index));
        let Some(line) = line.filter(|line| error.message.contains(QUOTED) && !line.starts_with(INDENT)) else {
            return Err(error);
        };
        *line = Cow::Owned(format!("{INDENT}{line}"));
        error = match read(&lines.concat()) {
            Ok(values) => return Ok(values),
            Err(error) => error,
        };
    }
    Err(error)
}

/// How the parser says that a quoted text goes on too far to the left.
const QUOTED: &str = "indentation in multiline quoted scalar";

/// More than any key is indented by.
const INDENT: &str = "                                                                ";

/// Reads the documents of a manifest file as kubectl would; empty documents are left out.
///
/// Returns each with the line of its first key. The first broken document is the error; see [`documents`] for all.
pub fn manifests(text: &str) -> Result<Vec<(usize, Value)>, Error> {
    let mut all = Vec::new();
    for document in documents(text) {
        all.extend(document.values?.into_iter().map(|value| (document.line, value)));
    }
    Ok(all)
}

/// Writes a value so that kubectl reads back the same.
pub fn write(value: &Value) -> Result<String, Error> {
    serde_saphyr::to_string(value).map_err(|error| Error {
        message: error.to_string(),
        line: 0,
        column: 0,
    })
}

fn manifest_options() -> Options {
    serde_saphyr::options! {
        strict_booleans: false,
        legacy_octal_numbers: true,
        with_snippet: false,
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        // The parser's own budget breaks at document 1,025; a rendered platform is larger.
        budget: serde_saphyr::budget! {
            max_documents: 1_000_000,
            max_nodes: 50_000_000,
            max_events: 100_000_000,
            max_total_scalar_bytes: 1 << 30,
            max_depth: 200,
        },
    }
}

/// Splits at document markers; returns each document with the line on which it starts.
fn split(text: &str) -> Vec<(usize, &str)> {
    let mut documents = Vec::new();
    let (mut line, mut start, mut offset) = (1, 0, 0);
    for (index, written) in text.split_inclusive('\n').enumerate() {
        let end = offset;
        offset += written.len();
        // A marker at the start of a line is never part of a block scalar of a manifest: those are indented.
        if written.trim_end() == "---" || written.starts_with("--- #") {
            documents.push((line, &text[start..end]));
            (line, start) = (index + 2, offset);
        }
    }
    documents.push((line, &text[start..]));
    documents
}

/// Turns numbers such as `1.0` into `1`, as the server would.
fn whole_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(float) = number.as_f64().filter(|_| number.is_f64())
                && float.fract() == 0.0
                && float.abs() < 9_007_199_254_740_992.0
            {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "the fraction is zero and the size was checked"
                )]
                let whole = float as i64;
                *value = whole.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(whole_numbers),
        Value::Object(fields) => fields.values_mut().for_each(whole_numbers),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn manifests_are_read_as_kubectl_reads_them() {
        let text = "# a comment\n---\na: yes\nb: 0777\nc: 1.0\n---\n---\nd: on\n";
        assert_eq!(
            manifests(text).unwrap(),
            vec![(3, json!({"a": true, "b": 511, "c": 1})), (8, json!({"d": true}))]
        );
    }

    #[test]
    fn a_marker_takes_nothing_of_the_document_before_it() {
        for end in ["\n", "\r\n"] {
            let text = [
                "a: |",
                "  -----END CERTIFICATE-----",
                "---",
                "b: 1---",
                "--- # c",
                "c: 1",
            ]
            .join(end);
            let values: Vec<_> = manifests(&text).unwrap().into_iter().map(|(_, value)| value).collect();
            let certificate = "-----END CERTIFICATE-----\n";
            assert_eq!(
                values,
                [json!({"a": certificate}), json!({"b": "1---"}), json!({"c": 1})]
            );
        }
    }

    #[test]
    fn a_quoted_text_may_go_on_at_the_indent_of_its_key_as_it_may_for_kubectl() {
        let text = "a: 1\n---\nstatus:\n  said: '0/3 are available: they didn''t match\n  the constraint.\n\n  No.'\n  other: \"one\\\n  two\n  three\"\n";
        let said = "0/3 are available: they didn't match the constraint.\nNo.";
        assert_eq!(
            manifests(text).unwrap()[1],
            (3, json!({"status": {"said": said, "other": "onetwo three"}}))
        );
        // What is wrong besides is told where it is.
        let error = manifests("a: 'one\ntwo'\nb: [\n").unwrap_err();
        assert_eq!(error.line, 3, "{error:?}");
        assert!(manifests("a: 'one\ntwo\n").is_err());
    }

    #[test]
    fn a_runbook_keeps_its_words() {
        let value: Value = runbook("a: yes\nb: on\n").unwrap();
        assert_eq!(value, json!({"a": "yes", "b": "on"}));
    }

    #[test]
    fn a_broken_document_does_not_hide_the_others() {
        let documents = documents("a: [\n---\n# about b\nb: 1\n---\nc: ]\n");
        let found: Vec<_> = documents
            .iter()
            .map(|document| (document.line, document.values.is_ok()))
            .collect();
        assert_eq!(found, [(1, false), (4, true), (6, false)]);
    }

    #[test]
    fn an_error_has_the_line_of_the_file_and_quotes_nothing() {
        let error = manifests("a: 1\n---\nb: [hunter2hunter2\nc: 1\n").unwrap_err();
        assert!(error.line >= 3, "{error:?}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn what_is_too_much_is_told_in_words_that_a_person_knows() {
        let nested = format!("a: {}{}\n", "[".repeat(300), "]".repeat(300));
        let mut repeated = "a: &a [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for (before, next) in ["a", "b", "c", "d", "e", "f", "g"]
            .iter()
            .zip(["b", "c", "d", "e", "f", "g", "h"])
        {
            let all = vec![format!("*{before}"); 10].join(",");
            repeated.extend([next, ": &", next, " [", &all, "]\n"]);
        }
        for (text, words) in [(nested, "nested too deep"), (repeated, "repeat too much")] {
            let error = manifests(&text).unwrap_err();
            assert!(error.message.contains(words) && error.line > 0, "{error:?}");
        }
    }

    #[test]
    fn a_large_document_is_not_read_a_thousand_times_for_its_lines_that_are_out_of_place() {
        let line = "a: 'one\ntwo'\n";
        assert!(manifests(&line.replace('a', "b").repeat(20)).is_ok());
        let large = format!(
            "x: {}\n{}",
            "x".repeat(READ_ANEW / 10),
            line.replace('a', "b").repeat(20)
        );
        assert!(manifests(&large).is_err());
    }
}
