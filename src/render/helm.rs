//! Runs Helm.

use std::path::Path;

use super::collect::Collection;
use super::{Error, Form, Options, form};
use crate::exec;
use crate::finding::{Finding, Severity};
use crate::object::{Manifest, Origin};
use crate::redact::Redactor;

/// The annotation that makes an object a hook.
const HOOK: &str = "/metadata/annotations/helm.sh~1hook";

/// Renders the chart at `path`, CRDs included, tests left out. Nothing is downloaded: charts that it needs are in its folder.
///
/// Returns its hooks apart. Helm runs them around an install and they are no part of what is installed: a hook that is
/// applied with the rest and stays would be pruned, or run again, by an agent that manages the chart. Which of them a
/// recovery needs is for the caller to say.
pub(super) async fn template(
    root: &Path,
    path: &str,
    options: &Options,
    redactor: &Redactor,
    collection: &mut Collection,
) -> Result<Vec<Manifest>, Error> {
    let home = tempfile::tempdir().map_err(|source| Error::Unreadable {
        path: std::env::temp_dir(),
        source,
    })?;
    let mut args = vec![
        "template".to_owned(),
        "--include-crds".to_owned(),
        "--skip-tests".to_owned(),
    ];
    args.push(format!("--namespace={}", options.namespace));
    for values in &options.values {
        let values = format!("{path}/{values}");
        form::locate(root, &values)?;
        // Helm reads a list here, with commas between and quotes around what holds one.
        args.push(format!("--values=\"./{}\"", values.replace('"', "\"\"")));
    }
    if let Some(version) = &options.kube_version {
        args.push(format!("--kube-version={version}"));
    }
    args.extend(["--".to_owned(), options.release.clone(), format!("./{path}")]);
    let mut helm = options.program("helm", root, home.path(), redactor).args(args);
    for (name, folder) in [
        ("HELM_CACHE_HOME", "cache"),
        ("HELM_CONFIG_HOME", "config"),
        ("HELM_DATA_HOME", "data"),
    ] {
        helm = helm.env(name, home.path().join(folder));
    }
    let output = helm.run().await.map_err(|error| explain(path, error))?;
    collection.yaml(&String::from_utf8_lossy(&output), |document, _| Origin {
        file: source(path, document),
        line: 0,
    });
    let (hooks, manifests): (Vec<_>, Vec<_>) = std::mem::take(&mut collection.manifests)
        .into_iter()
        .partition(|manifest| !manifest.text(HOOK).is_empty());
    collection.manifests = manifests;
    if !hooks.is_empty() {
        let names: Vec<_> = hooks
            .iter()
            .map(|hook| format!("{} ({})", hook.id(), hook.text(HOOK)))
            .collect();
        let message = format!("the chart's hooks are kept apart: {}", names.join(", "));
        collection.findings.push(Finding {
            severity: Severity::Note,
            ..Finding::warning("render/hooks", message)
        });
    }
    Ok(hooks)
}

/// Returns the template that a document is from, which Helm writes above it with the chart's name in front.
pub(super) fn source(path: &str, document: &str) -> String {
    document
        .lines()
        .find_map(|line| line.strip_prefix("# Source: "))
        .and_then(|source| source.split_once('/'))
        .map_or_else(|| path.to_owned(), |(_, template)| form::within(path, template))
}

fn explain(path: &str, error: exec::Error) -> Error {
    let said = error.to_string();
    if matches!(error, exec::Error::Start { .. }) {
        return Error::NoProgram(path.to_owned(), Form::Helm, "helm is not");
    }
    match said.split_once("missing in charts/ directory:") {
        Some((_, missing)) => Error::NoDependency {
            path: path.to_owned(),
            missing: missing.lines().next().unwrap_or_default().trim().to_owned(),
        },
        None => Error::Program {
            path: path.to_owned(),
            form: Form::Helm,
            source: error,
        },
    }
}
