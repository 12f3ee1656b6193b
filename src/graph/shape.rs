//! The graph of the apps as others read it: JSON. Fields are added, never renamed.

use serde::Serialize;

use super::apps::AppSpot;
use super::edge::{Edge, Firmness, When};
use super::model::Graph;
use super::node::{NodeId, Place, Standing};
use super::path::Timeline;
use super::reason::Reason;
use super::why::Unknown;

/// What stands on what among the apps of a platform, and when they are expected.
#[derive(Debug, Clone, Serialize)]
pub struct Shape {
    /// The apps, by cluster and identity.
    pub apps: Vec<AppShape>,
    /// What waits for what among them, each with the first of the edges between their objects.
    pub edges: Vec<LineShape>,
    /// How many objects the apps bring.
    pub objects: usize,
    /// Their names, rank by rank: those of one rank wait only for those before.
    pub ranks: Vec<Vec<String>>,
    /// Apps that wait for each other, so that they can only come together.
    pub together: Vec<Vec<String>>,
    /// The apps that decide how long it takes, first to last.
    pub critical_path: Vec<String>,
    /// When all is expected to be well, in seconds.
    pub expected_seconds: f64,
    /// What waits for itself.
    pub cycles: Vec<CycleShape>,
    /// Good orders that were given up because they were part of a circle.
    pub dropped: Vec<EdgeShape>,
    /// What more than one app brings.
    pub doubled: Vec<DoubledShape>,
    /// What is needed and comes from nowhere that is known.
    pub missing: Vec<MissingShape>,
}

/// An app.
#[derive(Debug, Clone, Serialize)]
pub struct AppShape {
    /// Its object, as people write it; of another cluster than the target with ` on ` and that.
    pub name: String,
    /// The app that brings it; none for a root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The cluster that its objects go to; empty for the target.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cluster: String,
    /// Its rank, from 0.
    pub rank: usize,
    /// How many objects it brings, child apps among them.
    pub objects: usize,
    /// When it is expected to be there, in seconds.
    pub begins_seconds: f64,
    /// When it is expected to be well, in seconds.
    pub ends_seconds: f64,
    /// Why nobody knows what it brings; empty where it is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
    /// Where it is written.
    pub place: Place,
}

/// That one app waits for another.
#[derive(Debug, Clone, Serialize)]
pub struct LineShape {
    /// What comes first: an app, or `joint-N`, a point where many wait for many.
    pub earlier: String,
    /// What waits.
    pub later: String,
    /// Whether it waits until the other is well as a whole.
    pub until_well: bool,
    /// Whether it cannot begin before (`exists`) or only cannot be well before (`healthy`).
    pub holds_back: When,
    /// How many edges there are between their objects.
    pub count: usize,
    /// The first of them.
    pub first: EdgeShape,
}

/// That one object waits for another.
#[derive(Debug, Clone, Serialize)]
pub struct EdgeShape {
    /// What waits.
    pub later: String,
    /// Until what of it cannot happen.
    pub later_event: When,
    /// What it waits for.
    pub earlier: String,
    /// What of that has to happen.
    pub earlier_event: When,
    /// Why.
    pub reason: Reason,
    /// The same in words, between the two.
    pub words: String,
    /// How sure it is.
    pub firmness: Firmness,
    /// Where it is written.
    pub place: Place,
}

/// Things that wait for each other.
#[derive(Debug, Clone, Serialize)]
pub struct CycleShape {
    /// The shortest way round.
    pub links: Vec<EdgeShape>,
    /// Which of them gives way first, by its place.
    pub weakest: usize,
}

/// An object that more than one app brings.
#[derive(Debug, Clone, Serialize)]
pub struct DoubledShape {
    /// The object.
    pub name: String,
    /// The apps.
    pub apps: Vec<String>,
}

/// Something that is needed and comes from nowhere that is known.
#[derive(Debug, Clone, Serialize)]
pub struct MissingShape {
    /// What is needed.
    pub name: String,
    /// Who needs it.
    pub needed_by: Vec<EdgeShape>,
}

impl Graph {
    /// Returns the apps as others read them.
    pub fn shape(&self, timeline: &Timeline) -> Shape {
        let apps = self.app_lines();
        let name = |node: NodeId| self.node(node).to_string();
        let spot = |spot: usize| match apps.spots[spot] {
            AppSpot::App(node) => name(node),
            AppSpot::Joint => format!("joint-{}", spot - self.apps().len()),
        };
        let all = self
            .apps()
            .iter()
            .zip(&timeline.apps)
            .zip(&apps.ranks)
            .map(|((app, timed), rank)| AppShape {
                name: name(app.node),
                parent: app.parent.map(name),
                cluster: app.cluster.clone(),
                rank: *rank,
                objects: app.objects.len(),
                begins_seconds: timed.begins.as_secs_f64(),
                ends_seconds: timed.ends.as_secs_f64(),
                unknown: app.unknown.clone(),
                place: self.node(app.node).place.clone(),
            });
        let lines = apps.lines.iter().map(|line| LineShape {
            earlier: spot(line.earlier),
            later: spot(line.later),
            until_well: line.until_well,
            holds_back: line.holds_back,
            count: line.count,
            first: self.edge_shape(&line.edge),
        });
        let mut ranks: Vec<Vec<String>> = Vec::new();
        for (app, rank) in self.apps().iter().zip(&apps.ranks) {
            if ranks.len() <= *rank {
                ranks.resize(rank + 1, Vec::new());
            }
            ranks[*rank].push(name(app.node));
        }
        let is_object = |standing| matches!(standing, Standing::Brought | Standing::Made);
        Shape {
            apps: all.collect(),
            edges: lines.collect(),
            objects: self.nodes().filter(|(_, node)| is_object(node.standing)).count(),
            ranks,
            together: apps
                .together
                .iter()
                .map(|apps| apps.iter().copied().map(name).collect())
                .collect(),
            critical_path: timeline.critical.iter().map(|leg| name(leg.app.node)).collect(),
            expected_seconds: timeline.total.as_secs_f64(),
            cycles: self
                .cycles()
                .iter()
                .map(|cycle| CycleShape {
                    links: cycle.links.iter().map(|edge| self.edge_shape(edge)).collect(),
                    weakest: cycle.weakest,
                })
                .collect(),
            dropped: self.dropped().iter().map(|edge| self.edge_shape(edge)).collect(),
            doubled: self
                .doubled()
                .map(|(_, node)| DoubledShape {
                    name: node.to_string(),
                    apps: node.apps.iter().copied().map(name).collect(),
                })
                .collect(),
            missing: self
                .unknowns()
                .into_iter()
                .filter_map(|unknown| match unknown {
                    Unknown::App { .. } => None,
                    Unknown::Missing { node, needed_by } => Some(MissingShape {
                        name: name(node),
                        needed_by: needed_by.iter().map(|edge| self.edge_shape(edge)).collect(),
                    }),
                })
                .collect(),
        }
    }

    /// Returns an edge as others read it.
    pub fn edge_shape(&self, edge: &Edge) -> EdgeShape {
        EdgeShape {
            later: self.node(edge.later.0).to_string(),
            later_event: edge.later.1,
            earlier: self.node(edge.earlier.0).to_string(),
            earlier_event: edge.earlier.1,
            reason: edge.reason.clone(),
            words: edge.reason.to_string(),
            firmness: edge.firmness,
            place: edge.place.clone(),
        }
    }
}
