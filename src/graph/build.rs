//! Makes a graph of what the rules draw. What comes of it does not depend on the order in which anything is given.

use std::collections::HashMap;

use super::cycle::cut;
use super::draft::{Draft, Key, Object, Point, Written};
use super::edge::{Firmness, When};
use super::edges::{ROWS, Row};
use super::input::Known;
use super::lines::{Line, Lines, Spot, point};
use super::model::{AppFacts, Graph};
use super::node::{Node, NodeId, Place, Standing};
use super::platform::{Contents, Platform};
use super::rank::count;
use super::reason::Reason;
use super::standing::{given, standing};
use super::whole::Whole;
use crate::object::{Manifest, ObjectRef};

impl Graph {
    /// Builds the graph of a platform. `agent` are the rules that are an agent's own; `is_brought` says whether its sync brings an
    /// object at all.
    pub fn build(platform: &Platform, known: &Known, agent: &[Row], is_brought: fn(&Manifest) -> bool) -> Self {
        let whole = Whole::new(platform, known, is_brought);
        let mut draft = Draft::default();
        for row in ROWS.iter().chain(agent) {
            (row.draw)(&whole, &mut draft);
        }
        Sorted::new(&whole, draft).into_graph(&whole)
    }
}

/// A draft whose objects, gates and places have got numbers by what they are.
pub(super) struct Sorted<'p> {
    draft: Draft<'p>,
    /// Of each object of the draft its node.
    node_of: Vec<usize>,
    keys: Vec<Key<'p>>,
    /// Of each object that the sources hold where that is, in all apps that bring it.
    brought: HashMap<usize, Vec<usize>>,
    apps: Vec<usize>,
    subjects: Vec<usize>,
}

impl<'p> Sorted<'p> {
    pub(super) fn new(whole: &Whole<'p>, mut draft: Draft<'p>) -> Self {
        let apps: Vec<Object> = (0..whole.apps.len()).map(|app| draft.app(whole, app)).collect();
        let subjects: Vec<Object> = whole.subjects.iter().map(|subject| draft.of(subject)).collect();
        let mut order: Vec<usize> = (0..draft.objects.len()).collect();
        order.sort_unstable_by(|one, other| draft.objects[*one].cmp(&draft.objects[*other]));
        let mut node_of = vec![0; order.len()];
        for (number, object) in order.iter().enumerate() {
            node_of[*object] = number;
        }
        let keys = order.iter().map(|object| draft.objects[*object].clone()).collect();
        let mut brought: HashMap<usize, Vec<usize>> = HashMap::new();
        let subjects: Vec<usize> = subjects.into_iter().map(|object| node_of[object.0]).collect();
        for (subject, node) in subjects.iter().enumerate() {
            brought.entry(*node).or_default().push(subject);
        }
        let apps = apps.into_iter().map(|app| node_of[app.0]).collect();
        Self {
            draft,
            node_of,
            keys,
            brought,
            apps,
            subjects,
        }
    }

    /// Makes the lines: two points for each node, one for each gate.
    pub(super) fn lines(&self, whole: &Whole<'p>) -> (Lines, Vec<Place>) {
        let mut lines = Lines::with_capacity(self.keys.len() * 2 + self.draft.gates.len(), self.draft.waits.len());
        for node in 0..self.keys.len() {
            lines.add_node(Spot::Node(NodeId(node), When::Exists));
            lines.add_node(Spot::Node(NodeId(node), When::Healthy));
        }
        let about = |gate: usize| self.apps.get(self.draft.gates[gate].about).copied();
        let mut gates: Vec<usize> = (0..self.draft.gates.len()).collect();
        gates.sort_unstable_by(|one, other| {
            let key = |gate: usize| (self.draft.gates[gate].rule, about(gate), &self.draft.gates[gate].key);
            key(*one).cmp(&key(*other))
        });
        let mut gate_at = vec![0; gates.len()];
        for gate in gates {
            let app = about(gate).filter(|_| self.draft.gates[gate].is_sync);
            gate_at[gate] = lines.add_node(Spot::Gate(app.map(NodeId))).index();
        }
        let at = |of: Point| match of {
            Point::Object(object, when) => point(NodeId(self.node_of[object.0]), when).index(),
            Point::Gate(gate) => gate_at[gate],
        };
        let of_subjects: Vec<Place> = whole.subjects.iter().map(super::whole::Subject::place).collect();
        let of_apps: Vec<Place> = (0..self.apps.len()).map(|app| self.app_place(whole, app)).collect();
        let others = self.draft.waits.iter().filter_map(|wait| match &wait.place {
            Written::At(place) => Some(place),
            _ => None,
        });
        let nowhere = Place::default();
        let mut places: Vec<&Place> = of_subjects
            .iter()
            .chain(&of_apps)
            .chain(others)
            .chain([&nowhere])
            .collect();
        places.sort_unstable();
        places.dedup();
        let find = |place: &Place| places.binary_search(&place).unwrap_or_default();
        let [by_subject, by_app] = [&of_subjects, &of_apps].map(|all| all.iter().map(find).collect::<Vec<_>>());
        let number = |of: &Written| match of {
            Written::Subject(subject) => by_subject[*subject],
            Written::App(app) => by_app[*app],
            Written::At(place) => find(place),
        };
        let waits = self.draft.waits.iter();
        let mut all: Vec<_> = waits
            .map(|wait| {
                (
                    at(wait.earlier),
                    at(wait.later),
                    &wait.reason,
                    wait.firmness,
                    number(&wait.place),
                )
            })
            .collect();
        all.sort_unstable();
        all.dedup();
        for node in 0..self.keys.len() {
            let [exists, healthy] = [When::Exists, When::Healthy].map(|when| point(NodeId(node), when));
            let line = Line {
                reason: Reason::Grows,
                firmness: Firmness::Mandatory,
                place: 0,
            };
            lines.add_edge(exists, healthy, line);
        }
        for (earlier, later, reason, firmness, place) in all {
            let line = Line {
                reason: reason.clone(),
                firmness,
                place,
            };
            lines.add_edge(
                petgraph::graph::NodeIndex::new(earlier),
                petgraph::graph::NodeIndex::new(later),
                line,
            );
        }
        let places = places.into_iter().cloned().collect();
        (lines, places)
    }

    /// Returns the node of an object that is brought, by its place in the whole.
    pub(super) fn node(&self, subject: usize) -> NodeId {
        NodeId(self.subjects[subject])
    }

    /// Whether an object is brought.
    pub(super) fn is_brought(&self, node: NodeId) -> bool {
        self.brought.contains_key(&node.0)
    }

    fn into_graph(self, whole: &Whole<'p>) -> Graph {
        let (mut lines, places) = self.lines(whole);
        let nodes = self.nodes(whole, &lines);
        let cuts = cut(&mut lines, &places);
        let ranks = count(&lines, &nodes);
        Graph {
            apps: self.app_facts(whole),
            nodes,
            places,
            lines,
            cycles: cuts.cycles,
            dropped: cuts.dropped,
            ranks,
        }
    }

    fn app_place(&self, whole: &Whole<'p>, app: usize) -> Place {
        let written = whole.apps[app].object.as_ref().map(|object| Place {
            source: object.source.clone(),
            file: object.manifest.origin().file.clone(),
            line: object.manifest.origin().line,
        });
        let brought = || {
            self.brought
                .get(&self.apps[app])?
                .iter()
                .map(|subject| whole.subjects[*subject].place())
                .min()
        };
        written.or_else(brought).unwrap_or_default()
    }

    fn nodes(&self, whole: &Whole<'p>, lines: &Lines) -> Vec<Node> {
        let given = given(whole.known);
        let app_at: HashMap<usize, usize> = self.apps.iter().enumerate().map(|(app, node)| (*node, app)).collect();
        let mut nodes: Vec<Node> = Vec::with_capacity(self.keys.len());
        for (number, key) in self.keys.iter().enumerate() {
            let subjects = self.brought.get(&number).map(Vec::as_slice).unwrap_or_default();
            let mut apps: Vec<NodeId> = subjects
                .iter()
                .map(|subject| NodeId(self.apps.get(whole.subjects[*subject].app).copied().unwrap_or(number)))
                .collect();
            let mut place = subjects
                .iter()
                .map(|subject| whole.subjects[*subject].place())
                .min()
                .unwrap_or_default();
            let version = subjects
                .iter()
                .map(|subject| whole.subjects[*subject].manifest.text("/apiVersion"));
            let version = version.min().unwrap_or_default().rsplit('/').next().unwrap_or_default();
            let app = app_at.get(&number).copied();
            if let Some(app) = app {
                apps = vec![NodeId(number)];
                place = self.app_place(whole, app);
            }
            apps.sort_unstable();
            apps.dedup();
            nodes.push(Node {
                cluster: key.cluster.to_owned(),
                id: ObjectRef {
                    group: key.group.to_owned(),
                    version: version.to_owned(),
                    kind: key.kind.to_owned(),
                    namespace: key.namespace.to_owned(),
                    name: key.name.clone().into_owned(),
                },
                standing: match (app, subjects.is_empty()) {
                    (Some(_), _) => Standing::App,
                    (None, false) => Standing::Brought,
                    (None, true) => standing(key, &given),
                },
                apps,
                place,
            });
        }
        Self::made(&mut nodes, lines);
        nodes
    }

    /// What another object makes belongs to the apps of its makers, and is written where they are.
    fn made(nodes: &mut [Node], lines: &Lines) {
        for edge in lines
            .raw_edges()
            .iter()
            .filter(|edge| edge.weight.reason == Reason::Makes)
        {
            let (Spot::Node(maker, _), Spot::Node(made, _)) = (lines[edge.source()], lines[edge.target()]) else {
                continue;
            };
            if matches!(nodes[made.0].standing, Standing::Missing | Standing::Made) {
                let (apps, place) = (nodes[maker.0].apps.clone(), nodes[maker.0].place.clone());
                let node = &mut nodes[made.0];
                if node.standing == Standing::Missing {
                    node.place = place;
                }
                node.standing = Standing::Made;
                node.apps.extend(apps);
                node.apps.sort_unstable();
                node.apps.dedup();
            }
        }
    }

    fn app_facts(&self, whole: &Whole<'p>) -> Vec<AppFacts> {
        let mut objects: HashMap<usize, Vec<NodeId>> = HashMap::new();
        for (node, subjects) in &self.brought {
            for subject in subjects {
                objects
                    .entry(whole.subjects[*subject].app)
                    .or_default()
                    .push(NodeId(*node));
            }
        }
        let apps = whole.apps.iter().enumerate().map(|(app, one)| {
            let mut objects = objects.remove(&app).unwrap_or_default();
            objects.sort_unstable();
            objects.dedup();
            AppFacts {
                node: NodeId(self.apps[app]),
                parent: one.parent.and_then(|parent| self.apps.get(parent)).copied().map(NodeId),
                cluster: one.cluster.clone(),
                objects,
                unknown: match &one.contents {
                    Contents::Known(_) => Vec::new(),
                    Contents::Unknown(reasons) if reasons.is_empty() => vec!["nobody said why".into()],
                    Contents::Unknown(reasons) => reasons.clone(),
                },
            }
        });
        let mut apps: Vec<AppFacts> = apps.collect();
        apps.sort_unstable_by_key(|app| app.node);
        apps.dedup_by_key(|app| app.node);
        apps
    }
}
