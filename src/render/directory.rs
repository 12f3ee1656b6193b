//! A folder of manifests as Argo CD reads it (`findManifests` in `reposerver/repository`).

use std::fs;
use std::path::{Path, PathBuf};

use super::collect::{Collection, place};
use super::glob::Glob;
use super::job::Job;
use super::renderer::{Ground, Renderer};
use super::{Error, jsonnet};
use crate::finding::Finding;
use crate::object::Origin;
use crate::recipe::{Directory, Tool};
use crate::yaml;

/// How the name of a file ends that is one object.
const JSON: &str = ".json";
/// A file with this in it is not read.
const SKIPPED: &str = "+argocd:skip-file-rendering";

/// Reads all files that the app names. Files are read in the order of their paths; of a file that is wrong the reason is a
/// finding.
pub(super) async fn read(
    renderer: &Renderer,
    ground: &Ground,
    job: &Job,
    collection: &mut Collection,
) -> Result<(), Error> {
    let directory = match &job.tool {
        Some(Tool::Directory(directory)) => directory.clone(),
        _ => Directory::default(),
    };
    let files = files(renderer, ground, &directory, collection)?;
    for file in files {
        let name = file.strip_prefix(&ground.root).unwrap_or(&file).display().to_string();
        if name.ends_with(".jsonnet") {
            jsonnet::evaluate(renderer, ground, job, &directory.jsonnet, &name, collection).await?;
            continue;
        }
        let Some(text) = text(&file, &name, collection)?.filter(|text| !text.contains(SKIPPED)) else {
            continue;
        };
        // As for Argo CD, which tells capital letters apart.
        if name.ends_with(JSON) {
            json(&text, &name, collection);
        } else {
            yaml(&text, &name, collection);
        }
    }
    Ok(())
}

/// Finds the files, bounded by what they have together.
fn files(
    renderer: &Renderer,
    ground: &Ground,
    directory: &Directory,
    collection: &mut Collection,
) -> Result<Vec<PathBuf>, Error> {
    let mut pattern = |name: &str, pattern: &str| {
        let glob = Glob::new(pattern);
        if glob.is_none() {
            let message = format!("`directory.{name}` is no pattern, and matches nothing: {pattern}");
            collection.findings.push(Finding::warning("render/pattern", message));
        }
        move |path: &str| glob.as_ref().is_some_and(|glob| glob.matches(path))
    };
    let (include, exclude) = (
        pattern("include", &directory.include),
        pattern("exclude", &directory.exclude),
    );
    let is_wanted = |path: &str| {
        (directory.exclude.is_empty() || !exclude(path)) && (directory.include.is_empty() || include(path))
    };
    let mut found = Vec::new();
    walk(&ground.place, directory.recurse, &mut found)?;
    let mut sum = 0;
    let mut files = Vec::new();
    for file in found {
        let below = file
            .strip_prefix(&ground.place)
            .unwrap_or(&file)
            .to_string_lossy()
            .into_owned();
        // A link to nowhere is passed over, and so is one to what is no file.
        let Ok(real) = file.canonicalize() else { continue };
        if !real.starts_with(&ground.root) {
            return Err(Error::LeadsOut(below));
        }
        let size = fs::metadata(&real)
            .ok()
            .filter(fs::Metadata::is_file)
            .map(|about| about.len());
        let Some(size) = size.filter(|_| is_wanted(&below)) else {
            continue;
        };
        if !below.ends_with(".jsonnet") {
            sum += size;
            if sum > renderer.settings.combined {
                let most = renderer.settings.combined / 1_000_000;
                return Err(Error::Refused(format!(
                    "the files of `{}` have more than {most} MB together, which the agent does not read",
                    ground.path
                )));
            }
        }
        files.push(file);
    }
    Ok(files)
}

fn walk(folder: &Path, recurse: bool, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    let unreadable = |source| Error::Unreadable {
        path: folder.to_owned(),
        source,
    };
    let entries: Result<Vec<_>, _> = fs::read_dir(folder).map_err(unreadable)?.collect();
    let mut entries = entries.map_err(unreadable)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_type().map_err(unreadable)?.is_dir() {
            if recurse {
                walk(&path, recurse, files)?;
            }
        } else if [".yaml", ".yml", ".json", ".jsonnet"]
            .iter()
            .any(|end| entry.file_name().to_string_lossy().ends_with(end))
        {
            files.push(path);
        }
    }
    Ok(())
}

fn text(file: &Path, name: &str, collection: &mut Collection) -> Result<Option<String>, Error> {
    let bytes = fs::read(file).map_err(|source| Error::Unreadable {
        path: file.to_owned(),
        source,
    })?;
    let Ok(text) = String::from_utf8(bytes) else {
        let finding = Finding::error("render/not-text", "the file is not UTF-8");
        collection.findings.push(finding.at(place(name, 1, 1)));
        return Ok(None);
    };
    Ok(Some(text))
}

/// Takes a JSON file, which is one object (`getObjsFromYAMLOrJSON`).
fn json(text: &str, name: &str, collection: &mut Collection) {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<serde_json::Value>();
    let _first = values.next();
    if values.next().is_some() {
        let message = "there is more than one object in a JSON file, where the agent takes one only";
        collection
            .findings
            .push(Finding::error("render/not-json", message).at(place(name, 1, 1)));
        return;
    }
    collection.json(text, name);
}

/// Takes a YAML file. One that begins with something else than an object is no manifest and is passed over, unless it looks
/// like one (`getObjsFromYAMLOrJSON`).
fn yaml(text: &str, name: &str, collection: &mut Collection) {
    let documents = yaml::documents(text.trim_start_matches('\u{feff}'));
    let is_object = |value: &serde_json::Value| value["kind"].as_str().is_some_and(|kind| !kind.is_empty());
    let begins_well = documents
        .first()
        .is_none_or(|first| first.values.as_ref().is_ok_and(|values| values.iter().all(is_object)));
    let looks_like_one = ["apiVersion:", "kind:", "metadata:"]
        .iter()
        .all(|word| text.contains(word));
    if !begins_well && !looks_like_one {
        return;
    }
    collection.yaml(text, |_, line| Origin {
        file: name.to_owned(),
        line,
    });
}
