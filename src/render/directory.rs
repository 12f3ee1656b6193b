//! A folder of manifests as Argo CD reads it (`findManifests` in `reposerver/repository`).

use std::fs;
use std::path::{Path, PathBuf};

use super::collect::{Collection, place};
use super::glob::Glob;
use super::job::Job;
use super::renderer::Ground;
use super::turn::{Halt, Turn};
use super::{Error, jsonnet};
use crate::finding::Finding;
use crate::object::Origin;
use crate::recipe::{Directory, Tool};
use crate::yaml;

/// How the name of a file ends that is one object.
const JSON: &str = ".json";
/// A file with this in it is not read.
const SKIPPED: &str = "+argocd:skip-file-rendering";

/// What is read of one file, or what has to be evaluated.
enum Read {
    Objects(Collection),
    Jsonnet(String),
}

/// Reads all files that the app names. Files are read in the order of their paths; of a file that is wrong the reason is a
/// finding.
pub(super) async fn read(
    turn: &Turn<'_>,
    ground: &Ground,
    job: &Job,
    collection: &mut Collection,
) -> Result<(), Error> {
    let directory = match &job.tool {
        Some(Tool::Directory(directory)) => directory.clone(),
        _ => Directory::default(),
    };
    let (at, said, most) = (ground.clone(), directory.clone(), turn.renderer.settings.combined);
    let all = turn.aside(move |halt| {
        let mut found = Collection::as_agent();
        let files = files(most, &at, &said, halt, &mut found)?;
        let mut all = vec![Read::Objects(found)];
        for file in files {
            halt.check()?;
            all.push(one(&at, &file, halt)?);
        }
        Ok(all)
    });
    for read in all.await? {
        match read {
            Read::Objects(objects) => collection.append(objects),
            Read::Jsonnet(name) => {
                jsonnet::evaluate(turn, ground, job, &directory.jsonnet, &name, collection).await?;
            }
        }
    }
    Ok(())
}

fn one(ground: &Ground, file: &Path, halt: &Halt) -> Result<Read, Error> {
    let name = file.strip_prefix(&ground.root).unwrap_or(file).display().to_string();
    if name.ends_with(".jsonnet") {
        return Ok(Read::Jsonnet(name));
    }
    let mut found = Collection::as_agent();
    if let Some(text) = text(file, &name, &mut found)?.filter(|text| !text.contains(SKIPPED)) {
        // As for Argo CD, which tells capital letters apart.
        if name.ends_with(JSON) {
            json(&text, &name, &mut found);
        } else {
            yaml(&text, &name, halt, &mut found)?;
        }
    }
    Ok(Read::Objects(found))
}

/// Finds the files, bounded by what they have together.
fn files(
    most: u64,
    ground: &Ground,
    directory: &Directory,
    halt: &Halt,
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
    walk(&ground.place, directory.recurse, halt, &mut found)?;
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
            if sum > most {
                return Err(Error::Refused(format!(
                    "the manifests of `{}` have more than {} MB together, and the agent reads no more \
                     (`reposerver.max.combined.directory.manifests.size`): name a folder of its own for them, or leave files out \
                     by `directory.exclude`",
                    ground.path,
                    most / 1_000_000
                )));
            }
        }
        files.push(file);
    }
    Ok(files)
}

fn walk(folder: &Path, recurse: bool, halt: &Halt, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    halt.check()?;
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
                walk(&path, recurse, halt, files)?;
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
fn yaml(text: &str, name: &str, halt: &Halt, collection: &mut Collection) -> Result<(), Error> {
    let looks_like_one = ["apiVersion:", "kind:", "metadata:"]
        .iter()
        .all(|word| text.contains(word));
    let is_object = |value: &serde_json::Value| value["kind"].as_str().is_some_and(|kind| !kind.is_empty());
    for (index, document) in yaml::each(text.trim_start_matches('\u{feff}')).enumerate() {
        halt.check()?;
        let is_well = document
            .values
            .as_ref()
            .is_ok_and(|values| values.iter().all(is_object));
        if index == 0 && !is_well && !looks_like_one {
            break;
        }
        let origin = Origin {
            file: name.to_owned(),
            line: document.line,
        };
        collection.document(document, &origin);
    }
    Ok(())
}
