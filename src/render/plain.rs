//! YAML and JSON files as they are.

use std::fs;
use std::path::{Path, PathBuf};

use super::Error;
use super::collect::{Collection, place};
use super::form::Form;
use super::turn::Halt;
use crate::finding::Finding;
use crate::object::Origin;

/// Reads a file, or all files of a folder and those below it, in the order of their names.
///
/// Files whose names end otherwise than in `.yaml`, `.yml` or `.json` are no manifests. Names that begin with a dot are
/// left out, as are links to folders. A chart or kustomization further down is not mixed in: its files are templates and
/// patches, not objects.
pub(super) fn read(root: &Path, place: &Path, halt: &Halt, collection: &mut Collection) -> Result<(), Error> {
    let mut files = Vec::new();
    if place.is_dir() {
        walk(root, place, &mut files, collection)?;
    } else {
        files.push(place.to_owned());
    }
    for file in files {
        halt.check()?;
        read_file(root, &file, halt, collection)?;
    }
    Ok(())
}

fn walk(root: &Path, folder: &Path, files: &mut Vec<PathBuf>, collection: &mut Collection) -> Result<(), Error> {
    let unreadable = |source| Error::Unreadable {
        path: folder.to_owned(),
        source,
    };
    let entries: Result<Vec<_>, _> = fs::read_dir(folder).map_err(unreadable)?.collect();
    let mut entries = entries.map_err(unreadable)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let kind = entry.file_type().map_err(unreadable)?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if kind.is_dir() {
            match Form::of(&path) {
                Form::Plain => walk(root, &path, files, collection)?,
                form => collection.findings.push(left_out(root, &path, form)),
            }
        } else if is_manifest(&path) && path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

fn left_out(root: &Path, path: &Path, form: Form) -> Finding {
    let name = name(root, path);
    Finding::warning(
        "render/left-out",
        format!("`{name}` is a {form} below a folder of plain manifests, and is left out"),
    )
    .at(place(&name, 1, 1))
    .help("name it by its own path, or list it in a kustomization")
}

fn is_manifest(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension == *known))
}

fn read_file(root: &Path, file: &Path, halt: &Halt, collection: &mut Collection) -> Result<(), Error> {
    let name = name(root, file);
    let unreadable = |source| Error::Unreadable {
        path: file.to_owned(),
        source,
    };
    // A link may stand for a file; it must be one of this repository.
    if !file.canonicalize().map_err(unreadable)?.starts_with(root) {
        return Err(Error::LeadsOut(name));
    }
    let bytes = fs::read(file).map_err(unreadable)?;
    let Ok(text) = String::from_utf8(bytes) else {
        collection
            .findings
            .push(Finding::error("render/not-text", "the file is not UTF-8").at(place(&name, 1, 1)));
        return Ok(());
    };
    if file.extension().is_some_and(|extension| extension == "json") {
        collection.json(&text, &name);
    } else {
        collection.yaml(&text, halt, |_, line| Origin {
            file: name.clone(),
            line,
        })?;
    }
    Ok(())
}

/// Returns a path as the repository names it.
fn name(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}
