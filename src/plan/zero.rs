//! The first secrets of a platform: what others are read or decrypted with, and what nobody brings.
//!
//! A store of external-secrets that cannot log in, and a Kustomization of Flux that cannot decrypt, hold up all that stands on them.
//! The sources name the Secret, and nothing in them brings it: it has to come from elsewhere, before them.

use std::collections::{BTreeMap, BTreeSet};

use super::text::few;
use crate::graph::{Cycle, Edge, Graph, NodeId, Platform, Reason, Unknown};
use crate::object::ObjectRef;
use crate::runbook::{Runbook, SecretShape};

const EXTERNAL: &str = "external-secrets.io";
const FLUX: &str = ".toolkit.fluxcd.io";

/// How many are told: more than these are one mistake in a template.
const SHOWN: usize = 8;

/// Says of each Secret with which a store of external-secrets logs in, or an object of Flux reads, decrypts or is filled, that neither the
/// runbook restores it nor an app brings it, or that it comes out of the very store that it opens; with the entry that the runbook
/// lacks. A sentence or two each.
pub fn unopened(graph: &Graph, platform: &Platform, runbook: &Runbook) -> Vec<String> {
    let mut lacking: BTreeMap<NodeId, (Vec<Edge>, Option<NodeId>)> = BTreeMap::new();
    for unknown in graph.unknowns() {
        if let Unknown::Missing { node, needed_by } = unknown {
            let readers: Vec<Edge> = needed_by.into_iter().filter(|edge| opens(graph, edge)).collect();
            if !readers.is_empty() {
                lacking.insert(node, (readers, None));
            }
        }
    }
    for cycle in graph.cycles() {
        if let Some((reader, maker)) = own_circle(graph, cycle) {
            lacking.insert(reader.earlier.0, (vec![reader.clone()], Some(maker)));
        }
    }
    let more = lacking.len().saturating_sub(SHOWN);
    let told = lacking.into_iter().take(SHOWN);
    let mut told: Vec<String> = told
        .map(|(secret, (readers, maker))| {
            let keys = readers.iter().filter_map(|edge| key(graph, platform, edge)).collect();
            let said = match maker {
                Some(maker) => in_circle(graph, secret, &readers, maker),
                None => lack(graph, secret, &readers, runbook),
            };
            let node = graph.node(secret);
            format!("{said} {}", mend(&node.cluster, &node.id, runbook, &keys))
        })
        .collect();
    if more > 0 {
        told.push(format!(
            "{more} more Secrets that others are opened with come from nowhere that is known."
        ));
    }
    told
}

/// Whether what lacks this Secret is told by [`unopened`], so that nobody else needs to.
pub(super) fn is_told(graph: &Graph, needed_by: &[Edge]) -> bool {
    needed_by.iter().any(|edge| opens(graph, edge))
}

/// Whether an edge says that something is opened with a Secret. What a `PushSecret` reads is what it carries.
fn opens(graph: &Graph, edge: &Edge) -> bool {
    let (reader, read) = (&graph.node(edge.later.0).id, &graph.node(edge.earlier.0).id);
    let is_opener = (reader.group == EXTERNAL && reader.kind != "PushSecret") || reader.group.ends_with(FLUX);
    is_opener && read.kind == "Secret" && matches!(edge.reason, Reason::Reads(_))
}

/// Returns how a store reads its login, and what makes that login out of the same store, where a circle is just this.
fn own_circle<'graph>(graph: &Graph, cycle: &'graph Cycle) -> Option<(&'graph Edge, NodeId)> {
    let reader = cycle.links.iter().find(|link| opens(graph, link))?;
    let maker = cycle
        .links
        .iter()
        .find(|link| link.reason == Reason::Makes && link.later.0 == reader.earlier.0)?;
    let is_known = |link: &Edge| matches!(link.reason, Reason::Reads(_) | Reason::Makes | Reason::From(_));
    cycle.links.iter().all(is_known).then_some((reader, maker.earlier.0))
}

/// Says who reads a Secret: `ClusterSecretStore… vault logs in with Secret eso/token (spec.….tokenSecretRef, platform:stores/vault.yaml:1)`.
fn read(graph: &Graph, secret: NodeId, readers: &[Edge]) -> String {
    let Some(first) = readers.first() else {
        return graph.node(secret).to_string();
    };
    let reader = graph.node(first.later.0);
    let verb = if reader.id.group == EXTERNAL {
        "logs in with"
    } else {
        "reads"
    };
    let field = match &first.reason {
        Reason::Reads(field) => field.as_str(),
        _ => "",
    };
    let place = match first.place.file.as_str() {
        "" => String::new(),
        _ => format!(", {}", first.place),
    };
    format!("{reader} {verb} {} ({field}{place})", graph.node(secret))
}

fn lack(graph: &Graph, secret: NodeId, readers: &[Edge], runbook: &Runbook) -> String {
    let all: BTreeSet<NodeId> = readers.iter().map(|edge| edge.later.0).collect();
    let name = |edge: &Edge| graph.node(edge.later.0).id.name.clone();
    let first = readers.first().map(name).unwrap_or_default();
    let others = match all.len() {
        0 | 1 => first,
        2 => format!("{first}, and 1 more that reads it,"),
        count => format!("{first}, and {} more that read it,", count - 1),
    };
    let whence = match named(runbook, &graph.node(secret).id) {
        Some(name) => format!("which `{name}` of the runbook restores where a store has it, and none has"),
        None => "which neither the runbook restores nor any app that is known brings".to_owned(),
    };
    format!(
        "{}, {whence}. Without it {others} cannot become ready.",
        read(graph, secret, readers)
    )
}

fn in_circle(graph: &Graph, secret: NodeId, readers: &[Edge], maker: NodeId) -> String {
    format!(
        "{}, and {} makes that out of the same store: each waits for the other.",
        read(graph, secret, readers),
        graph.node(maker)
    )
}

/// Returns the name of the secret of the runbook that becomes this one.
fn named<'runbook>(runbook: &'runbook Runbook, id: &ObjectRef) -> Option<&'runbook str> {
    let mut secrets = runbook.secrets.iter();
    let found = secrets.find(|(key, spec)| match &spec.shape {
        SecretShape::Kubernetes { namespace, name, .. } => {
            *namespace == id.namespace && name.as_ref().unwrap_or(key) == &id.name
        }
        SecretShape::Argocd(_) => **key == id.name && runbook.agent.namespace == id.namespace,
        // Nobody names one of these.
        SecretShape::SealedKeys { .. } => false,
    });
    found.map(|(key, _)| key.as_str())
}

/// Says what the runbook lacks, so that it can be copied.
fn mend(cluster: &str, id: &ObjectRef, runbook: &Runbook, keys: &BTreeSet<String>) -> String {
    if !cluster.is_empty() {
        return format!(
            "The runbook restores secrets onto its target alone: put it onto {cluster} by a step or by hand."
        );
    }
    let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
    let held = match keys.len() {
        0 => String::new(),
        1 => format!(", with the key {}", keys[0]),
        _ => format!(", with the keys {}", few(&keys)),
    };
    if let Some(name) = named(runbook, id) {
        return format!("Store it where `{name}` is read{held}.");
    }
    let plain = id.name.replace('.', "-");
    let key = if runbook.secrets.contains_key(&plain) {
        format!("{}-{plain}", id.namespace)
    } else {
        plain
    };
    let name = if key == id.name {
        String::new()
    } else {
        format!(", name: {}", id.name)
    };
    let store = runbook.stores.first().map_or("STORE", |store| store.name.as_str());
    format!(
        "Write under `secrets`: `{key}: {{as: {{namespace: {}, type: Opaque{name}}}, from: [{{{store}: PATH}}]}}`{held}.",
        id.namespace
    )
}

/// Returns the key of a Secret that its reader asks for, where it says so or always asks for the same.
fn key(graph: &Graph, platform: &Platform, edge: &Edge) -> Option<String> {
    let Reason::Reads(field) = &edge.reason else {
        return None;
    };
    // As `substituteFrom[0]` is written, and `/substituteFrom/0` is asked for.
    let pointer = format!("/{}/key", field.replace(['.', '['], "/").replace(']', ""));
    let reader = &graph.node(edge.later.0).id;
    let objects = platform.apps.iter().flat_map(|app| app.contents.objects());
    let mut written = objects.filter(|one| {
        let origin = one.manifest.origin();
        one.source == edge.place.source && origin.file == edge.place.file && origin.line == edge.place.line
    });
    let named = written.find_map(|one| one.manifest.value().pointer(&pointer)?.as_str());
    let usual = match (reader.kind.as_str(), field.as_str()) {
        ("Kustomization", "spec.decryption.secretRef") => Some("NAME.agekey"),
        ("Receiver", "spec.secretRef") => Some("token"),
        _ => None,
    };
    named.or(usual).map(str::to_owned)
}

#[cfg(test)]
#[path = "zero_tests.rs"]
mod tests;
