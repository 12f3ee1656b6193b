//! What waits for what in all that follows from the roots, as far as the sources tell it before anything is there.

use super::{Restored, World, credentials};
use crate::event::Failure;
use crate::graph::{After, Given, Graph, Known, Opens, Place, Platform, Standing};
use crate::object::ObjectRef;
use crate::platform::argocd::graph::{ROWS, given, is_brought};
use crate::platform::argocd::install::Install;
use crate::platform::flux;
use crate::runbook::{ClusterState, Runbook, SecretShape};

/// Draws the graph of a platform, with what is known beside it. Apps of Argo CD may bring objects of Flux, which wait as theirs do.
pub(super) fn graph(platform: &Platform, known: &Known) -> Graph {
    Graph::build(platform, known, &[ROWS, flux::graph::ROWS].concat(), is_brought)
}

/// Returns what the agent's install and the runbook put there beside a platform.
pub(super) fn known(world: &World, runbook: &Runbook, install: &Install) -> Result<Known, Failure> {
    let namespace = &runbook.agent.namespace;
    let by = |by| {
        move |id, opens| Given {
            cluster: String::new(),
            id,
            by,
            opens,
        }
    };
    let (by_agent, by_runbook) = (by(Standing::Agent), by(Standing::Runbook));
    let mut there = given(namespace);
    for manifest in install.manifests() {
        let mut id = manifest.id();
        there.push(by_agent(id.clone(), None));
        if id.namespace.is_empty() {
            // What names no namespace is in none or in the agent's.
            id.namespace.clone_from(namespace);
            there.push(by_agent(id, None));
        }
    }
    for (name, restored) in World::need(&world.secrets, "what the stores hold")? {
        for secret in credentials::manifests(runbook, name, restored)? {
            let id = secret.id();
            there.push(by_runbook(ObjectRef::new("v1", "Namespace", "", &id.namespace), None));
            there.push(by_runbook(id, opens(&runbook.secrets[name].shape, restored)));
        }
    }
    let rebuilt = runbook
        .clusters
        .iter()
        .filter(|(_, cluster)| cluster.state == ClusterState::Rebuilt);
    for (name, cluster) in rebuilt {
        let secret = cluster.secret.clone().unwrap_or_else(|| format!("cluster-{name}"));
        let cluster = Opens::Cluster {
            name: name.clone(),
            server: String::new(),
        };
        there.push(by_runbook(
            ObjectRef::new("v1", "Secret", namespace, &secret),
            Some(cluster),
        ));
    }
    Ok(Known {
        given: there,
        after: after(runbook),
        agent_namespace: namespace.clone(),
    })
}

/// Returns what a restored secret gives the agent access to.
fn opens(shape: &SecretShape, restored: &Restored) -> Option<Opens> {
    let SecretShape::Argocd(shape) = shape else { return None };
    let said = |key: &str| {
        let value = restored.data.get(key);
        value.map_or_else(String::new, |value| {
            String::from_utf8_lossy(value.expose()).trim().to_owned()
        })
    };
    match shape.as_str() {
        "repository" => Some(Opens::Repository(said("url"))),
        "repo-creds" => Some(Opens::Repositories(said("url"))),
        "cluster" => Some(Opens::Cluster {
            name: said("name"),
            server: said("server"),
        }),
        _ => None,
    }
}

/// Returns what the runbook puts after what. That roots are applied one after the other makes none of them wait for what another
/// brings, but a step that is put after a root waits for it.
fn after(runbook: &Runbook) -> Vec<After> {
    let named = |id: &str| {
        let is_root = runbook.roots.iter().any(|root| root.id == id);
        ObjectRef::new("", if is_root { "Root" } else { "Step" }, "", id)
    };
    let pairs = runbook.steps.iter().flat_map(|step| {
        let before = step.before.iter().map(|later| (later.as_str(), step.id.as_str()));
        let after = step.after.iter().map(|earlier| (step.id.as_str(), earlier.as_str()));
        before.chain(after)
    });
    pairs
        .map(|(later, earlier)| After {
            later: named(later),
            earlier: named(earlier),
            place: Place::default(),
        })
        .collect()
}
