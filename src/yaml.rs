//! The two dialects of YAML that are read here, each set once: a runbook's, and a Kubernetes manifest's.
//!
//! A runbook is YAML 1.2: `yes` and `on` are words. A manifest is read as kubectl reads it: `yes` is true, `0777` is 511,
//! and a whole number written as `1.0` is a number without a fraction. Errors carry a place but never quote the text,
//! since a file may hold a secret.

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
            message: error.to_string(),
            line,
            column,
        }
    }
}

/// Reads a runbook: YAML 1.2 booleans, duplicate keys refused.
#[expect(clippy::disallowed_methods, reason = "this is the wrapper that sets the dialect")]
pub fn runbook<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
    Ok(serde_saphyr::from_str_with_options(text, options)?)
}

/// Reads the documents of a manifest file as kubectl would; empty documents are left out.
///
/// Returns each with the line on which its document starts.
pub fn manifests(text: &str) -> Result<Vec<(usize, Value)>, Error> {
    let mut documents = Vec::new();
    for (line, document) in split(text) {
        let mut values: Vec<Value> =
            serde_saphyr::from_multiple_with_options(document, manifest_options()).map_err(|error| {
                let error = Error::from(error);
                Error {
                    line: error.line + line - 1,
                    ..error
                }
            })?;
        values.retain(|value| !value.is_null());
        documents.extend(values.into_iter().map(|mut value| {
            whole_numbers(&mut value);
            (line, value)
        }));
    }
    Ok(documents)
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

/// Splits at document markers, so that each document keeps the line on which its first key stands.
fn split(text: &str) -> Vec<(usize, &str)> {
    let mut starts = vec![(1, 0)];
    let mut offset = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        offset += line.len();
        // A marker at the start of a line is never part of a block scalar of a manifest: those are indented.
        if line.trim_end() == "---" || line.starts_with("--- #") {
            starts.push((index + 2, offset));
        }
    }
    let ends = starts.iter().skip(1).map(|(_, start)| *start).chain([text.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|((line, start), end)| {
            (
                *line,
                text[*start..end].trim_end_matches("---\n").trim_end_matches("---"),
            )
        })
        .collect()
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
    fn a_runbook_keeps_its_words() {
        let value: Value = runbook("a: yes\nb: on\n").unwrap();
        assert_eq!(value, json!({"a": "yes", "b": "on"}));
    }

    #[test]
    fn an_error_has_the_line_of_the_file_and_quotes_nothing() {
        let error = manifests("a: 1\n---\nb: [hunter2hunter2\nc: 1\n").unwrap_err();
        assert!(error.line >= 3, "{error:?}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
