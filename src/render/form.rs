//! What a folder is.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Error;

/// The names by which kustomize finds a kustomization.
pub(super) const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// The name by which Helm finds a chart.
pub(super) const CHART: &str = "Chart.yaml";

/// What a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// YAML and JSON files, or a single one.
    Plain,
    /// A kustomization.
    Kustomize,
    /// A Helm chart.
    Helm,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "folder of manifests",
            Self::Kustomize => "kustomization",
            Self::Helm => "Helm chart",
        })
    }
}

impl Form {
    /// Returns the word for machines.
    pub fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Kustomize => "kustomize",
            Self::Helm => "helm",
        }
    }

    /// Finds what a folder is as Argo CD does (`util/app/discovery`): of the files in the order of their names the last one that
    /// says it, where whatever ends in `Chart.yaml` says that it is a chart.
    pub(super) fn as_argocd(folder: &Path) -> Self {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let names = entries
            .filter(|entry| !entry.path().is_dir())
            .filter_map(|entry| entry.file_name().into_string().ok());
        let form = |name: &String| {
            if KUSTOMIZATIONS.contains(&name.as_str()) {
                Some(Self::Kustomize)
            } else {
                name.ends_with(CHART).then_some(Self::Helm)
            }
        };
        let telling = names.filter_map(|name| form(&name).map(|form| (name, form)));
        telling
            .max_by(|(a, _), (b, _)| a.cmp(b))
            .map_or(Self::Plain, |(_, form)| form)
    }

    /// Finds what is at a path. A kustomization goes before a chart, as in Argo CD.
    pub(super) fn of(path: &Path) -> Self {
        let has = |name: &str| path.join(name).is_file();
        if KUSTOMIZATIONS.iter().any(|name| has(name)) {
            Self::Kustomize
        } else if has(CHART) {
            Self::Helm
        } else {
            Self::Plain
        }
    }
}

/// Finds a path of a repository on disk; both are returned without symbolic links: the repository's folder and the place.
pub(super) fn locate(root: &Path, path: &str) -> Result<(PathBuf, PathBuf), Error> {
    let leads_out = || Error::LeadsOut(path.to_owned());
    let plain = |component: Component<'_>| matches!(component, Component::Normal(_) | Component::CurDir);
    if !Path::new(path).components().all(plain) {
        return Err(leads_out());
    }
    let root = root.canonicalize().map_err(|source| Error::Unreadable {
        path: root.to_owned(),
        source,
    })?;
    let place = root.join(path).canonicalize().map_err(|_| Error::NotThere {
        path: path.to_owned(),
        near: near(&root.join(path)),
    })?;
    if place.starts_with(&root) {
        Ok((root, place))
    } else {
        Err(leads_out())
    }
}

/// Returns the name of a file in a folder of the repository, as the repository names it.
pub(super) fn within(folder: &str, file: &str) -> String {
    if folder == "." {
        file.to_owned()
    } else {
        format!("{folder}/{file}")
    }
}

/// Returns the name beside a missing one that looks most like it.
fn near(missing: &Path) -> Option<String> {
    let wanted = missing.file_name()?.to_string_lossy().into_owned();
    std::fs::read_dir(missing.parent()?)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .map(|name| (strsim::jaro_winkler(&name, &wanted), name))
        .filter(|(score, _)| *score > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_leave_the_repository_are_refused() {
        let root = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(outside.path(), root.path().join("link")).unwrap();
        std::fs::create_dir(root.path().join("inside")).unwrap();
        std::os::unix::fs::symlink("inside", root.path().join("kept")).unwrap();
        for path in ["..", "a/../../b", "/etc", "link"] {
            assert!(matches!(locate(root.path(), path), Err(Error::LeadsOut(_))), "{path}");
        }
        for path in ["", ".", "inside", "./inside/", "kept"] {
            assert!(locate(root.path(), path).is_ok(), "{path}");
        }
        let error = locate(root.path(), "insde").unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no `insde` in the repository; did you mean `inside`?"
        );
    }
}
