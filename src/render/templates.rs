//! Texts that are Go templates and no chart's: rendered by Helm, whose engine is Go's own.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Error, Form, Renderer};
use crate::yaml;

/// A chart that renders each of its texts with its own parameters, and writes what comes of each in a form that no text can break.
const ALL: &str = "apiVersion: v1\nkind: Texts\ntexts:\n{{- range .Values.texts }}\n- {{ tpl .text (fromJson .parameters) | b64enc | quote }}\n{{- end }}\n";

/// Renders texts, each with its parameters (a JSON object), by one run of Helm in a place and in the bounds of the renderer. They may use the templates of `definitions`.
///
/// One that cannot be rendered is an error of them all, in Helm's words.
pub async fn templates(texts: &[(&str, &str)], definitions: &str, renderer: &Renderer) -> Result<Vec<String>, Error> {
    let no_program = || Error::NoProgram("a set with `goTemplate`".to_owned(), Form::Helm, "helm is not");
    let helm = renderer.settings.find("helm").ok_or_else(no_program)?;
    let _turn = renderer.turn().await;
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
    let output = renderer
        .program(&helm, root, root)
        .args(["template", "texts", "."])
        .run()
        .await
        .map_err(|source| Error::Program {
            path: "a Go template".to_owned(),
            form: Form::Helm,
            source,
        })?;
    let written = String::from_utf8_lossy(&output);
    let documents = yaml::documents(&written)
        .into_iter()
        .filter_map(|document| document.values.ok());
    let all: Vec<Value> = documents.flatten().collect();
    let found = all
        .iter()
        .flat_map(|value| value["texts"].as_array().into_iter().flatten());
    Ok(found.filter_map(decoded).collect())
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::Duration;

    use super::*;
    use crate::redact::Redactor;
    use crate::render::Settings;

    /// A renderer with one place and little memory, whose Helm is a script.
    fn renderer(folder: &Path, script: &str) -> Renderer {
        let helm = folder.join("helm");
        fs::write(&helm, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&helm, fs::Permissions::from_mode(0o755)).unwrap();
        let settings = Settings {
            programs: Some(folder.into()),
            memory: 64_000_000,
            at_once: 1,
            limit: Duration::from_secs(20),
            ..Settings::default()
        };
        Renderer::new(settings, &Redactor::default())
    }

    #[tokio::test]
    async fn a_template_gets_no_more_memory_than_a_source() {
        let folder = tempfile::tempdir().unwrap();
        // The bound is set when it has started already. In units of 1,024 bytes.
        let script = "until [ $(ulimit -d) = 62500 ]; do :; done; echo 'texts: [YQ==]'";
        let found = templates(&[("a", "{}")], "", &renderer(folder.path(), script)).await;
        assert_eq!(found.unwrap(), ["a"]);
    }

    #[tokio::test]
    async fn templates_of_sets_take_the_places_of_sources() {
        let folder = tempfile::tempdir().unwrap();
        let lock = folder.path().join("lock");
        let script = format!(
            "/bin/mkdir {lock} || exit 1\n/bin/sleep 0.3\n/bin/rmdir {lock}\necho 'texts: [YQ==]'",
            lock = lock.display()
        );
        let renderer = renderer(folder.path(), &script);
        let one = || templates(&[("a", "{}")], "", &renderer);
        let (first, second) = tokio::join!(one(), one());
        assert_eq!(
            (first.unwrap(), second.unwrap()),
            (vec!["a".to_owned()], vec!["a".to_owned()])
        );
    }
}
