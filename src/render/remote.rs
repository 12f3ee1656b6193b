//! Bases of a kustomization that are on servers.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::kustomize::file;
use super::values::inside;
use crate::yaml;

/// Finds a base on a server that a kustomization names, itself or by its bases in the repository. What cannot be read is for
/// kustomize to name, which runs without the network.
pub(super) fn base(root: &Path, folder: &Path) -> Option<String> {
    let mut seen = BTreeSet::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        if !seen.insert(folder.clone()) {
            continue;
        }
        for named in named(&folder) {
            let below: Option<PathBuf> = inside(root, &folder, &named).ok().filter(|path| path.exists());
            match below {
                Some(path) if path.is_dir() => open.push(path),
                None if is_on_a_server(&named) => return Some(named),
                _ => {}
            }
        }
    }
    None
}

/// Returns what the kustomization of a folder names.
fn named(folder: &Path) -> Vec<String> {
    let text = file(folder)
        .and_then(|file| std::fs::read_to_string(file).ok())
        .unwrap_or_default();
    let documents = yaml::manifests(&text).unwrap_or_default();
    let lists = documents
        .iter()
        .flat_map(|(_, document)| ["resources", "bases", "components"].map(|field| &document[field]));
    let entries = lists.filter_map(Value::as_array).flatten();
    entries.filter_map(|entry| entry.as_str().map(str::to_owned)).collect()
}

/// Whether a name that is no path of the repository is one of a server (`api/internal/git/repospec.go` of kustomize).
fn is_on_a_server(name: &str) -> bool {
    let host = name.split('/').next().unwrap_or_default();
    name.contains("://")
        || name.contains("?ref=")
        || name.starts_with("git::")
        || name.starts_with("git@")
        || (host.contains('.') && !host.starts_with('.') && name.contains('/') && !name.contains(".yaml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_on_a_server_is_found_behind_bases_of_the_repository() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let file = root.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        };
        write("app/kustomization.yaml", "resources: [../base, a.yaml, missing.yaml]\n");
        write("base/kustomization.yml", "components: [../app, ../part]\n");
        write("part/Kustomization", "resources: []\n");
        let found = || base(root.path(), &root.path().join("app"));
        assert_eq!(found(), None);
        for server in [
            "https://github.com/a/b//c?ref=v1",
            "github.com/a/b/c",
            "git@github.com:a/b.git",
            "ssh://git@h/a",
            "https://h/a.yaml",
        ] {
            write("part/Kustomization", &format!("resources: ['{server}']\n"));
            assert_eq!(found().as_deref(), Some(server));
        }
    }
}
