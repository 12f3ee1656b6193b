//! Whether Flux will open what SOPS has encrypted in a repository, by what is public of it alone: for whom a file was encrypted stands in it.
//!
//! Sources: kustomize-controller `internal/decryptor`: the keys of a decryption Secret by the ends of their names, an encrypted Secret without
//! `spec.decryption` is refused; SOPS `stores/stores.go`: where a file says for whom it is. Files are looked at as they lie below
//! `spec.path`, and where a `kustomization.yaml` there leads; nothing is rendered or decrypted.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;

use crate::object::ObjectRef;
use crate::yaml;

const KUSTOMIZE: &str = "kustomize.toolkit.fluxcd.io/";
const SOURCE: &str = "source.toolkit.fluxcd.io/";

/// The files of a source, by their paths within it.
pub trait Files {
    /// Returns the paths of all files.
    fn all(&self) -> &[String];
    /// Returns the text of a file; `None` where it is no text, or too long to be a manifest.
    fn text(&self, path: &str) -> Option<String>;
}

/// A source that Kustomizations may be read from.
pub struct Source<'run> {
    /// Its name in the runbook.
    pub name: &'run str,
    /// Its address.
    pub address: &'run str,
    /// Its files.
    pub files: &'run dyn Files,
}

/// A Kustomization with what is encrypted of what it applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decryption {
    /// The Kustomization.
    pub kustomization: ObjectRef,
    /// Whether it decrypts at all.
    pub decrypts: bool,
    /// The Secret that it decrypts with; `None` where it names none.
    pub secret: Option<ObjectRef>,
    /// What is encrypted.
    pub sealed: Vec<Sealed>,
}

/// A file that SOPS has encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// `SOURCE:PATH`.
    pub place: String,
    /// For whom, by age.
    pub recipients: Vec<String>,
    /// Whether something else opens it, too: PGP, a cloud's KMS, Vault's transit engine.
    pub has_others: bool,
    /// Whether it is a Secret, which is refused where nothing decrypts it.
    pub is_secret: bool,
}

/// Finds the Kustomizations below folders of sources, each a place in `sources` and a path, and those that follow from them.
pub fn decryptions(sources: &[Source<'_>], roots: &[(usize, String)]) -> Vec<Decryption> {
    let (mut found, mut seen) = (BTreeMap::new(), BTreeSet::new());
    let mut queue: VecDeque<(usize, String)> = roots.iter().map(|(at, path)| (*at, tidy(path))).collect();
    while let Some((at, path)) = queue.pop_front() {
        let Some(source) = sources.get(at).filter(|_| seen.insert((at, path.clone()))) else {
            continue;
        };
        let documents: Vec<Value> = below(source, &path)
            .iter()
            .filter(|file| is_yaml(file))
            .filter_map(|file| yaml::manifests(&source.files.text(file)?).ok())
            .flatten()
            .map(|(_, value)| value)
            .collect();
        for one in documents.iter().filter(|one| is(one, KUSTOMIZE, "Kustomization")) {
            let id = identity(one);
            let Some(of) = read_from(sources, at, &documents, one) else {
                continue;
            };
            let path = tidy(text(one, "/spec/path"));
            queue.push_back((of, path.clone()));
            let name = text(one, "/spec/decryption/secretRef/name");
            let secret = (!name.is_empty()).then(|| ObjectRef::new("v1", "Secret", &id.namespace, name));
            let sealed = below(&sources[of], &path);
            let sealed = sealed.iter().filter_map(|file| {
                let place = format!("{}:{file}", sources[of].name);
                sealed_file(file, &sources[of].files.text(file)?, place)
            });
            let decryption = Decryption {
                kustomization: id.clone(),
                decrypts: text(one, "/spec/decryption/provider") == "sops",
                secret,
                sealed: sealed.collect(),
            };
            found.insert(id, decryption);
        }
    }
    found.into_values().collect()
}

/// Returns the source that a Kustomization is read from: that of the address which its `GitRepository` has, else the one in which it is
/// itself, which is where `flux bootstrap` puts it. What is read from anywhere else is not known here.
fn read_from(sources: &[Source<'_>], own: usize, documents: &[Value], one: &Value) -> Option<usize> {
    if text(one, "/spec/sourceRef/kind") != "GitRepository" {
        return None;
    }
    let name = text(one, "/spec/sourceRef/name");
    let mut repositories = documents.iter().filter(|other| is(other, SOURCE, "GitRepository"));
    let address = repositories.find(|other| text(other, "/metadata/name") == name);
    let Some(address) = address.map(|repository| bare(text(repository, "/spec/url"))) else {
        return Some(own);
    };
    let mut named = sources.iter();
    named.position(|source| bare(source.address) == address)
}

/// Returns an address without what does not tell two repositories apart.
fn bare(address: &str) -> String {
    let address = address.split_once("://").map_or(address, |(_, rest)| rest);
    let address = address.rsplit_once('@').map_or(address, |(_, rest)| rest);
    let address = address
        .trim_end_matches('/')
        .trim_end_matches(".git")
        .replacen(':', "/", 1);
    address.to_lowercase()
}

/// Returns the files below a folder, and those to which a `kustomization.yaml` among them leads.
fn below(source: &Source<'_>, path: &str) -> Vec<String> {
    let (mut files, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut queue = VecDeque::from([path.to_owned()]);
    while let Some(path) = queue.pop_front() {
        if !seen.insert(path.clone()) {
            continue;
        }
        for file in source.files.all().iter().filter(|file| is_below(file, &path)) {
            files.insert(file.clone());
            let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
            if !matches!(name, "kustomization.yaml" | "kustomization.yml" | "Kustomization") {
                continue;
            }
            let documents = source.files.text(file).and_then(|text| yaml::manifests(&text).ok());
            for (_, document) in documents.unwrap_or_default() {
                let lists = ["resources", "bases", "components"].into_iter();
                let named = lists.filter_map(|list| document.get(list)?.as_array()).flatten();
                let near = named.filter_map(Value::as_str).filter(|name| !name.contains("://"));
                queue.extend(near.filter_map(|name| within(folder, name)));
            }
        }
    }
    files.into_iter().collect()
}

fn is_below(file: &str, path: &str) -> bool {
    path.is_empty() || file == path || file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'))
}

/// Returns where a relative path leads from a folder; `None` where that is out of the source.
fn within(folder: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn tidy(path: &str) -> String {
    within("", path).unwrap_or_default()
}

fn is_yaml(file: &str) -> bool {
    ends(file, &[".yaml", ".yml"])
}

/// Whether a name ends so, letter by letter, as SOPS and Flux look at it.
pub(super) fn ends(name: &str, ends: &[&str]) -> bool {
    ends.iter().any(|end| name.ends_with(end))
}

/// The other ways in which a file may have been encrypted, as SOPS calls them.
const OTHERS: [&str; 7] = ["pgp", "kms", "gcp_kms", "hckms", "azure_kv", "hc_vault", "key_groups"];

/// Returns for whom a file was encrypted; `None` where SOPS has not.
fn sealed_file(file: &str, text: &str, place: String) -> Option<Sealed> {
    if !text.contains("sops") {
        return None;
    }
    if ends(file, &[".env", ".ini"]) {
        return flat(text, place);
    }
    let documents: Vec<Value> = if is_yaml(file) {
        yaml::manifests(text)
            .ok()?
            .into_iter()
            .map(|(_, value)| value)
            .collect()
    } else {
        vec![serde_json::from_str(text).ok()?]
    };
    let said: Vec<&Value> = documents
        .iter()
        .filter_map(|document| document.get("sops"))
        .filter(|sops| sops.get("mac").is_some() || sops.get("version").is_some())
        .collect();
    let lists = |name: &str| {
        said.iter()
            .filter_map(|sops| sops.get(name)?.as_array())
            .flatten()
            .collect::<Vec<_>>()
    };
    let recipients = lists("age")
        .into_iter()
        .filter_map(|one| one.get("recipient")?.as_str().map(str::to_owned));
    (!said.is_empty()).then(|| Sealed {
        place,
        recipients: recipients.collect(),
        has_others: OTHERS.iter().any(|name| !lists(name).is_empty()),
        is_secret: documents.iter().any(|document| is(document, "v1", "Secret")),
    })
}

/// Reads what SOPS writes where a file has no lists: `sops_age__list_0__map_recipient=…`, in INI without `sops_` below `[sops]`.
fn flat(text: &str, place: String) -> Option<Sealed> {
    let (mut recipients, mut has_others, mut is_sealed) = (Vec::new(), false, false);
    for (key, value) in text.lines().filter_map(|line| line.split_once('=')) {
        let (key, value) = (key.trim().trim_start_matches("sops_"), value.trim());
        is_sealed |= key == "mac" && value.starts_with("ENC[");
        if key.starts_with("age__list_") && key.ends_with("__map_recipient") {
            recipients.push(value.to_owned());
        }
        has_others |= OTHERS.iter().any(|other| key.starts_with(&format!("{other}__list_")));
    }
    is_sealed.then_some(Sealed {
        place,
        recipients,
        has_others,
        is_secret: false,
    })
}

fn is(value: &Value, version: &str, kind: &str) -> bool {
    text(value, "/kind") == kind && text(value, "/apiVersion").starts_with(version)
}

fn identity(value: &Value) -> ObjectRef {
    let [version, kind, namespace, name] =
        ["/apiVersion", "/kind", "/metadata/namespace", "/metadata/name"].map(|pointer| text(value, pointer));
    let namespace = if namespace.is_empty() { "flux-system" } else { namespace };
    ObjectRef::new(version, kind, namespace, name)
}

fn text<'value>(value: &'value Value, pointer: &str) -> &'value str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
#[path = "sealed_tests.rs"]
mod tests;
