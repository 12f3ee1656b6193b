//! A repository on disk and what renders it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use gitops_dr::recipe::{Environment, Tool};
use gitops_dr::redact::Redactor;
use gitops_dr::render::{Checkout, Cluster, Error, From, Job, Rendered, Renderer, Settings};
use serde_json::Value;
use tempfile::TempDir;
use testbed::Programs;

/// Lays files out in a folder.
pub(super) fn repository(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = root.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    root
}

/// With the real programs.
pub(super) fn settings() -> Settings {
    Settings {
        programs: Some(Programs::find().unwrap().bin().as_os_str().to_owned()),
        ..Settings::default()
    }
}

pub(super) fn checkout(root: &Path) -> Checkout {
    Checkout {
        directory: root.to_owned(),
        commit: String::new(),
    }
}

/// The app `shop` in the namespace `web`, with what a source of an Application says.
pub(super) fn job(root: &Path, path: &str, tool: Option<Tool>) -> Job {
    Job {
        from: From::Folder {
            checkout: checkout(root),
            path: path.to_owned(),
        },
        tool,
        name: "shop".to_owned(),
        namespace: "web".to_owned(),
        environment: [("ARGOCD_APP_NAME", "shop"), ("ARGOCD_APP_REVISION", "c0ffee")]
            .into_iter()
            .collect::<Environment>(),
        lent: std::collections::BTreeMap::new(),
        missing: std::collections::BTreeMap::new(),
        cluster: Cluster {
            kube_version: Some("v1.35.4+k3s1".to_owned()),
            api_versions: Vec::new(),
        },
    }
}

/// What an app says of its tool, as a job holds it.
fn tool(said: Value) -> Option<Tool> {
    serde_json::from_value(said).ok()
}

pub(super) fn helm(said: Value) -> Option<Tool> {
    tool(Value::from_iter([("helm", said)]))
}

pub(super) fn kustomize(said: Value) -> Option<Tool> {
    tool(Value::from_iter([("kustomize", said)]))
}

pub(super) fn directory(said: Value) -> Option<Tool> {
    tool(Value::from_iter([("directory", said)]))
}

pub(super) async fn render(job: &Job) -> Result<Rendered, Error> {
    render_with(settings(), job).await
}

pub(super) async fn render_with(settings: Settings, job: &Job) -> Result<Rendered, Error> {
    Renderer::new(settings, &Redactor::default()).render(job).await
}

/// What objects are, in the order in which they are written.
pub(super) fn ids(rendered: &Rendered) -> Vec<String> {
    rendered
        .manifests
        .iter()
        .map(|manifest| manifest.id().to_string())
        .collect()
}

/// The only object of a kind.
pub(super) fn only<'rendered>(rendered: &'rendered Rendered, kind: &str) -> &'rendered Value {
    let mut all = rendered.manifests.iter().filter(|manifest| manifest.kind() == kind);
    let found = all.next().unwrap_or_else(|| panic!("{kind} among {:?}", ids(rendered)));
    assert!(all.next().is_none(), "one {kind} among {:?}", ids(rendered));
    found.value()
}

/// An error with its causes.
pub(super) fn words(error: &Error) -> String {
    error.failure().words()
}

/// Writes a program that is a shell script.
pub(super) fn script(folder: &Path, name: &str, text: &str) {
    let file = folder.join(name);
    fs::write(&file, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
}

pub(super) fn config(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n")
}
