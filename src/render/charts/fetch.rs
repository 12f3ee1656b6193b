//! Gets a chart of a repository of charts.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::super::form::CHART;
use super::super::turn::Turn;
use super::super::{Error, Form, Renderer, programs};
use super::login::{self, Known};
use super::store::Store;
use super::unpack::unpack;
use crate::finding::Finding;
use crate::recipe::without_password;
use crate::yaml;

/// A chart on disk.
pub(in crate::render) struct Chart {
    /// Its folder.
    pub(in crate::render) folder: PathBuf,
    /// Its version.
    pub(in crate::render) version: String,
    /// The digest of its archive.
    pub(in crate::render) digest: String,
    /// What is worth knowing of how it was got.
    pub(in crate::render) note: Option<Finding>,
    _unpacked: TempDir,
}

/// Gets a chart. One whose version is written out is taken from this machine if it is here. A range is resolved anew by Helm
/// where the network may be used; where it may not or does not answer, it is what it was the last time.
pub(in crate::render) async fn chart(
    turn: &Turn<'_>,
    repository: &str,
    name: &str,
    version: &str,
    pass_credentials: bool,
) -> Result<Chart, Error> {
    let renderer = turn.renderer;
    let store = renderer
        .settings
        .cache
        .as_deref()
        .map(|cache| Store::of(cache, repository, name));
    let (held, asked) = (store.clone(), version.to_owned());
    let kept = turn.aside(move |_| {
        let Some(store) = held else { return Ok(None) };
        let version = if is_exact(&asked) {
            Some(asked)
        } else {
            store.resolved(&asked)
        };
        Ok(version.and_then(|version| store.get(&version)))
    });
    let kept = kept.await?;
    if is_exact(version)
        && let Some(bytes) = kept
    {
        return unpacked(turn, bytes, None).await;
    }
    let wanted = if version.is_empty() {
        name.to_owned()
    } else {
        format!("{name} {version}")
    };
    if !renderer.settings.network {
        let bytes = kept.ok_or_else(|| {
            Error::Unknown(format!(
                "the chart {wanted} of {} is not on this machine, and nothing is fetched",
                without_password(repository)
            ))
        })?;
        return unpacked(turn, bytes, note(version, &wanted, "nothing is fetched")).await;
    }
    let fetched = async {
        let bytes = pull(renderer, repository, name, version, pass_credentials).await?;
        let chart = unpacked(turn, bytes.clone(), None).await?;
        if let Some(store) = store {
            let (asked, found) = (version.to_owned(), chart.version.clone());
            turn.aside(move |_| store.put(&asked, &found, &bytes)).await?;
        }
        Ok::<_, Error>(chart)
    };
    match (fetched.await, kept) {
        (Err(error), Some(bytes)) => {
            let note = note(version, &wanted, &error.failure().words());
            unpacked(turn, bytes, note).await
        }
        (fetched, _) => fetched,
    }
}

/// Says that a range may come to something else by now.
fn note(version: &str, wanted: &str, why: &str) -> Option<Finding> {
    let message = format!("the chart {wanted} is what it was the last time, since it was not resolved anew: {why}");
    (!is_exact(version)).then(|| Finding::warning("render/chart-kept", message))
}

/// Whether a version is written out: three numbers, and what may follow them.
fn is_exact(version: &str) -> bool {
    let bare = version.strip_prefix('v').unwrap_or(version);
    let numbers = bare.split(['-', '+']).next().unwrap_or_default();
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    numbers.split('.').count() == 3 && numbers.split('.').all(is_number) && !bare.contains(' ')
}

async fn unpacked(turn: &Turn<'_>, bytes: Vec<u8>, note: Option<Finding>) -> Result<Chart, Error> {
    let laid = turn.aside(move |halt| {
        let into = programs::home()?;
        let folder = unpack(&bytes, into.path(), halt)?;
        let about = std::fs::read_to_string(folder.join(CHART)).unwrap_or_default();
        let about = yaml::manifests(&about).unwrap_or_default();
        let version = about
            .first()
            .and_then(|(_, chart)| chart["version"].as_str())
            .unwrap_or_default();
        if version.is_empty() {
            return Err(Error::Refused("the chart's Chart.yaml names no version".to_owned()));
        }
        Ok(Chart {
            folder,
            version: version.to_owned(),
            digest: super::store::digest_of(&bytes),
            note,
            _unpacked: into,
        })
    });
    laid.await
}

/// Fetches an archive by Helm.
async fn pull(
    renderer: &Renderer,
    repository: &str,
    name: &str,
    version: &str,
    pass_credentials: bool,
) -> Result<Vec<u8>, Error> {
    let helm = renderer
        .settings
        .find("helm")
        .ok_or_else(|| Error::NoProgram(name.to_owned(), Form::Helm, "helm is not"))?;
    let home = programs::home()?;
    let into = home.path().join("pulled");
    std::fs::create_dir(&into).map_err(|source| unreadable(&into, source))?;
    let known = Known::new(&renderer.settings, "charts", repository, pass_credentials);
    let (chart, flags) = if known.is_registry() {
        (known.chart(name), known.flags(home.path())?)
    } else {
        (format!("charts/{name}"), Vec::new())
    };
    let is_registry = known.is_registry();
    login::tell(&[known], home.path())?;
    let run = || renderer.networked(&helm, home.path(), home.path());
    let failed = |source| Error::NotFetched {
        chart: format!("{name} {version}").trim_end().to_owned(),
        repository: without_password(repository),
        source,
    };
    if !is_registry {
        run()
            .args(["repo", "update", "charts"])
            .quotes_output()
            .run()
            .await
            .map_err(failed)?;
    }
    let mut args = vec!["pull".to_owned(), "--destination=pulled".to_owned()];
    if !version.is_empty() {
        args.push(format!("--version={version}"));
    }
    args.extend(flags);
    args.extend(["--".to_owned(), chart]);
    run().args(args).run().await.map_err(failed)?;
    let entries = std::fs::read_dir(&into).map_err(|source| unreadable(&into, source))?;
    let file = entries
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|end| end == "tgz"));
    let file = file.ok_or_else(|| Error::Refused(format!("helm fetched no archive for {name}")))?;
    std::fs::read(&file).map_err(|source| unreadable(&file, source))
}

fn unreadable(path: &Path, source: std::io::Error) -> Error {
    Error::Unreadable {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_told_from_a_version() {
        for version in ["1.2.3", "v1.2.3", "1.2.3-rc.1+build"] {
            assert!(is_exact(version), "{version}");
        }
        for range in [
            "",
            "1.2",
            "^1.2.3",
            "1.x.0",
            "~1.2.3",
            ">=1.2.3",
            "1.2.3 - 2.0.0",
            "*",
            "1.2.3 || 2.0.0",
        ] {
            assert!(!is_exact(range), "{range}");
        }
    }
}
