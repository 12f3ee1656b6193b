//! What a person means by a name.

use std::collections::BTreeSet;

use super::model::Graph;
use super::node::{Node, NodeId, Standing};

/// A name as a person writes it, or as this program prints it.
struct Words<'w> {
    /// `NAME`, `NAMESPACE/NAME`, `KIND/NAME` or `KIND/NAMESPACE/NAME`. Where we print a `/` after the kind is a space.
    parts: Vec<&'w str>,
    /// The cluster, where it is named.
    cluster: Option<&'w str>,
}

impl<'w> Words<'w> {
    fn new(words: &'w str) -> Self {
        let (thing, cluster) = match words.trim().rsplit_once(" on ") {
            Some((thing, cluster)) => (thing, Some(cluster.trim())),
            None => (words, None),
        };
        let parts = thing.split(|letter: char| letter == '/' || letter.is_whitespace());
        Self {
            parts: parts.filter(|part| !part.is_empty()).collect(),
            cluster,
        }
    }

    fn fits(&self, node: &Node) -> bool {
        let is_there = self.cluster.is_none_or(|cluster| cluster == node.cluster);
        let id = &node.id;
        is_there
            && match *self.parts {
                [name] => id.name == name,
                [first, name] => id.name == name && (id.namespace == first || is_kind(node, first)),
                [kind, namespace, name] => id.name == name && id.namespace == namespace && is_kind(node, kind),
                _ => false,
            }
    }
}

/// Whether a word is the kind of an object, with or without its group.
fn is_kind(node: &Node, word: &str) -> bool {
    match word.split_once('.') {
        Some((kind, group)) => node.id.kind.eq_ignore_ascii_case(kind) && node.id.group.eq_ignore_ascii_case(group),
        None => node.id.kind.eq_ignore_ascii_case(word),
    }
}

impl Graph {
    /// Finds what a person means by `NAME`, `NAMESPACE/NAME`, `KIND/NAME` or `KIND/NAMESPACE/NAME`, where `KIND` may be `KIND.GROUP`,
    /// and by a node as it is printed: apps before objects. More than one where the words fit several.
    pub fn search(&self, words: &str) -> Vec<NodeId> {
        let words = Words::new(words);
        let found: Vec<NodeId> = self
            .nodes()
            .filter(|(_, node)| words.fits(node))
            .map(|(id, _)| id)
            .collect();
        let apps: Vec<NodeId> = found
            .iter()
            .copied()
            .filter(|id| self.node(*id).standing == Standing::App)
            .collect();
        if apps.is_empty() || words.parts.len() > 1 {
            found
        } else {
            apps
        }
    }

    /// Returns all names in the forms that the words could be meant as, for whoever looks for a near one.
    pub fn names_like(&self, words: &str) -> BTreeSet<String> {
        let words = Words::new(words);
        let has_group = words.parts.first().is_some_and(|kind| kind.contains('.'));
        let mut names = BTreeSet::new();
        for (_, node) in self.nodes() {
            let id = &node.id;
            let kind = if has_group && !id.group.is_empty() {
                format!("{}.{}", id.kind, id.group)
            } else {
                id.kind.clone()
            };
            let (namespace, name) = (&id.namespace, &id.name);
            match words.parts.len() {
                0 | 1 => names.insert(name.clone()),
                2 if namespace.is_empty() => names.insert(format!("{kind}/{name}")),
                2 => names.insert(format!("{namespace}/{name}")) | names.insert(format!("{kind}/{name}")),
                _ => names.insert(format!("{kind}/{namespace}/{name}")),
            };
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use crate::graph::fixture_shop::shop;

    #[test]
    fn a_thing_is_found_by_every_form_in_which_it_is_printed() {
        let graph = shop().graph();
        let found = |words: &str| -> Vec<String> {
            let found = graph.search(words).into_iter();
            found.map(|node| graph.node(node).to_string()).collect()
        };
        let deployment = "Deployment.apps payments/payments";
        let app = "Application.argoproj.io argocd/payments";
        for (words, expected) in [
            ("payments", app),
            ("argocd/payments", app),
            ("Application/payments", app),
            ("application.argoproj.io/payments", app),
            ("Application.argoproj.io/argocd/payments", app),
            (app, app),
            ("Deployment/payments/payments", deployment),
            ("Deployment.apps/payments/payments", deployment),
            ("Deployment.apps payments/payments", deployment),
            ("deployment payments", deployment),
            ("root infra", "Root infra"),
            ("Deployment.batch/payments", ""),
            ("Deployment.apps payments/payments on other", ""),
            ("", ""),
        ] {
            let expected: Vec<&str> = Some(expected).filter(|name| !name.is_empty()).into_iter().collect();
            assert_eq!(found(words), expected, "{words}");
        }
        for (id, node) in graph.nodes() {
            let words = node.to_string();
            assert_eq!(graph.search(&words), [id], "{words}");
            assert_eq!(graph.search(&words.replace(' ', "/")), [id], "{words}");
        }
    }
}
