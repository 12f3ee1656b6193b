//! Platforms for tests, written as their sources are.

use super::{App, Contents, Edge, Graph, Known, NodeId, Platform, Row, Sourced, When};
use crate::object::{Manifest, ObjectRef, Origin};
use crate::yaml;

/// A platform that grows app by app.
#[derive(Default)]
pub(crate) struct Scene {
    pub(crate) platform: Platform,
    pub(crate) known: Known,
    pub(crate) rules: Vec<Row>,
}

/// Takes what a source called `platform` holds in the file `NAME.yaml`.
pub(crate) fn sourced(name: &str, text: &str) -> Vec<Sourced> {
    let object = |(line, value)| {
        let file = format!("{name}.yaml");
        Sourced {
            source: "platform".into(),
            manifest: Manifest::new(value, Origin { file, line }).unwrap(),
        }
    };
    yaml::manifests(text).unwrap().into_iter().map(object).collect()
}

/// The text of an Application; `more` is indented by two and goes below the object.
pub(crate) fn application(name: &str, annotations: &str) -> String {
    format!(
        "---\napiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: {name}, namespace: argocd, annotations: {{{annotations}}}}}\nspec: {{}}\n"
    )
}

impl Scene {
    /// With a root of the runbook.
    pub(crate) fn root(self, name: &str, text: &str) -> Self {
        self.with(
            ObjectRef::new("", "Root", "", name),
            None,
            None,
            Contents::Known(sourced(name, text)),
        )
    }

    /// With an Application, which an earlier app brings. Its objects go into a namespace of its name.
    pub(crate) fn app(self, name: &str, text: &str) -> Self {
        self.child(name, Contents::Known(sourced(name, text)))
    }

    /// With an Application that nobody can look into.
    pub(crate) fn unknown(self, name: &str, why: &str) -> Self {
        self.child(name, Contents::Unknown(vec![why.into()]))
    }

    fn child(self, name: &str, contents: Contents) -> Self {
        let found = self.platform.apps.iter().enumerate().find_map(|(index, app)| {
            let Contents::Known(objects) = &app.contents else {
                return None;
            };
            let is = |object: &&Sourced| object.manifest.kind() == "Application" && object.manifest.id().name == name;
            Some((index, objects.iter().find(is)?.clone()))
        });
        let (parent, object) = found.unwrap();
        self.with(object.manifest.id(), Some(parent), Some(object), contents)
    }

    fn with(mut self, id: ObjectRef, parent: Option<usize>, object: Option<Sourced>, contents: Contents) -> Self {
        let namespace = if parent.is_none() {
            "argocd".into()
        } else {
            id.name.clone()
        };
        self.platform.apps.push(App {
            id,
            parent,
            object,
            cluster: String::new(),
            namespace,
            sources: Vec::new(),
            contents,
        });
        self
    }

    /// With the rules of an agent.
    pub(crate) fn rules(mut self, rules: &[Row]) -> Self {
        self.rules = rules.to_vec();
        self
    }

    /// Builds the graph.
    pub(crate) fn graph(&self) -> Graph {
        Graph::build(&self.platform, &self.known, &self.rules, |_| true)
    }
}

/// Finds a node by its kind and name, in whatever namespace.
#[track_caller]
pub(crate) fn node(graph: &Graph, kind: &str, name: &str) -> NodeId {
    let found = graph
        .nodes()
        .find(|(_, node)| node.id.kind == kind && node.id.name == name);
    found.unwrap_or_else(|| panic!("there is no {kind} {name}")).0
}

/// Writes an edge as `Kind name [healthy] <words> Kind name [healthy]`.
pub(crate) fn told(graph: &Graph, edge: &Edge) -> String {
    let side = |(node, when): (NodeId, When)| {
        let id = &graph.node(node).id;
        let when = if when == When::Healthy { " healthy" } else { "" };
        format!("{} {}{when}", id.kind, id.name)
    };
    format!("{} {} {}", side(edge.later), edge.reason, side(edge.earlier))
}

/// Returns all edges in words, but for those that only say what belongs to what and what is in a namespace.
pub(crate) fn edges(graph: &Graph) -> Vec<String> {
    let told = graph
        .edges()
        .filter(|edge| !edge.reason.is_structure() && edge.reason != super::Reason::Namespace);
    let mut told: Vec<String> = told.map(|edge| told_firm(graph, &edge)).collect();
    told.sort();
    told.dedup();
    told
}

fn told_firm(graph: &Graph, edge: &Edge) -> String {
    let mark = match edge.firmness {
        super::Firmness::Mandatory => "",
        super::Firmness::Conditional => " (perhaps)",
        super::Firmness::Optional => " (better)",
    };
    format!("{}{mark}", told(graph, edge))
}
