//! What a restore will need of Secrets that neither Git nor the runbook brings.

use std::collections::BTreeSet;

use futures::future::try_join_all;
use serde_json::Value;

use super::super::World;
use super::super::stores::wipe;
use super::live::{ALL_KEYS, Other, is_made, plain};
use super::told::Needed;
use crate::cluster::Cluster;
use crate::event::Failure;
use crate::finding::Finding;
use crate::graph::{Graph, Standing, Unknown};
use crate::object::ObjectRef;
use crate::platform::argocd::secret;
use crate::platform::flux;
use crate::runbook::{AgentKind, Runbook, SecretShape, SecretSpec, StoreKind};

/// The types of Secret that Kubernetes or a program makes for itself.
const MADE: [&str; 3] = [
    "kubernetes.io/service-account-token",
    "bootstrap.kubernetes.io/token",
    "helm.sh/release.v1",
];

/// Returns the Secrets that objects of Flux in the live cluster read.
pub(super) async fn of_flux(cluster: &Cluster) -> Result<Vec<Other>, Failure> {
    let lists = flux::KINDS.iter().filter_map(|(group, kind)| {
        let api_version = cluster.served(Some(group), kind)?;
        Some(async move { cluster.labelled(&api_version, kind, "", "").await })
    });
    let mut found = BTreeSet::new();
    for object in try_join_all(lists).await?.into_iter().flatten() {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let namespace = text("/metadata/namespace");
        for name in flux::secrets(&object["spec"]) {
            found.insert(Other {
                id: ObjectRef::new("v1", "Secret", namespace, name),
                shape: String::new(),
                needed_by: format!("{} {namespace}/{}", text("/kind"), text("/metadata/name")),
            });
        }
    }
    Ok(found.into_iter().collect())
}

/// Returns the Secrets that the graph of the sources needs and that nothing known brings.
fn of_graph(graph: &Graph) -> Vec<Other> {
    let unknowns = graph.unknowns().into_iter().filter_map(|unknown| match unknown {
        Unknown::Missing { node, needed_by } => Some((graph.node(node), needed_by)),
        Unknown::App { .. } => None,
    });
    unknowns
        // What another cluster needs is in that cluster.
        .filter(|(node, _)| node.cluster.is_empty() && node.id.group.is_empty() && node.id.kind == "Secret")
        .map(|(node, needed_by)| Other {
            // Who refers to a Secret names no version.
            id: ObjectRef::new("v1", "Secret", &node.id.namespace, &node.id.name),
            shape: String::new(),
            needed_by: needed_by
                .first()
                .map(|edge| format!("{} ({})", graph.node(edge.later.0), edge.place))
                .unwrap_or_default(),
        })
        .collect()
}

/// Returns what the live cluster has of all that, each with the entry that the runbook lacks.
pub(super) async fn needed(world: &World, marked: &[Other]) -> Result<Vec<Needed>, Failure> {
    let (runbook, cluster) = (world.runbook()?, world.cluster()?);
    let graph = world.graph.get();
    // What the sources of an app hold, or what they make, comes back with them.
    let is_brought = |id: &ObjectRef| {
        let node = graph.and_then(|graph| Some(graph.node(graph.find("", id)?)));
        node.is_some_and(|node| matches!(node.standing, Standing::Brought | Standing::Made))
    };
    let mut all: Vec<Other> = marked.iter().filter(|other| !is_brought(&other.id)).cloned().collect();
    for other in graph.map(|graph| of_graph(graph)).unwrap_or_default() {
        // One that bears a mark is known by what it is.
        if !all.iter().any(|known| known.id == other.id) {
            all.push(other);
        }
    }
    all.extend(settings(world).await?);
    let looks = all.into_iter().map(|other| async move {
        if !other.shape.is_empty() {
            return Ok::<_, Failure>(Some(other));
        }
        let Some(mut object) = cluster.get(&other.id).await? else {
            return Ok(None);
        };
        let kind = object["type"].as_str().unwrap_or("Opaque").to_owned();
        let is_made = MADE.contains(&kind.as_str()) || is_made(&object);
        wipe(&mut object);
        Ok((!is_made).then_some(Other { shape: kind, ..other }))
    });
    let mut names: BTreeSet<String> = runbook.secrets.keys().cloned().collect();
    let found = try_join_all(looks).await?.into_iter().flatten();
    Ok(found.map(|other| told(runbook, &mut names, other)).collect())
}

/// Returns the ConfigMaps of what Argo CD trusts that hold anything but what its install brings.
async fn settings(world: &World) -> Result<Vec<Other>, Failure> {
    let (runbook, cluster) = (world.runbook()?, world.cluster()?);
    let (Some(prepared), true) = (world.prepared.get(), runbook.agent.kind == AgentKind::Argocd) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for word in ["ssh-known-hosts", "tls-certs", "gpg-keys"] {
        let is_named = |spec: &SecretSpec| matches!(&spec.shape, SecretShape::Argocd(shape) if shape == word);
        let Some(name) = secret::settings_of(word).filter(|_| !runbook.secrets.values().any(is_named)) else {
            continue;
        };
        let id = ObjectRef::new("v1", "ConfigMap", &runbook.agent.namespace, name);
        let Some(map) = cluster.get(&id).await? else { continue };
        let mut installed = prepared.ground.iter().flat_map(|stage| &stage.manifests);
        let installed =
            installed.find(|manifest| manifest.kind() == "ConfigMap" && manifest.text("/metadata/name") == name);
        let installed = installed.map(|manifest| plain(manifest.value())).unwrap_or_default();
        if plain(&map).iter().any(|(key, value)| installed.get(key) != Some(value)) {
            found.push(Other {
                id,
                shape: format!("argocd/{word}"),
                needed_by: "Argo CD".to_owned(),
            });
        }
    }
    Ok(found)
}

/// Says of which apps nobody knows what they need.
pub(super) fn unforeseen(world: &World) -> Vec<Finding> {
    let Some(graph) = world.graph.get() else {
        return Vec::new();
    };
    let unknown = graph.unknowns().into_iter().filter_map(|unknown| match unknown {
        Unknown::App { node, reasons } => Some((graph.node(node), reasons)),
        Unknown::Missing { .. } => None,
    });
    unknown
        .map(|(app, reasons)| {
            let why = reasons.first().map(String::as_str).unwrap_or_default();
            Finding::warning(
                "capture/unknown-app",
                format!("which Secrets {app} needs is not known: {why}"),
            )
            .help("name them in the runbook yourself, or mend why it cannot be rendered here")
        })
        .collect()
}

/// Tells of one, with what to write into the runbook, under a name that nothing else has there.
fn told(runbook: &Runbook, names: &mut BTreeSet<String>, other: Other) -> Needed {
    let namespace = &other.id.namespace;
    let is_agents = other.shape.starts_with("argocd/");
    let is_keys = other.id.name == ALL_KEYS;
    let plain = if is_keys { "sealed-secrets" } else { &other.id.name };
    let name = if names.contains(plain) {
        format!("{namespace}-{plain}")
    } else {
        plain.to_owned()
    };
    names.insert(name.clone());
    let given = if is_agents || is_keys || name == other.id.name {
        String::new()
    } else {
        format!(", name: {}", other.id.name)
    };
    let shape = if is_agents {
        other.shape.clone()
    } else {
        format!("{{namespace: {namespace}, type: {}{given}}}", other.shape)
    };
    let (store, folder) = place(runbook);
    let slash = if is_keys { "/" } else { "" };
    Needed {
        object: if is_keys {
            format!("keys of Sealed Secrets in {namespace}")
        } else {
            other.id.to_string()
        },
        reader: other.needed_by,
        entry: format!("{name}: {{as: {shape}, from: {{{store}: {folder}{name}{slash}}}}}"),
    }
}

/// Returns the store and the folder that most resemble those of the other secrets.
fn place(runbook: &Runbook) -> (String, String) {
    let is_writable = |name: &str| {
        runbook
            .stores
            .iter()
            .any(|store| store.name == name && matches!(store.kind, StoreKind::Vault(_) | StoreKind::Aws(_)))
    };
    let mut places = runbook.secrets.values().flat_map(|spec| &spec.from);
    if let Some(from) = places.find(|from| is_writable(&from.store)) {
        let folder = from.path.trim_end_matches('/').rsplit_once('/');
        let folder = folder.map_or(String::new(), |(folder, _)| format!("{folder}/"));
        return (from.store.clone(), folder);
    }
    let mut stores = runbook.stores.iter().map(|store| store.name.as_str());
    let store = stores.find(|name| is_writable(name)).unwrap_or("vault");
    (store.to_owned(), format!("{}/", runbook.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runbook() -> Runbook {
        let text = "apiVersion: gitops-dr/v1\nkind: Runbook\nname: shop\ntarget: {context: new}\n\
             sources:\n  platform: {git: \"https://git.example.com/p.git\", revision: main}\n\
             stores:\n  - env: {prefix: DR_}\n  - aws: {region: eu-west-1}\n\
             agent: {argocd: {from: {source: platform, path: argocd}}}\n\
             secrets:\n  db: {as: {namespace: shop, type: Opaque}, from: [{env: DB}, {aws: prod/dr/db}]}\n\
             roots:\n  - {id: apps, source: platform, path: apps}\n";
        let (runbook, findings) = crate::runbook::parse("shop.yaml", text);
        runbook.unwrap_or_else(|| panic!("{findings:?}"))
    }

    #[test]
    fn what_the_runbook_lacks_is_told_as_it_is_to_be_written() {
        for (namespace, name, shape, expected) in [
            (
                "argocd",
                "repo-1234",
                "argocd/repository",
                "repo-1234: {as: argocd/repository, from: {aws: prod/dr/repo-1234}}",
            ),
            (
                "edge",
                "tls",
                "kubernetes.io/tls",
                "tls: {as: {namespace: edge, type: kubernetes.io/tls}, from: {aws: prod/dr/tls}}",
            ),
            (
                "search",
                "db",
                "Opaque",
                "search-db: {as: {namespace: search, type: Opaque, name: db}, from: {aws: prod/dr/search-db}}",
            ),
            (
                "kube-system",
                ALL_KEYS,
                "sealed-secrets/keys",
                "sealed-secrets: {as: {namespace: kube-system, type: sealed-secrets/keys}, from: {aws: prod/dr/sealed-secrets/}}",
            ),
        ] {
            let other = Other {
                id: ObjectRef::new("v1", "Secret", namespace, name),
                shape: shape.into(),
                needed_by: "Deployment shop/cart".into(),
            };
            let known = runbook();
            let mut names = known.secrets.keys().cloned().collect();
            let told = told(&known, &mut names, other);
            assert_eq!(told.entry, expected);
            // It is a runbook again with that.
            let text = format!("secrets:\n  {}\n", told.entry);
            assert!(crate::yaml::runbook::<Value>(&text).is_ok(), "{text}");
        }
    }
}
