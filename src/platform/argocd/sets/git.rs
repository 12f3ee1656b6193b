//! The Git generator: a set of parameters for each folder, or for what each file holds (`generators/git.go`).

use serde_json::{Map, Value, json};

use super::facts::{Attempt, Folder, Place, Stop};
use super::parameters::{Parameters, flat};
use super::pattern::{is_listed, is_path};
use crate::yaml;

pub(super) fn parameters(attempt: &Attempt<'_>, git: &Value) -> Result<Vec<Parameters>, Stop> {
    let text = |field: &str| git[field].as_str().unwrap_or_default().to_owned();
    let revision = text("revision");
    let place = Place {
        repository: text("repoURL"),
        revision: if revision.is_empty() {
            "HEAD".to_owned()
        } else {
            revision
        },
    };
    let items = |field: &str| git[field].as_array().filter(|items| !items.is_empty()).cloned();
    let (folders, files) = (items("directories"), items("files"));
    if folders.is_none() && files.is_none() {
        return Err("a Git generator names neither `directories` nor `files`"
            .to_owned()
            .into());
    }
    let Some(folder) = attempt.folder(place)? else {
        return Ok(Vec::new());
    };
    let mut sets = match (folders, files) {
        (Some(folders), _) => of_folders(attempt, git, folder, &folders)?,
        (None, files) => of_files(attempt, git, folder, &files.unwrap_or_default())?,
    };
    for set in &mut sets {
        attempt.add_values(&git["values"], set)?;
    }
    Ok(sets)
}

fn pattern(item: &Value) -> &str {
    item["path"].as_str().unwrap_or_default()
}

fn is_excluding(item: &Value) -> bool {
    item["exclude"] == Value::Bool(true)
}

fn of_folders(
    attempt: &Attempt<'_>,
    git: &Value,
    folder: &dyn Folder,
    items: &[Value],
) -> Result<Vec<Parameters>, Stop> {
    let any = |path: &str, excluding: bool| {
        let mut items = items.iter().filter(|item| is_excluding(item) == excluding);
        items.any(|item| is_path(pattern(item), path))
    };
    let paths = folder.directories()?;
    let paths = paths.iter().filter(|path| any(path, false) && !any(path, true));
    Ok(paths.map(|path| placed(attempt, git, Map::new(), path, None)).collect())
}

fn of_files(attempt: &Attempt<'_>, git: &Value, folder: &dyn Folder, items: &[Value]) -> Result<Vec<Parameters>, Stop> {
    if let Some(item) = items.iter().find(|item| pattern(item).starts_with(':')) {
        return Err(format!("`{}` is a pattern that only git itself reads", pattern(item)).into());
    }
    let any = |path: &str, excluding: bool| {
        let mut items = items.iter().filter(|item| is_excluding(item) == excluding);
        items.any(|item| is_listed(pattern(item), path))
    };
    let mut files = folder.files()?;
    files.retain(|file| any(file, false) && !any(file, true));
    files.sort();
    let mut sets = Vec::new();
    for file in files {
        for object in objects(&folder.read(&file)?).map_err(|why| format!("{file}: {why}"))? {
            let object = if attempt.is_go { object } else { flat(&object) };
            let (path, name) = file.rsplit_once('/').unwrap_or((".", &file));
            sets.push(placed(attempt, git, object, path, Some(name)));
        }
    }
    Ok(sets)
}

/// Reads a file: one object, or a list of them. An empty file is one without fields.
fn objects(text: &str) -> Result<Vec<Parameters>, String> {
    let documents = yaml::manifests(text).map_err(|error| error.to_string())?;
    match documents.into_iter().next().map(|(_, value)| value) {
        None | Some(Value::Null) => Ok(vec![Map::new()]),
        Some(Value::Object(object)) => Ok(vec![object]),
        Some(Value::Array(items)) => items
            .into_iter()
            .map(|item| match item {
                Value::Object(object) => Ok(object),
                _ => Err("an item of the list is no mapping".to_owned()),
            })
            .collect(),
        Some(_) => Err("it holds neither a mapping nor a list of them".to_owned()),
    }
}

/// Adds where it was found: `path` and its parts.
fn placed(attempt: &Attempt<'_>, git: &Value, mut set: Parameters, path: &str, file: Option<&str>) -> Parameters {
    let base = path.rsplit('/').next().unwrap_or(path);
    let prefix = git["pathParamPrefix"].as_str().unwrap_or_default();
    if attempt.is_go {
        let mut place = json!({
            "path": path, "basename": base, "basenameNormalized": normal(base),
            "segments": path.split('/').collect::<Vec<_>>(),
        });
        if let Some(file) = file {
            place["filename"] = file.into();
            place["filenameNormalized"] = normal(file).into();
        }
        if prefix.is_empty() {
            set.insert("path".to_owned(), place);
        } else {
            set.insert(prefix.to_owned(), json!({"path": place}));
        }
        return set;
    }
    let name = if prefix.is_empty() {
        "path".to_owned()
    } else {
        format!("{prefix}.path")
    };
    let mut put = |key: String, value: &str| set.insert(key, value.into());
    put(name.clone(), path);
    put(format!("{name}.basename"), base);
    put(format!("{name}.basenameNormalized"), &normal(base));
    if let Some(file) = file {
        put(format!("{name}.filename"), file);
        put(format!("{name}.filenameNormalized"), &normal(file));
    }
    for (index, part) in path.split('/').enumerate().filter(|(_, part)| !part.is_empty()) {
        put(format!("{name}[{index}]"), part);
    }
    set
}

/// Makes a name of what may be none (`utils.SanitizeName`).
pub(super) fn normal(name: &str) -> String {
    let lower = name.to_lowercase();
    let letters = lower.chars().map(|letter| match letter {
        'a'..='z' | '0'..='9' | '-' | '.' => letter,
        _ => '-',
    });
    let short: String = letters.take(253).collect();
    short.trim_matches(['-', '.']).to_owned()
}
