//! The way from a path to manifests.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use super::collect::{Collection, place};
use super::digest::digest;
use super::{Error, Form, form, helm, kustomize, plain};
use crate::exec::Exec;
use crate::finding::{Finding, Severity};
use crate::object::Manifest;
use crate::redact::Redactor;

/// How to render.
#[derive(Debug, Clone)]
pub struct Options {
    /// The namespace that a chart is told it is installed into. No object gets a namespace by it that it does not write.
    pub namespace: String,
    /// The release name that a chart is told.
    pub release: String,
    /// Values files for a chart, relative to its folder, in order.
    pub values: Vec<String>,
    /// The cluster's version that a chart is told; Helm's own default where not given.
    pub kube_version: Option<String>,
    /// How long a program may run.
    pub limit: Duration,
    /// The folders in which kustomize and Helm are looked for, as `PATH` writes them; `PATH` itself where not given.
    pub programs: Option<OsString>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            namespace: "default".to_owned(),
            release: "release".to_owned(),
            values: Vec::new(),
            kube_version: None,
            limit: Duration::from_mins(1),
            programs: None,
        }
    }
}

impl Options {
    /// Returns a program that runs in `root`, with a home folder of its own.
    pub(super) fn program(&self, name: &str, root: &Path, home: &Path, redactor: &Redactor) -> Exec {
        let exec = Exec::new(name, redactor)
            .directory(root)
            .limit(self.limit)
            .env("HOME", home);
        match &self.programs {
            Some(folders) => exec.env("PATH", folders),
            None => exec,
        }
    }
}

/// What was rendered.
#[derive(Debug)]
pub struct Rendered {
    /// What the path was taken for.
    pub form: Form,
    /// The objects, in the order in which they were written. Those without a namespace have none yet.
    pub manifests: Vec<Manifest>,
    /// The hooks of a chart, which Helm would run around the install; no part of `manifests`.
    pub hooks: Vec<Manifest>,
    /// `sha256:…` over all objects and hooks. A chart that makes up a random value has another one each time.
    pub digest: String,
    /// What is wrong or worth knowing, each with its file and line in the repository.
    pub findings: Vec<Finding>,
    /// The version of the chart, where one of a repository of charts was rendered.
    pub version: Option<String>,
}

impl Rendered {
    /// Returns the first thing that is wrong; an agent that meets it renders nothing of the source.
    pub fn fault(&self) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.severity == Severity::Error)
    }
}

/// Renders the file or folder `path` of the repository that is laid out in `root`.
///
/// What is wrong in single documents is in [`Rendered::findings`], all of it; an error means that nothing was rendered.
pub async fn render(root: &Path, path: &str, options: &Options, redactor: &Redactor) -> Result<Rendered, Error> {
    let (root, place_of) = form::locate(root, path)?;
    let path = place_of.strip_prefix(&root).unwrap_or(&place_of).display().to_string();
    let path = if path.is_empty() { ".".to_owned() } else { path };
    let form = Form::of(&place_of);
    let mut collection = Collection::default();
    let mut hooks = Vec::new();
    match form {
        Form::Plain => plain::read(&root, &place_of, &mut collection)?,
        Form::Kustomize => kustomize::build(&root, &path, options, redactor, &mut collection).await?,
        Form::Helm => hooks = helm::template(&root, &path, options, redactor, &mut collection).await?,
    }
    collection.find_duplicates();
    let Collection {
        manifests,
        mut findings,
        ..
    } = collection;
    if manifests.is_empty() && findings.is_empty() {
        let message = format!("`{path}` holds no manifests");
        findings.push(Finding::error("render/empty", message).at(place(&path, 1, 1)));
    }
    Ok(Rendered {
        form,
        digest: digest(manifests.iter().chain(&hooks)),
        manifests,
        hooks,
        findings,
        version: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Lays files out and renders the folder.
    async fn rendered(files: &[(&str, &str)]) -> Rendered {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = root.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        render(root.path(), "", &Options::default(), &Redactor::default())
            .await
            .unwrap()
    }

    const A: &str = "# first\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n";
    const B: &str = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: b\n  labels: {x: '1', y: '2'}\n";

    #[tokio::test]
    async fn how_objects_are_spread_over_files_does_not_change_the_digest() {
        let one = rendered(&[("all.yaml", &format!("{A}---\n{B}"))]).await;
        let two = rendered(&[
            ("x/2.yml", A),
            (
                "1.json",
                r#"{"metadata":{"labels":{"y":"2","x":"1"},"name":"b"},"kind":"Namespace","apiVersion":"v1"}"#,
            ),
        ])
        .await;
        assert_eq!((one.form, one.manifests.len()), (Form::Plain, 2));
        assert_eq!(one.digest, two.digest);
        let files: Vec<_> = two
            .manifests
            .iter()
            .map(|manifest| manifest.origin().file.as_str())
            .collect();
        assert_eq!(files, ["1.json", "x/2.yml"]);
    }

    #[tokio::test]
    async fn all_that_is_wrong_is_found_at_once() {
        let found = rendered(&[
            ("a.yaml", A),
            ("b.yaml", "x: [\n"),
            ("c.json", "{\"a\": }"),
            ("notes.md", "# not a manifest"),
            (".github/workflow.yaml", "on: push"),
            ("chart/Chart.yaml", "name: x"),
            ("patches/kustomization.yaml", "resources: []"),
        ])
        .await;
        assert_eq!(found.manifests.len(), 1);
        let rules: Vec<_> = found
            .findings
            .iter()
            .map(|finding| (finding.rule, finding.place.as_ref().unwrap().file.as_str()))
            .collect();
        assert_eq!(
            rules,
            [
                ("render/left-out", "chart"),
                ("render/left-out", "patches"),
                ("render/not-yaml", "b.yaml"),
                ("render/not-json", "c.json"),
            ]
        );
    }

    #[tokio::test]
    async fn a_folder_without_manifests_is_a_finding() {
        let found = rendered(&[("README.md", "nothing here")]).await;
        assert_eq!(found.findings[0].rule, "render/empty");
    }
}
