//! What a restore will need of Secrets that neither Git nor the runbook brings.

use std::collections::BTreeSet;

use futures::future::try_join_all;
use serde_json::Value;

use super::super::World;
use super::super::stores::wipe;
use super::live::{ALL_KEYS, Other};
use super::told::Needed;
use crate::cluster::Cluster;
use crate::event::Failure;
use crate::graph::{Graph, Unknown};
use crate::object::ObjectRef;
use crate::platform::flux;
use crate::runbook::{Runbook, StoreKind};

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
            id: node.id.clone(),
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
    let of_graph = world.graph.get().map(|graph| of_graph(graph)).unwrap_or_default();
    let mut all: Vec<Other> = marked.to_vec();
    for other in of_graph {
        // One that bears a mark is known by what it is.
        if !all.iter().any(|known| known.id == other.id) {
            all.push(other);
        }
    }
    let looks = all.into_iter().map(|other| async move {
        if !other.shape.is_empty() {
            return Ok::<_, Failure>(Some(other));
        }
        let Some(mut object) = cluster.get(&other.id).await? else {
            return Ok(None);
        };
        let kind = object["type"].as_str().unwrap_or("Opaque").to_owned();
        let is_made = MADE.contains(&kind.as_str())
            || object["metadata"].get("ownerReferences").is_some()
            || object["metadata"]["annotations"].get("cert-manager.io/certificate-name").is_some();
        wipe(&mut object);
        Ok((!is_made).then_some(Other { shape: kind, ..other }))
    });
    let found = try_join_all(looks).await?.into_iter().flatten();
    Ok(found.map(|other| told(runbook, other)).collect())
}

/// Tells of one, with what to write into the runbook.
fn told(runbook: &Runbook, other: Other) -> Needed {
    let namespace = &other.id.namespace;
    let is_agents = other.shape.starts_with("argocd/");
    let is_keys = other.id.name == ALL_KEYS;
    let name = match () {
        () if is_keys => "sealed-secrets".to_owned(),
        () if runbook.secrets.contains_key(&other.id.name) => format!("{namespace}-{}", other.id.name),
        () => other.id.name.clone(),
    };
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
        needed_by: other.needed_by,
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
    match places.find(|from| is_writable(&from.store)) {
        Some(from) => {
            let folder = from.path.trim_end_matches('/').rsplit_once('/');
            let folder = folder.map_or(String::new(), |(folder, _)| format!("{folder}/"));
            (from.store.clone(), folder)
        }
        None => {
            let mut stores = runbook.stores.iter().map(|store| store.name.as_str());
            let store = stores.find(|name| is_writable(name)).unwrap_or("vault");
            (store.to_owned(), format!("{}/", runbook.name))
        }
    }
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
            let told = told(&runbook(), other);
            assert_eq!(told.entry, expected);
            // It is a runbook again with that.
            let text = format!("secrets:\n  {}\n", told.entry);
            assert!(serde_saphyr::from_str::<Value>(&text).is_ok(), "{text}");
        }
    }
}
