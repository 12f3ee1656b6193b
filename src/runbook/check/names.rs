//! What has a name in the runbook, and references to it.

use std::collections::BTreeSet;

use super::super::shape::{Kinds, Name};
use super::super::table::STORE;
use super::super::tree::{Node, Span, Value};
use super::{Check, suggest};

/// The names of things. `None` where they are not all known, since the part that gives them is broken.
#[derive(Debug, Default)]
pub(super) struct Names {
    sources: Option<Vec<String>>,
    stores: Option<Vec<String>>,
    secrets: Option<Vec<String>>,
    steps: Option<Vec<String>>,
}

impl Names {
    /// Collects the names of a runbook.
    pub(super) fn of(root: &Node) -> Self {
        let steps = ids(root, "roots").zip(ids(root, "steps"));
        Self {
            sources: root.get("sources").and_then(|_| keys(root, "sources")),
            stores: each(root, "stores", |store| store_name(store).map(str::to_owned)),
            secrets: keys(root, "secrets"),
            steps: steps.map(|(roots, steps)| [roots, steps].concat()),
        }
    }

    /// Returns the names, if they are all known.
    pub(super) fn get(&self, whose: Name) -> Option<&[String]> {
        match whose {
            Name::Source => &self.sources,
            Name::Store => &self.stores,
            Name::Secret => &self.secrets,
            Name::Step => &self.steps,
        }
        .as_deref()
    }
}

/// Returns the name of a store: `name`, or its kind.
pub(in super::super) fn store_name(store: &Node) -> Option<&str> {
    match store.get("name") {
        Some(name) => name.text(),
        None => store_kind(store),
    }
}

/// Returns the kind of a store, which is also its name unless it is given one.
pub(in super::super) fn store_kind(store: &Node) -> Option<&'static str> {
    let Kinds::Of(kinds) = STORE.kinds else { return None };
    let mut kinds = kinds.iter().map(|kind| kind.name);
    kinds.find(|kind| store.get(kind).is_some())
}

/// Returns the keys of a mapping; none where there is no such mapping.
fn keys(root: &Node, key: &str) -> Option<Vec<String>> {
    match root.get(key).map(|node| &node.value) {
        None => Some(Vec::new()),
        Some(Value::Map(entries)) => Some(entries.iter().map(|entry| entry.key.clone()).collect()),
        Some(_) => None,
    }
}

/// Returns the ids of a list's items.
fn ids(root: &Node, key: &str) -> Option<Vec<String>> {
    each(root, key, |item| item.get("id").and_then(Node::text).map(str::to_owned))
}

/// Returns a name of each item of a list, if each has one.
fn each(root: &Node, key: &str, name: impl Fn(&Node) -> Option<String>) -> Option<Vec<String>> {
    match root.get(key).map(|node| &node.value) {
        None => Some(Vec::new()),
        Some(Value::List(items)) => items.iter().map(name).collect(),
        Some(_) => None,
    }
}

impl Check<'_> {
    /// Checks that something has the name.
    pub(super) fn reference(&mut self, name: &str, whose: Name, span: Span) {
        self.used.insert((whose, name.to_owned()));
        let Some(known) = self.names.get(whose) else { return };
        if known.iter().any(|known| known == name) {
            return;
        }
        self.missed.insert(whose);
        let noun = whose.noun();
        let help = if known.is_empty() {
            Some(format!("there is no {noun} at all"))
        } else {
            suggest::among(name, known.iter().map(String::as_str))
        };
        let rule = match whose {
            Name::Source => "runbook/unknown-source",
            Name::Store => "runbook/unknown-store",
            Name::Secret => "runbook/unknown-secret",
            Name::Step => "runbook/unknown-step",
        };
        self.error(rule, span, format!("no {noun} is named `{name}`"), help);
    }

    /// Warns of what nothing refers to.
    pub(super) fn unused(&mut self) {
        let unused =
            |whose, name: &str| !self.missed.contains(&whose) && !self.used.contains(&(whose, name.to_owned()));
        let mut found = Vec::new();
        for entry in self.root.table("sources") {
            // One with credentials is of use unnamed: the agent reads its apps from there, and fetching it first proves that
            // it may, and fixes which commit is the newest.
            if unused(Name::Source, &entry.key) && entry.value.get("credentials").is_none() {
                let message = format!("nothing is taken from the source `{}`", entry.key);
                found.push(("runbook/unused-source", entry.span, message));
            }
        }
        for store in self.root.list("stores") {
            if let Some(name) = store_name(store)
                && unused(Name::Store, name)
            {
                let span = store.entries().first().map_or(store.span, |entry| entry.span);
                found.push((
                    "runbook/unused-store",
                    span,
                    format!("nothing is read from the store `{name}`"),
                ));
            }
        }
        for entry in self.root.table("secrets") {
            let is_cluster = entry.value.get("as").and_then(Node::text) == Some("argocd/cluster");
            if is_cluster && unused(Name::Secret, &entry.key) {
                let message = format!("no cluster says what became of the one of the secret `{}`", entry.key);
                found.push(("runbook/unused-secret", entry.span, message));
            }
        }
        for (rule, span, message) in found {
            let help = match rule {
                "runbook/unused-secret" => "name it in `clusters`, with its `state`",
                _ => "leave it out, or use it",
            };
            self.warning(rule, span, message, help.to_owned());
        }
    }

    /// Reports names that are given twice, each with its place.
    pub(super) fn twice<'name>(
        &mut self,
        rule: &'static str,
        noun: &str,
        names: impl IntoIterator<Item = (&'name str, Span)>,
        help: &str,
    ) {
        let mut seen = BTreeSet::new();
        for (name, span) in names {
            if !seen.insert(name) {
                self.error(rule, span, format!("two {noun} are named `{name}`"), help.to_owned());
            }
        }
    }
}
