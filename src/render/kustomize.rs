//! Runs kustomize as Argo CD does (`util/kustomize`).

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::collect::Collection;
use super::form::{self, Form};
use super::job::Job;
use super::renderer::{Ground, Renderer};
use super::turn::Turn;
use super::workspace::Workspace;
use super::{Error, helm, programs, remote, values};
use crate::object::Origin;
use crate::recipe::{Kustomize, Tool};
use crate::yaml;

/// Options with which a program of the repository would be run here, or a file of this machine be read.
const REFUSED: [&str; 5] = [
    "--enable-exec",
    "--enable-alpha-plugins",
    "--network",
    "--mount",
    "--env",
];

/// The only way in which kustomize stays within a kustomization's folders; its default.
const RESTRICTED: &str = "LoadRestrictionsRootOnly";

/// Builds the kustomization of a folder with what the app adds to it. Bases on servers and programs are never run.
pub(super) async fn build(
    turn: &Turn<'_>,
    ground: &Ground,
    job: &Job,
    collection: &mut Collection,
) -> Result<(), Error> {
    let none = Kustomize::default();
    let added = match &job.tool {
        Some(Tool::Kustomize(added)) => added,
        _ => &none,
    };
    let renderer = turn.renderer;
    let with_charts = options(renderer)?;
    let workspace = if with_charts {
        Some(Workspace::of_all(turn, ground).await?)
    } else if *added == none {
        None
    } else {
        Some(Workspace::of_folder(turn, ground).await?)
    };
    let original = ground;
    let ground = workspace.as_ref().map_or(ground, |workspace| &workspace.ground);
    let home = programs::home()?;
    for edit in edits(job, added, original)? {
        let kustomize = program(renderer, ground)?;
        let run = renderer
            .program(&kustomize, &ground.place, home.path())
            .args(["edit"])
            .args(edit);
        run.run()
            .await
            .map_err(|error| programs::explain(&ground.path, Form::Kustomize, error))?;
    }
    if !added.patches.is_empty() {
        patch(ground, &added.patches)?;
    }
    let (version, kinds) = helm::cluster(&job.cluster, &added.kube_version, &added.api_versions)?;
    let mut told: Vec<String> = renderer
        .settings
        .build_options
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    if with_charts {
        collection.asks = true;
        let helm = renderer.settings.find("helm");
        let helm = helm.ok_or_else(|| Error::NoProgram(ground.path.clone(), Form::Helm, "helm is not"))?;
        told.push(format!("--helm-command={}", helm.display()));
        told.extend(version.map(|version| format!("--helm-kube-version={version}")));
        told.extend(kinds.iter().map(|kind| format!("--helm-api-versions={kind}")));
    }
    run(turn, original, ground, home.path(), &told, collection).await
}

/// Builds a kustomization as it is in a workspace; `original` is the repository of which that is a copy.
pub(super) async fn run(
    turn: &Turn<'_>,
    original: &Ground,
    ground: &Ground,
    home: &Path,
    options: &[String],
    collection: &mut Collection,
) -> Result<(), Error> {
    // What is beside the copy of a folder is not followed there, so that the repository is looked through too.
    let renderer = turn.renderer;
    let (copied, written) = (ground.clone(), original.clone());
    let found = turn.aside(move |_| {
        let mut found = remote::named(&copied.root, &copied.place)?;
        if (&copied.root, &copied.place) != (&written.root, &written.place) {
            found.extend(remote::named(&written.root, &written.place)?);
        }
        Ok(found)
    });
    let found = found.await?;
    let fetches = renderer.settings.fetches_bases;
    let is_refused = |remote: &&remote::Remote| !remote.is_base || !fetches || remote.is_of_this_machine();
    if let Some(refused) = found.iter().find(is_refused) {
        return Err(refused.refused());
    }
    let (program, verb) = match program(renderer, ground) {
        Ok(program) => (program, "build"),
        Err(error) => (renderer.settings.find("kubectl").ok_or(error)?, "kustomize"),
    };
    let run = if found.is_empty() {
        renderer.program(&program, &ground.root, home)
    } else {
        // It has no login of ours, and fetches by git.
        renderer.fetching(&program, &ground.root, home)
    };
    let below = ground.place.strip_prefix(&ground.root).unwrap_or(&ground.place);
    let run = run.args([verb]).args([Path::new(".").join(below)]).args(options);
    let output = run
        .run()
        .await
        .map_err(|error| programs::explain(&ground.path, Form::Kustomize, error))?;
    let file = file(&ground.place).and_then(|file| Some(file.file_name()?.to_string_lossy().into_owned()));
    let file = form::within(&ground.path, &file.unwrap_or_default());
    let origin = move |_: &str, _| Origin {
        file: file.clone(),
        line: 0,
    };
    collection.written(turn, output, origin).await
}

fn program(renderer: &Renderer, ground: &Ground) -> Result<PathBuf, Error> {
    let missing = || Error::NoProgram(ground.path.clone(), Form::Kustomize, "neither kustomize nor kubectl is");
    renderer.settings.find("kustomize").ok_or_else(missing)
}

/// Whether charts are inflated; an error where the options of the agent let the repository run programs, or read the files of
/// this machine.
fn options(renderer: &Renderer) -> Result<bool, Error> {
    let said = || renderer.settings.build_options.split_whitespace();
    let refused = said().find(|option| REFUSED.iter().any(|refused| option.split('=').next() == Some(*refused)));
    if let Some(refused) = refused {
        let message =
            format!("kustomize is run with `{refused}` by the agent, which lets a repository run programs here");
        return Err(Error::Unknown(message));
    }
    // It is written as one word or as two.
    let is_unbound = said()
        .zip(said().skip(1).chain([""]))
        .any(|(option, next)| match option.split_once('=') {
            Some(("--load-restrictor", how)) => how != RESTRICTED,
            None if option == "--load-restrictor" => next != RESTRICTED,
            _ => false,
        });
    if is_unbound {
        let message = "kustomize is run with another `--load-restrictor` than `LoadRestrictionsRootOnly` by the agent, which \
                       lets a build read files of this machine";
        return Err(Error::Unknown(message.to_owned()));
    }
    Ok(said().any(|option| option.contains("--enable-helm")))
}

/// Returns what `kustomize edit` is told, in the order of Argo CD (`kustomize.Build`).
fn edits(job: &Job, added: &Kustomize, ground: &Ground) -> Result<Vec<Vec<String>>, Error> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let mut edits = Vec::new();
    for (what, value) in [("nameprefix", &added.name_prefix), ("namesuffix", &added.name_suffix)] {
        if !value.is_empty() {
            edits.push(words(&["set", what, "--", value]));
        }
    }
    if !added.images.is_empty() {
        let images = added.images.iter().map(|image| job.environment.expand(image));
        edits.push(words(&["set", "image"]).into_iter().chain(images).collect());
    }
    if !added.replicas.is_empty() {
        let mut edit = words(&["set", "replicas"]);
        for replica in &added.replicas {
            let count = match &replica.count {
                Value::Number(count) => count.as_i64(),
                Value::String(count) => count.parse().ok(),
                _ => None,
            };
            let count = count.ok_or_else(|| {
                Error::Refused(format!("expected integer value for count. Received: {}", replica.count))
            })?;
            edit.push(format!("{}={count}", replica.name));
        }
        edits.push(edit);
    }
    if !added.common_labels.is_empty() {
        let mut edit = words(&["add", "label"]);
        for (flag, is_set) in [
            ("--force", added.force_common_labels),
            ("--without-selector", added.label_without_selector),
            ("--include-templates", added.label_include_templates),
        ] {
            edit.extend(is_set.then(|| flag.to_owned()));
        }
        let labels = added.common_labels.iter();
        edit.extend(labels.map(|(name, value)| format!("{name}:{}", job.environment.expand(value))));
        edits.push(edit);
    }
    if !added.common_annotations.is_empty() {
        let mut edit = words(&["add", "annotation"]);
        edit.extend(added.force_common_annotations.then(|| "--force".to_owned()));
        let value = |value: &str| {
            if added.common_annotations_envsubst {
                job.environment.expand(value)
            } else {
                value.to_owned()
            }
        };
        let annotations = added.common_annotations.iter();
        edit.extend(annotations.map(|(name, said)| format!("{name}:{}", value(said))));
        edits.push(edit);
    }
    if !added.namespace.is_empty() {
        edits.push(words(&["set", "namespace", "--", &added.namespace]));
    }
    let mut components = Vec::new();
    for component in &added.components {
        let found = values::inside(&ground.root, &ground.place, component);
        if !added.ignore_missing_components || found.is_ok_and(|found| found.exists()) {
            components.push(component.clone());
        }
    }
    if !components.is_empty() {
        edits.push(words(&["add", "component"]).into_iter().chain(components).collect());
    }
    Ok(edits)
}

/// Adds patches to the kustomization's own, for which kustomize has no command.
fn patch(ground: &Ground, patches: &[Value]) -> Result<(), Error> {
    change(ground, |kustomization| match &mut kustomization["patches"] {
        Value::Array(own) => {
            own.extend_from_slice(patches);
            Ok(())
        }
        own @ Value::Null => {
            *own = Value::Array(patches.to_vec());
            Ok(())
        }
        _ => Err(Error::Refused(
            "expected 'patches' field in kustomization.yaml to be []any".to_owned(),
        )),
    })
}

/// Changes the kustomization of a workspace.
pub(super) fn change(ground: &Ground, change: impl FnOnce(&mut Value) -> Result<(), Error>) -> Result<(), Error> {
    let file = file(&ground.place)
        .ok_or_else(|| Error::Refused(format!("kustomization file not found in the path `{}`", ground.path)))?;
    let name = || file.strip_prefix(&ground.root).unwrap_or(&file).display().to_string();
    let unreadable = |source| Error::Unreadable {
        path: file.clone(),
        source,
    };
    let text = std::fs::read_to_string(&file).map_err(unreadable)?;
    let broken = |error: yaml::Error| Error::Refused(format!("{}: {error}", name()));
    let mut documents = yaml::manifests(&text).map_err(broken)?;
    let mut kustomization = match documents.pop() {
        Some((_, value)) if documents.is_empty() && value.is_object() => value,
        None => Value::Object(serde_json::Map::new()),
        Some(_) => return Err(Error::Refused(format!("{} is not one mapping", name()))),
    };
    change(&mut kustomization)?;
    let text = yaml::write(&kustomization).map_err(broken)?;
    // The folder is a copy, and so is its kustomization, unless that is a link.
    std::fs::remove_file(&file).map_err(unreadable)?;
    std::fs::write(&file, text).map_err(unreadable)
}

/// Finds the kustomization of a folder.
pub(super) fn file(folder: &Path) -> Option<PathBuf> {
    form::KUSTOMIZATIONS
        .iter()
        .map(|name| folder.join(name))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Redactor;
    use crate::render::Settings;

    #[test]
    fn a_build_may_neither_run_programs_nor_read_files_of_this_machine() {
        for (said, expected) in [
            ("", Some(false)),
            ("--enable-helm", Some(true)),
            ("--load-restrictor LoadRestrictionsRootOnly --enable-helm", Some(true)),
            ("--load-restrictor=LoadRestrictionsRootOnly", Some(false)),
            ("--enable-helm --load-restrictor=LoadRestrictionsNone", None),
            ("--load-restrictor LoadRestrictionsNone", None),
            ("--load-restrictor=none", None),
            ("--load-restrictor", None),
            ("--enable-exec", None),
        ] {
            let settings = Settings {
                build_options: said.to_owned(),
                ..Settings::default()
            };
            let found = options(&Renderer::new(settings, &Redactor::default()));
            assert_eq!(found.as_ref().ok().copied(), expected, "{said}: {found:?}");
            if said.contains("LoadRestrictionsNone") {
                let why = found.unwrap_err().to_string();
                assert!(why.contains("read files of this machine"), "{why}");
            }
        }
    }
}
