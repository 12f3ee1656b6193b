//! The leaves that need only what is there, or what another of them brings.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use serde_json::Value;

use super::fit::{Fit, is_interior};
use super::leaf::{Leaf, Leaves, Left, Wait};
use crate::graph::{App, Graph, Need, NodeId, Platform, Standing};
use crate::object::ObjectRef;
use crate::platform::argocd::application::Application;
use crate::platform::argocd::manifest::for_restore;
use crate::platform::argocd::preload::{Preloaded, all_projects};

/// Returns the leaves of a platform. `there` is what is there before the first app: of the agent's install and of the runbook.
/// `preloaded` is what is applied before the first leaf.
///
/// A leaf is left to its parent where it may not come ahead of that, and where it needs something that none of these brings: it could
/// wait for ever for what comes only with the roots. Leaves that wait for each other in a circle come with their parents, too.
pub fn leaves(
    platform: &Platform,
    graph: &Graph,
    projects: &[Value],
    there: &BTreeSet<ObjectRef>,
    preloaded: &[Preloaded],
    agent_namespace: &str,
) -> Leaves {
    let projects = all_projects(platform, projects, agent_namespace);
    let fit = Fit::new(platform, &projects, agent_namespace);
    let mut given = there.clone();
    given.extend(preloaded.iter().map(Preloaded::id));
    let mut sought = Search {
        graph,
        given,
        passed: BTreeSet::new(),
        candidates: BTreeMap::new(),
        left: BTreeMap::new(),
    };
    let node = |app: &App| graph.find("", &app.id);
    for (index, app) in platform.apps.iter().enumerate() {
        let Some(node) = node(app) else { continue };
        if app.id.kind == "ApplicationSet" {
            // What it makes comes with it alone.
        } else if is_interior(app) {
            sought.passed.insert(node);
        } else if let Some(why) = fit.why_not(index) {
            sought.left.insert(node, why);
        } else {
            sought.candidates.insert(node, (app, BTreeMap::new()));
        }
    }
    sought.draw();
    while sought.untangle() {}
    let left = sought.left.iter().map(|(node, why)| Left {
        id: graph.node(*node).id.clone(),
        why: why.clone(),
    });
    let mut leaves = Leaves {
        ours: Vec::new(),
        left: left.collect(),
    };
    leaves.left.sort_by(|one, other| one.id.cmp(&other.id));
    sought.ours(platform, &mut leaves);
    leaves
}

struct Search<'p> {
    graph: &'p Graph,
    /// What is there before the first leaf.
    given: BTreeSet<ObjectRef>,
    /// The apps that bring others.
    passed: BTreeSet<NodeId>,
    /// The leaves that may be ours, each with those that it waits for, and why.
    candidates: BTreeMap<NodeId, (&'p App, BTreeMap<NodeId, Arc<str>>)>,
    /// The other leaves, and why.
    left: BTreeMap<NodeId, String>,
}

impl Search<'_> {
    /// Finds what each candidate waits for, and leaves those to their parents that need what nothing brings in time.
    fn draw(&mut self) {
        let (mut waits, mut left) = (BTreeMap::new(), BTreeMap::new());
        // Many wait for the same one by the same reason.
        let mut words: BTreeMap<(NodeId, NodeId, String), Arc<str>> = BTreeMap::new();
        for facts in self.graph.apps() {
            let Some((app, _)) = self.candidates.get(&facts.node) else {
                continue;
            };
            let mut on: BTreeMap<NodeId, Arc<str>> = BTreeMap::new();
            for need in self.graph.needs(facts, |node| self.passed.contains(&node)) {
                if self.is_given(app, &need) {
                    continue;
                }
                let owners = &self.graph.node(need.node).apps;
                let by: Vec<_> = owners
                    .iter()
                    .filter(|owner| self.candidates.contains_key(*owner))
                    .collect();
                if by.is_empty() {
                    left.entry(facts.node).or_insert_with(|| self.lacks(&need));
                }
                for owner in by {
                    let why = why(self.graph, *owner, &need);
                    let words = words
                        .entry((*owner, need.node, why))
                        .or_insert_with_key(|key| key.2.as_str().into());
                    on.entry(*owner).or_insert_with(|| Arc::clone(words));
                }
            }
            waits.insert(facts.node, on);
        }
        for (node, on) in waits {
            if let Some(candidate) = self.candidates.get_mut(&node) {
                candidate.1 = on;
            }
        }
        self.leave(left);
    }

    /// Whether what is needed is there before the first leaf, or made by the app itself.
    fn is_given(&self, app: &App, need: &Need) -> bool {
        let node = self.graph.node(need.node);
        let is_there = match node.standing {
            Standing::There | Standing::Agent | Standing::BuiltIn => true,
            Standing::Runbook => node.id.kind != "Step",
            Standing::App | Standing::Brought | Standing::Made | Standing::Missing => {
                node.cluster.is_empty() && self.given.contains(&node.id)
            }
        };
        let makes = |object: &crate::graph::Sourced| {
            Application::new(object.manifest.value()).has_sync_option("CreateNamespace=true")
        };
        let is_own_namespace = node.id.kind == "Namespace" && node.id.group.is_empty() && node.id.name == app.namespace;
        is_there || (is_own_namespace && app.object.as_ref().is_some_and(makes))
    }

    fn lacks(&self, need: &Need) -> String {
        let node = self.graph.node(need.node);
        if node.id.kind == "Step" && node.standing == Standing::Runbook {
            return format!("it comes after the step {} of the runbook", node.id.name);
        }
        let Some(by) = node.apps.first().map(|by| &self.graph.node(*by).id) else {
            return format!("it needs {node}, which nothing that is known brings");
        };
        if *by == node.id {
            return format!("it waits for {}, which is not created ahead", by.name);
        }
        format!("it needs {node}, which comes only with {} {}", by.kind, by.name)
    }

    /// Leaves some to their parents, and with them all that waits for them.
    fn leave(&mut self, mut left: BTreeMap<NodeId, String>) {
        while !left.is_empty() {
            self.candidates.retain(|node, _| !left.contains_key(node));
            let mut next = BTreeMap::new();
            for (node, (_, waits)) in &self.candidates {
                if let Some((on, _)) = waits.iter().find(|(on, _)| left.contains_key(on)) {
                    let name = &self.graph.node(*on).id.name;
                    next.insert(*node, format!("it waits for {name}, which is left to its parent"));
                }
            }
            self.left.extend(std::mem::replace(&mut left, next));
        }
    }

    /// Leaves those to their parents that wait for each other. Returns whether there were any.
    fn untangle(&mut self) -> bool {
        let (lines, nodes) = self.lines();
        let tangles = tarjan_scc(&lines).into_iter().filter(|tangle| tangle.len() > 1);
        let mut left = BTreeMap::new();
        for tangle in tangles {
            for at in &tangle {
                let others = tangle.iter().filter(|other| *other != at);
                let mut names: Vec<_> = others
                    .map(|other| self.graph.node(nodes[other.index()]).id.name.as_str())
                    .collect();
                names.sort_unstable();
                left.insert(
                    nodes[at.index()],
                    format!("it waits in a circle with {}", names.join(", ")),
                );
            }
        }
        let any = !left.is_empty();
        self.leave(left);
        any
    }

    /// Returns who waits for whom, each line from the earlier one to the later one.
    fn lines(&self) -> (DiGraph<(), ()>, Vec<NodeId>) {
        let nodes: Vec<NodeId> = self.candidates.keys().copied().collect();
        let mut lines = DiGraph::with_capacity(nodes.len(), nodes.len());
        for _ in &nodes {
            lines.add_node(());
        }
        for (later, (_, waits)) in self.candidates.values().enumerate() {
            for on in waits.keys() {
                if let Ok(earlier) = nodes.binary_search(on) {
                    lines.add_edge(NodeIndex::new(earlier), NodeIndex::new(later), ());
                }
            }
        }
        (lines, nodes)
    }

    /// Puts what is left of the candidates into the order of their ranks.
    fn ours(&self, platform: &Platform, leaves: &mut Leaves) {
        let mut rank: BTreeMap<NodeId, usize> = BTreeMap::new();
        let (lines, nodes) = self.lines();
        for at in petgraph::algo::toposort(&lines, None).unwrap_or_default() {
            let before = lines.neighbors_directed(at, petgraph::Direction::Incoming);
            let own = before.filter_map(|before| rank.get(&nodes[before.index()])).max();
            let own = own.map_or(0, |rank| rank + 1);
            rank.insert(nodes[at.index()], own);
        }
        let mut order: Vec<_> = self.candidates.iter().collect();
        order.sort_by_key(|(node, (app, _))| (rank.get(node).copied(), &app.id));
        let place: BTreeMap<NodeId, usize> = order
            .iter()
            .enumerate()
            .map(|(place, (node, _))| (**node, place))
            .collect();
        for (node, (app, waits)) in order {
            let Some(object) = &app.object else { continue };
            let parent = app.parent.map(|parent| &platform.apps[parent]);
            let is_app = |parent: &&App| parent.object.is_some();
            let mut object = for_restore(object.manifest.clone());
            object.value_mut()["metadata"]["namespace"] = app.id.namespace.clone().into();
            leaves.ours.push(Leaf {
                id: app.id.clone(),
                parent: parent.filter(is_app).map(|parent| parent.id.clone()),
                waits: waits
                    .iter()
                    .filter_map(|(on, why)| {
                        let (on, why) = (*place.get(on)?, Arc::clone(why));
                        Some(Wait { on, why })
                    })
                    .collect(),
                rank: rank.get(node).copied().unwrap_or_default(),
                object: object.value().clone(),
            });
        }
    }
}

/// Says what one that is waited for is waited for.
fn why(graph: &Graph, owner: NodeId, need: &Need) -> String {
    if owner == need.node {
        format!("has to be ready first: this {} it", need.reason)
    } else {
        format!("has to be ready first: it brings {}", graph.node(need.node))
    }
}
