//! Texts that are Go templates and no chart's: rendered by Helm, whose engine is Go's own.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Error, Form, Options};
use crate::exec;
use crate::redact::Redactor;
use crate::yaml;

/// A chart that renders each of its texts with its own parameters, and writes what comes of each in a form that no text can break.
const ALL: &str = "apiVersion: v1\nkind: Texts\ntexts:\n{{- range .Values.texts }}\n- {{ tpl .text (fromJson .parameters) | b64enc | quote }}\n{{- end }}\n";

/// Renders texts, each with its parameters (a JSON object), by one run of Helm. They may use the templates of `definitions`.
///
/// One that cannot be rendered is an error of them all, in Helm's words.
pub async fn templates(
    texts: &[(&str, &str)],
    definitions: &str,
    options: &Options,
    redactor: &Redactor,
) -> Result<Vec<String>, Error> {
    let folder = tempfile::tempdir().map_err(|source| unwritable(&std::env::temp_dir(), source))?;
    let root = folder.path();
    let texts: Vec<_> = texts
        .iter()
        .map(|(text, parameters)| json!({"text": text, "parameters": parameters}))
        .collect();
    let files = [
        ("Chart.yaml", "apiVersion: v2\nname: texts\nversion: 0.0.0\n".to_owned()),
        ("values.yaml", json!({"texts": texts}).to_string()),
        ("templates/_definitions.tpl", definitions.to_owned()),
        ("templates/texts.yaml", ALL.to_owned()),
    ];
    let folder = root.join("templates");
    fs::create_dir(&folder).map_err(|source| unwritable(&folder, source))?;
    for (name, text) in files {
        let file = root.join(name);
        fs::write(&file, text).map_err(|source| unwritable(&file, source))?;
    }
    let output = options
        .program("helm", root, root, redactor)
        .args(["template", "texts", "."])
        .run()
        .await
        .map_err(|error| match error {
            exec::Error::Start { .. } => {
                Error::NoProgram("a set with `goTemplate`".to_owned(), Form::Helm, "helm is not")
            }
            source => Error::Program {
                path: "a Go template".to_owned(),
                form: Form::Helm,
                source,
            },
        })?;
    let written = String::from_utf8_lossy(&output);
    let documents = yaml::documents(&written)
        .into_iter()
        .filter_map(|document| document.values.ok());
    let all: Vec<Value> = documents.flatten().collect();
    let rendered = all
        .iter()
        .flat_map(|value| value["texts"].as_array().into_iter().flatten());
    Ok(rendered.filter_map(decoded).collect())
}

fn decoded(text: &Value) -> Option<String> {
    String::from_utf8(STANDARD.decode(text.as_str()?).ok()?).ok()
}

fn unwritable(path: &Path, source: std::io::Error) -> Error {
    Error::Unreadable {
        path: path.to_owned(),
        source,
    }
}
