//! Charts that a chart of a repository needs and that are not in its folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::form::CHART;
use super::super::renderer::{Ground, Renderer};
use super::super::turn::Turn;
use super::super::workspace::Workspace;
use super::super::{Error, Form, programs, values};
use super::login::{self, Known};
use super::store::{digest_of, write};
use crate::finding::Finding;
use crate::recipe::without_password;
use crate::yaml;

/// Lays a chart out with all that it needs, by `helm dependency build` as Argo CD does (`runHelmBuild`). What was fetched is kept
/// by what the chart asks for, and taken from this machine where the chart's lock or its own versions leave no choice, where
/// nothing may be fetched, and where fetching fails.
pub(in crate::render) async fn build(
    turn: &Turn<'_>,
    ground: &Ground,
    pass_credentials: bool,
    found: &mut Vec<Finding>,
) -> Result<Workspace, Error> {
    let renderer = turn.renderer;
    stay_inside(ground)?;
    let workspace = Workspace::of_folder(turn, ground).await?;
    let needed = needed(&workspace.ground.place);
    let vendored = workspace.ground.place.join("charts");
    let kept = renderer
        .settings
        .cache
        .as_ref()
        .map(|cache| cache.join("dependencies").join(key(ground, &needed)));
    let take = |kept: &Option<PathBuf>| {
        kept.as_ref()
            .is_some_and(|kept| copy(kept, &vendored).is_ok_and(|count| count > 0))
    };
    if needed.is_fixed && take(&kept) {
        return Ok(workspace);
    }
    let is_remote = needed.repositories.iter().any(|url| !url.starts_with("file://"));
    let path = &ground.path;
    if is_remote && !renderer.settings.network {
        if take(&kept) {
            found.push(note(path, "nothing is fetched"));
            return Ok(workspace);
        }
        return Err(Error::Unknown(format!(
            "{path} needs charts that are neither in its folder nor on this machine, and nothing is fetched"
        )));
    }
    match fetch(renderer, &workspace.ground, &needed, pass_credentials).await {
        Ok(()) => {
            if let Some(kept) = kept.filter(|_| is_remote) {
                keep(&vendored, &kept)?;
            }
            Ok(workspace)
        }
        Err(error) => {
            if take(&kept) {
                found.push(note(path, &error.failure().words()));
                return Ok(workspace);
            }
            Err(error)
        }
    }
}

/// Refuses a chart on disk that is not of this repository: Helm would pack whatever folder of this machine is named. It reads
/// the lock rather than the chart where there is one (`Manager.Build` of Helm).
fn stay_inside(ground: &Ground) -> Result<(), Error> {
    for name in [CHART, "Chart.lock", "requirements.yaml", "requirements.lock"] {
        let text = fs::read_to_string(ground.place.join(name)).unwrap_or_default();
        let documents = yaml::manifests(&text).unwrap_or_default();
        let dependencies = documents
            .iter()
            .filter_map(|(_, about)| about["dependencies"].as_array());
        let repositories = dependencies
            .flatten()
            .filter_map(|dependency| dependency["repository"].as_str());
        for path in repositories.filter_map(|url| url.strip_prefix("file://")) {
            if path.starts_with('/') {
                return Err(Error::LeadsOut(path.to_owned()));
            }
            values::inside(&ground.root, &ground.place, path)?;
        }
    }
    Ok(())
}

fn note(path: &str, why: &str) -> Finding {
    let message = format!(
        "the charts that {path} needs are what they were the last time, since they were not fetched anew: {why}"
    );
    Finding::warning("render/chart-kept", message)
}

/// What a chart asks for.
struct Needed {
    /// The repositories, as the chart writes them.
    repositories: Vec<String>,
    /// Whether there is no choice of versions.
    is_fixed: bool,
    /// The texts that say it.
    texts: Vec<u8>,
}

fn needed(folder: &Path) -> Needed {
    let mut texts = fs::read(folder.join(CHART)).unwrap_or_default();
    let about = yaml::manifests(&String::from_utf8_lossy(&texts)).unwrap_or_default();
    let dependencies = about.first().and_then(|(_, chart)| chart["dependencies"].as_array());
    let repositories = dependencies
        .into_iter()
        .flatten()
        .filter_map(|dependency| dependency["repository"].as_str());
    let repositories: Vec<String> = repositories.filter(|url| !url.is_empty()).map(str::to_owned).collect();
    let lock = fs::read(folder.join("Chart.lock")).unwrap_or_default();
    let is_exact = |version: &Value| {
        let version = version.as_str().unwrap_or_default();
        version.split('.').count() == 3 && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    let is_local = repositories.iter().any(|url| url.starts_with("file://"));
    let are_exact = dependencies
        .into_iter()
        .flatten()
        .all(|dependency| is_exact(&dependency["version"]));
    let is_fixed = !is_local && (!lock.is_empty() || are_exact);
    texts.extend_from_slice(&lock);
    Needed {
        repositories,
        is_fixed,
        texts,
    }
}

/// Returns under what name is kept what a chart needs. What is beside it in the repository has no version of its own.
fn key(ground: &Ground, needed: &Needed) -> String {
    let mut texts = needed.texts.clone();
    if needed.repositories.iter().any(|url| url.starts_with("file://")) {
        texts.extend_from_slice(ground.place.display().to_string().as_bytes());
    }
    digest_of(&texts)
}

async fn fetch(renderer: &Renderer, ground: &Ground, needed: &Needed, pass_credentials: bool) -> Result<(), Error> {
    let missing = || Error::NoProgram(ground.path.clone(), Form::Helm, "helm is not");
    let helm = renderer.settings.find("helm").ok_or_else(missing)?;
    let home = programs::home()?;
    let mut known = Vec::new();
    for (index, written) in needed.repositories.iter().enumerate() {
        let alias = written.strip_prefix('@').or_else(|| written.strip_prefix("alias:"));
        let (name, url) = match alias {
            Some(alias) => {
                let named = renderer
                    .settings
                    .repositories
                    .iter()
                    .find(|repository| repository.name == alias);
                let unknown = || {
                    Error::Unknown(format!(
                        "{} needs charts of `{written}`, which is not known",
                        ground.path
                    ))
                };
                (alias.to_owned(), named.ok_or_else(unknown)?.url.clone())
            }
            None => (format!("charts-{index}"), written.clone()),
        };
        if !url.starts_with("file://") {
            known.push(Known::new(&renderer.settings, &name, &url, pass_credentials));
        }
    }
    let mut flags = Vec::new();
    for repository in &known {
        flags.extend(repository.flags(home.path())?);
    }
    flags.dedup();
    login::tell(&known, home.path())?;
    let run = renderer.networked(&helm, &ground.place, home.path());
    let built = run
        .args(["dependency", "build", "."])
        .args(flags)
        .quotes_output()
        .run()
        .await;
    built.map(drop).map_err(|source| Error::NotFetched {
        chart: format!("what {} needs", ground.path),
        repository: needed
            .repositories
            .iter()
            .map(|url| without_password(url))
            .collect::<Vec<_>>()
            .join(", "),
        source,
    })
}

/// Copies archives; returns how many.
fn copy(from: &Path, to: &Path) -> io::Result<usize> {
    fs::create_dir_all(to)?;
    let mut count = 0;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        // The name ends with the digest of the bytes, against which they are held.
        let Some((name, digest)) = name.to_str().and_then(|name| name.rsplit_once('@')) else {
            continue;
        };
        let bytes = fs::read(entry.path())?;
        if digest_of(&bytes) != digest {
            return Err(io::Error::other("a chart is not as it was written"));
        }
        fs::write(to.join(name), bytes)?;
        count += 1;
    }
    Ok(count)
}

fn keep(from: &Path, to: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(from).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if path.extension().is_some_and(|end| end == "tgz") {
            let bytes = fs::read(&path).map_err(|source| Error::Unreadable { path, source })?;
            write(&to.join(format!("{}@{}", name.display(), digest_of(&bytes))), &bytes)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_on_disk_is_one_of_the_same_repository() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("top");
        fs::create_dir_all(root.join("charts/shop")).unwrap();
        fs::create_dir_all(root.join("charts/base")).unwrap();
        fs::create_dir_all(folder.path().join("other")).unwrap();
        let ground = Ground::of(&root, "charts/shop").unwrap();
        let outside = format!("file://{}", folder.path().join("other").display());
        for (url, expected) in [
            ("file://../base", true),
            ("https://charts.example.com", true),
            ("file://../../../other", false),
            (outside.as_str(), false),
            ("file:///etc", false),
        ] {
            for name in [CHART, "Chart.lock", "requirements.yaml", "requirements.lock"] {
                let file = root.join("charts/shop").join(name);
                let text = format!("dependencies:\n  - {{name: base, version: 1.0.0, repository: '{url}'}}\n");
                fs::write(&file, text).unwrap();
                let found = stay_inside(&ground);
                assert_eq!(found.is_ok(), expected, "{name} {url}: {found:?}");
                fs::remove_file(&file).unwrap();
            }
        }
    }
}
