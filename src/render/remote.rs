//! What a kustomization names on servers: bases, and files that kustomize would fetch for any of its lists.
//!
//! A proxy at which nobody listens keeps no Go program from this machine's own addresses (`net/http.ProxyFromEnvironment`), so
//! that whatever could be fetched is found before the program begins.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Error;
use super::kustomize::file;
use super::values::inside;
use crate::yaml;

/// Lists whose entries may be folders.
const BASES: [&str; 3] = ["resources", "bases", "components"];

/// Lists whose entries are folders, files or inline documents that say what a plugin of kustomize itself does.
const PLUGINS: [&str; 3] = ["generators", "transformers", "validators"];

/// Fields, at any depth, by whose text a file is read (`api/types`, and the configurations of the plugins of kustomize itself).
const FILES: [&str; 13] = [
    "additionalvaluesfiles",
    "chartrepo",
    "chartrepourl",
    "configurations",
    "crds",
    "env",
    "envs",
    "files",
    "patchesstrategicmerge",
    "path",
    "paths",
    "values",
    "valuesfile",
];

/// Fields in which any word may stand that is not read as a path.
const WORDS: [&str; 9] = [
    "annotations",
    "commonannotations",
    "commonlabels",
    "labels",
    "literals",
    "metadata",
    "options",
    "patch",
    "valuesinline",
];

/// Something on a server that a kustomization names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Remote {
    /// The name as it is written.
    pub(super) name: String,
    /// Whether it is one of a list of bases.
    pub(super) is_base: bool,
    /// The file that names it, from the top of the repository, and the line.
    place: String,
}

impl Remote {
    /// Whether git would read a repository of this machine for it.
    pub(super) fn is_of_this_machine(&self) -> bool {
        let name = self.name.trim().to_ascii_lowercase();
        name.strip_prefix("git::").unwrap_or(&name).starts_with("file:")
    }

    /// Says why it is not fetched.
    pub(super) fn refused(&self) -> Error {
        if self.is_of_this_machine() {
            return Error::Unknown(format!(
                "`{}` is on this machine and not in the repository, so that it is not read: {}",
                self.name, self.place
            ));
        }
        let what = if self.is_base { "base" } else { "file" };
        Error::Unknown(format!(
            "`{}` is a {what} on a server, which is not fetched: {}",
            self.name, self.place
        ))
    }
}

/// Finds what is on servers of all that a kustomization names, itself or by what it names in the repository. An error where a
/// kustomization cannot be read, for kustomize may read it otherwise.
pub(super) fn named(root: &Path, folder: &Path) -> Result<Vec<Remote>, Error> {
    let mut search = Search {
        root,
        seen: BTreeSet::new(),
        open: vec![(folder.to_owned(), false)],
        found: Vec::new(),
    };
    while let Some((path, is_of_plugins)) = search.open.pop() {
        if search.seen.insert((path.clone(), is_of_plugins)) {
            search.look_at(&path, is_of_plugins)?;
        }
    }
    Ok(search.found)
}

struct Search<'root> {
    root: &'root Path,
    /// Each with whether its documents are configurations of plugins.
    seen: BTreeSet<(PathBuf, bool)>,
    open: Vec<(PathBuf, bool)>,
    found: Vec<Remote>,
}

impl Search<'_> {
    /// Looks at the kustomization of a folder, or at the file of a plugin.
    fn look_at(&mut self, path: &Path, is_of_plugins: bool) -> Result<(), Error> {
        let is_folder = path.is_dir();
        let Some(file) = (if is_folder { file(path) } else { Some(path.to_owned()) }) else {
            return Ok(());
        };
        let folder = file.parent().unwrap_or(self.root).to_owned();
        let below = file.strip_prefix(self.root).unwrap_or(&file).display().to_string();
        let text = std::fs::read_to_string(&file).map_err(|source| Error::Unreadable {
            path: file.clone(),
            source,
        })?;
        let documents =
            yaml::manifests(&text).map_err(|error| Error::Refused(format!("{below} cannot be read: {error}")))?;
        for (_, document) in documents {
            let written = Written {
                folder: &folder,
                file: &below,
                text: &text,
                charts: charts(&document),
                is_of_plugins,
            };
            self.walk(&written, &document);
        }
        Ok(())
    }

    fn walk(&mut self, written: &Written<'_>, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.walk(written, item)),
            Value::Object(fields) => {
                for (name, field) in fields {
                    let name = folded(name);
                    let is_one = |names: &[&str]| names.contains(&name.as_str());
                    if is_one(&BASES) || is_one(&PLUGINS) {
                        texts(field).for_each(|text| self.entry(written, text, is_one(&BASES)));
                    } else if name == "repo" && !is_there(written, fields) {
                        self.found.extend(texts(field).map(|text| written.remote(text, false)));
                    } else if is_one(&FILES) {
                        let may_be_inline = name == "patchesstrategicmerge";
                        let remote = texts(field).filter(|text| is_fetched(text, may_be_inline));
                        self.found.extend(remote.map(|text| written.remote(text, false)));
                    }
                    if !is_one(&WORDS) {
                        self.walk(written, field);
                    }
                }
            }
            _ => {}
        }
    }

    /// Looks at an entry of a list of folders, files or inline documents.
    fn entry(&mut self, written: &Written<'_>, text: &str, is_base: bool) {
        // Kustomize asks for an address first, whether or not there is a folder of this name.
        if is_fetched(text, !is_base) {
            self.found.push(written.remote(text, is_base));
            return;
        }
        let below = inside(self.root, written.folder, text).ok();
        match below.filter(|path| path.exists()) {
            Some(path) if !is_base || written.is_of_plugins || path.is_dir() => {
                self.open.push((path, !is_base || written.is_of_plugins));
            }
            None if is_inline(text) => match yaml::manifests(text) {
                // What kustomize cannot read as a document it takes for a path, and one that begins with an address for a server's.
                Ok(documents) if !is_on_a_server(text.split_whitespace().next().unwrap_or_default()) => {
                    for (_, document) in &documents {
                        self.walk(written, document);
                    }
                }
                _ if is_on_a_server(text) => self.found.push(written.remote(text, is_base)),
                _ => {}
            },
            None if is_on_a_server(text) => self.found.push(written.remote(text, is_base)),
            // What a file of resources holds is read by nobody as if it named files.
            _ => {}
        }
    }
}

/// A file, for the places in it.
struct Written<'file> {
    folder: &'file Path,
    file: &'file str,
    text: &'file str,
    /// The folder of the charts, where it is known.
    charts: Option<String>,
    is_of_plugins: bool,
}

impl Written<'_> {
    fn remote(&self, name: &str, is_base: bool) -> Remote {
        let line = self
            .text
            .lines()
            .position(|line| line.contains(name))
            .unwrap_or_default()
            + 1;
        Remote {
            name: name.to_owned(),
            is_base,
            place: format!("{}:{line}", self.file),
        }
    }
}

/// Folds the cases of a name as Go does, by whose JSON a kustomization is read: `ſ` and `K` are letters like any other.
fn folded(name: &str) -> String {
    name.to_lowercase().to_uppercase().to_lowercase()
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    value.as_str().into_iter().chain(items.iter().filter_map(Value::as_str))
}

/// Whether kustomize would fetch a file of this name (`HasRemoteFileScheme` in `api/internal/loader`), which may have another name
/// in front, as in `name=https://…`. Where a document may stand instead, what is written within it is no name.
fn is_fetched(text: &str, may_be_inline: bool) -> bool {
    let begins = |text: &str| {
        let scheme = text.trim().split(':').next().unwrap_or_default().to_ascii_lowercase();
        text.contains(':') && (scheme == "http" || scheme == "https")
    };
    let is_document = may_be_inline && is_inline(text);
    begins(text) || !is_document && text.split_once('=').is_some_and(|(_, file)| begins(file))
}

/// Whether a text that may be a path or a document is a document: no path has lines or begins as JSON does.
fn is_inline(text: &str) -> bool {
    text.contains('\n') || text.trim_start().starts_with('{')
}

/// Returns the text of a field, or what it is where there is none; nothing where it is written in a way that another reader may
/// take otherwise.
fn plain<'value>(fields: &'value serde_json::Map<String, Value>, name: &str, or: &'value str) -> Option<&'value str> {
    let mut alike = fields.iter().filter(|(written, _)| folded(written) == folded(name));
    match (alike.next(), alike.next()) {
        (None, _) => Some(or),
        (Some((written, value)), None) if written == name => value.as_str(),
        _ => None,
    }
}

/// Returns the folder of a kustomization in which its charts are.
fn charts(kustomization: &Value) -> Option<String> {
    let fields = kustomization.as_object()?;
    let mut globals = fields.iter().filter(|(name, _)| folded(name) == "helmglobals");
    match (globals.next(), globals.next()) {
        (None, _) => Some("charts".to_owned()),
        (Some((_, Value::Object(globals))), None) => plain(globals, "chartHome", "charts").map(str::to_owned),
        _ => None,
    }
}

/// Whether the chart of a repository is in the folder, so that nobody is asked (`chartExistsLocally` of kustomize).
fn is_there(written: &Written<'_>, chart: &serde_json::Map<String, Value>) -> bool {
    let there = || {
        let (name, version) = (plain(chart, "name", "")?, plain(chart, "version", "")?);
        let known = written.charts.as_deref()?;
        let folder = written.folder.join(known).join(format!("{name}-{version}")).join(name);
        Some(!name.is_empty() && !version.is_empty() && folder.is_dir())
    };
    there().unwrap_or_default()
}

/// Whether a name that is no path of the repository is one of a server (`api/internal/git/repospec.go` of kustomize).
fn is_on_a_server(name: &str) -> bool {
    let host = name.split('/').next().unwrap_or_default();
    name.contains("://")
        || name.contains("?ref=")
        || name.starts_with("git::")
        || name.starts_with("git@")
        || name.to_ascii_lowercase().starts_with("file:")
        || (host.contains('.') && !host.starts_with('.') && name.contains('/') && !name.contains(".yaml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, name: &str, text: &str) {
        let file = root.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    fn names(root: &Path) -> Vec<String> {
        let found = named(root, &root.join("app")).unwrap();
        found.into_iter().map(|remote| remote.name).collect()
    }

    #[test]
    fn a_base_on_a_server_is_found_behind_bases_of_the_repository() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        write(
            &root,
            "app/kustomization.yaml",
            "resources: [../base, a.yaml, missing.yaml]\n",
        );
        write(&root, "base/kustomization.yml", "components: [../app, ../part]\n");
        write(&root, "part/Kustomization", "resources: []\n");
        assert_eq!(names(&root), [""; 0]);
        for server in [
            "https://github.com/a/b//c?ref=v1",
            "github.com/a/b/c",
            "git@github.com:a/b.git",
            "ssh://git@h/a",
            "https://h/a.yaml",
        ] {
            write(&root, "part/Kustomization", &format!("resources:\n- '{server}'\n"));
            assert_eq!(names(&root), [server]);
            let refused = named(&root, &root.join("app")).unwrap()[0].refused().to_string();
            assert_eq!(
                refused,
                format!("`{server}` is a base on a server, which is not fetched: part/Kustomization:2")
            );
        }
    }

    #[test]
    fn an_address_within_an_inline_document_is_none_of_a_file_unless_a_file_is_fetched_by_it() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let about = "apiVersion: builtin\\nkind: ConfigMapGenerator\\nmetadata: {name: g}";
        for (list, expected) in [
            (
                "patchesStrategicMerge: [\"kind: Pod\\nargs: ['--url=http://backend']\\n\"]".to_owned(),
                None,
            ),
            (
                r#"patchesStrategicMerge: ['{"kind": "Pod", "args": ["--url=http://h"]}']"#.to_owned(),
                None,
            ),
            (format!("generators: [\"{about}\\nliterals: [url=http://h]\\n\"]"), None),
            (
                format!("generators: [\"{about}\\nfiles: [a=http://h]\\n\"]"),
                Some("a=http://h"),
            ),
            // No document stands in these, nor where a document would begin as an address does.
            (
                "configMapGenerator: [{name: g, files: ['{a=http://h']}]".to_owned(),
                Some("{a=http://h"),
            ),
            ("resources: [\"a=http://h\\n\"]".to_owned(), Some("a=http://h\n")),
            (
                "generators: [\"git::ssh://h/a: x\\n\"]".to_owned(),
                Some("git::ssh://h/a: x\n"),
            ),
            (
                "patchesStrategicMerge: [\"http://h/a\\n\"]".to_owned(),
                Some("http://h/a\n"),
            ),
        ] {
            write(&root, "app/kustomization.yaml", &format!("{list}\n"));
            assert_eq!(names(&root), expected.as_slice(), "{list}");
        }
    }

    #[test]
    fn what_is_no_address_for_kustomize_is_found_in_no_list() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        write(&root, "app/charts/redis-1.0.0/redis/Chart.yaml", "name: redis\n");
        write(
            &root,
            "app/kustomization.yaml",
            "commonAnnotations: {path: 'http://h/a'}\nconfigMapGenerator: [{name: a, literals: ['url=http://h/a'], files: [httpd.conf, 'a=b.txt']}]\npatches: [{patch: '[{op: add, path: /data/url, value: http://h/a}]'}]\nresources: [pod.yaml]\nhelmCharts: [{name: redis, version: 1.0.0, repo: 'https://h/charts', valuesInline: {path: 'http://h'}}]\n",
        );
        write(&root, "app/pod.yaml", "apiVersion: v1\nkind: Pod\npath: http://h/a\n");
        assert_eq!(names(&root), [""; 0]);
    }
}
