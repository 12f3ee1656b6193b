//! What is applied by us rather than by an agent: the agent's install, the roots, and what a runbook's own steps apply.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use super::collect::{Collection, place};
use super::digest::digest;
use super::job::{Checkout, Cluster, From, Job};
use super::renderer::{Ground, Renderer};
use super::turn::Turn;
use super::{Error, Form, Settings, helm, kustomize, plain, programs};
use crate::finding::{Finding, Severity};
use crate::object::Manifest;
use crate::recipe::{Environment, Helm, Tool};
use crate::redact::Redactor;

/// The annotation that makes an object a hook.
const HOOK: &str = "/metadata/annotations/helm.sh~1hook";

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
    /// Nothing is downloaded but bases of a kustomization on servers, which must be public: charts that a chart needs are in its
    /// folder.
    fn settings(&self) -> Settings {
        Settings {
            programs: self.programs.clone(),
            limit: self.limit,
            fetches_bases: true,
            ..Settings::default()
        }
    }

    fn job(&self, ground: &Ground) -> Job {
        let helm = Helm {
            // A dollar is no variable here.
            value_files: self.values.iter().map(|file| file.replace('$', "$$")).collect(),
            skip_tests: true,
            ..Helm::default()
        };
        Job {
            from: From::Folder {
                checkout: Checkout {
                    directory: ground.root.clone(),
                    commit: String::new(),
                },
                path: ground.path.clone(),
            },
            tool: Some(Tool::Helm(Box::new(helm))),
            name: self.release.clone(),
            namespace: self.namespace.clone(),
            environment: Environment::default(),
            lent: std::collections::BTreeMap::new(),
            missing: std::collections::BTreeMap::new(),
            cluster: Cluster {
                kube_version: self.kube_version.clone(),
                api_versions: Vec::new(),
            },
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
    /// Whether a chart in it asks which kinds the cluster serves, so that something else comes of it elsewhere.
    pub asks: bool,
}

impl Rendered {
    /// Returns the first thing that is wrong; an agent that meets it renders nothing of the source.
    pub fn fault(&self) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.severity == Severity::Error)
    }
}

/// Renders the file or folder `path` of the repository that is laid out in `root`. The folder says what it is.
///
/// What is wrong in single documents is in [`Rendered::findings`], all of it; an error means that nothing was rendered.
/// A chart's hooks are apart: Helm runs them around an install and they are no part of what is installed. A hook that is applied
/// with the rest and stays would be pruned, or run again, by an agent that manages the chart; which of them a recovery needs is
/// for the caller to say.
pub async fn render(root: &Path, path: &str, options: &Options, redactor: &Redactor) -> Result<Rendered, Error> {
    let renderer = Renderer::new(options.settings(), redactor);
    let turn = renderer.turn().await;
    let (root, path) = (root.to_owned(), path.to_owned());
    let found = turn.aside(move |_| {
        let ground = Ground::of(&root, &path)?;
        Ok((Form::of(&ground.place), ground))
    });
    let (form, ground) = found.await?;
    let mut collection = Collection::default();
    match form {
        Form::Plain => collection.append(plain_files(&turn, &ground).await?),
        Form::Kustomize => {
            let home = programs::home()?;
            kustomize::run(&turn, &ground, &ground, home.path(), &[], &mut collection).await?;
        }
        Form::Helm => helm::render(&turn, &ground, &options.job(&ground), &mut collection).await?,
    }
    let path = ground.path;
    turn.aside(move |_| Ok(rendered(form, collection, &path))).await
}

async fn plain_files(turn: &Turn<'_>, ground: &Ground) -> Result<Collection, Error> {
    let ground = ground.clone();
    let read = turn.aside(move |halt| {
        let mut collection = Collection::default();
        plain::read(&ground.root, &ground.place, halt, &mut collection)?;
        Ok(collection)
    });
    read.await
}

fn rendered(form: Form, mut collection: Collection, path: &str) -> Rendered {
    let hooks = if form == Form::Helm {
        hooks(&mut collection)
    } else {
        Vec::new()
    };
    collection.find_duplicates();
    let Collection {
        manifests,
        mut findings,
        asks,
        ..
    } = collection;
    if manifests.is_empty() && findings.is_empty() {
        let message = format!("`{path}` holds no manifests");
        findings.push(Finding::error("render/empty", message).at(place(path, 1, 1)));
    }
    Rendered {
        form,
        digest: digest(manifests.iter().chain(&hooks)),
        manifests,
        hooks,
        findings,
        version: None,
        asks,
    }
}

/// Takes a chart's hooks apart, and says so.
fn hooks(collection: &mut Collection) -> Vec<Manifest> {
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
    hooks
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
    async fn a_repository_of_this_machine_is_no_base() {
        let root = tempfile::tempdir().unwrap();
        for base in ["file:///srv/secret.git", "git::file:///srv/a?ref=v1", "FILE:///srv/a"] {
            let file = root.path().join("kustomization.yaml");
            fs::write(file, format!("resources:\n- '{base}'\n")).unwrap();
            let found = render(root.path(), "", &Options::default(), &Redactor::default()).await;
            let expected = format!(
                "`{base}` is on this machine and not in the repository, so that it is not read: kustomization.yaml:2"
            );
            assert_eq!(found.unwrap_err().to_string(), expected);
        }
    }

    #[tokio::test]
    async fn a_folder_without_manifests_is_a_finding() {
        let found = rendered(&[("README.md", "nothing here")]).await;
        assert_eq!(found.findings[0].rule, "render/empty");
    }
}
