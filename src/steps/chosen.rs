//! Revisions that were chosen on the command line, and the apps that do not follow them.
//!
//! `--revision SOURCE=REV` decides what this run renders and applies. Apps follow their own `targetRevision`, which stands in
//! Git and is not ours to change: a platform may come up from two revisions of one repository, and nobody must overlook it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::event::Exception;
use crate::platform::argocd::application::Application;
use crate::platform::argocd::decide::Resolved;
use crate::runbook::Runbook;

/// How many apps are named before the rest is counted.
const NAMED: usize = 8;

/// The apps that follow another revision of a source than was chosen for it.
pub(super) struct Astray {
    source: String,
    chosen: String,
    /// Each as `name (targetRevision)`.
    apps: Vec<String>,
}

/// Finds the apps that follow another revision than was chosen, by source.
pub(super) fn astray<'object>(
    runbook: &Runbook,
    applications: impl IntoIterator<Item = &'object Value> + Clone,
) -> Vec<Astray> {
    let chosen = runbook.sources.iter().filter(|(_, source)| source.is_chosen);
    let found = chosen.map(|(name, source)| {
        let wanted = Resolved {
            repository: source.git.clone(),
            target: source.revision.text().to_owned(),
            commit: String::new(),
        };
        let mut apps = BTreeMap::new();
        for object in applications.clone() {
            let other = Application::new(object).sources().into_iter().find(|source| {
                source.chart.is_empty()
                    && wanted.is_in(source.repository)
                    && !wanted.is_of(source.repository, source.target)
            });
            if let Some(other) = other {
                let name = object["metadata"]["name"].as_str().unwrap_or_default();
                apps.insert(name, format!("{name} (`{}`)", other.target));
            }
        }
        Astray {
            source: name.clone(),
            chosen: wanted.target,
            apps: apps.into_values().collect(),
        }
    });
    found.filter(|astray| !astray.apps.is_empty()).collect()
}

impl Astray {
    fn named(&self) -> String {
        let mut named = self.apps.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        if let Some(more) = self.apps.len().checked_sub(NAMED).filter(|more| *more > 0) {
            named = format!("{named} and {more} more");
        }
        named
    }

    /// Says it beforehand.
    pub(super) fn notice(&self) -> String {
        format!(
            "Source {} is rendered at `{}` by --revision, and apps follow their own targetRevision of it: {}.",
            self.source,
            self.chosen,
            self.named()
        )
    }

    /// Says it at the end.
    pub(super) fn exception(&self) -> Exception {
        Exception {
            subject: format!("source {}", self.source),
            what: format!("not at `{}`: {}", self.chosen, self.named()),
            reason: "--revision decides what a run renders; apps follow their own targetRevision, which stands in Git"
                .into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::runbook::{self, Revision};

    const RUNBOOK: &str = "apiVersion: gitops-dr/v1\nkind: Runbook\nname: shop\ntarget: {context: new}\n\
        sources:\n  platform: {git: \"https://git.example.com/p.git\", revision: main}\n\
        agent: {argocd: {from: {source: platform, path: argocd}}}\n\
        roots:\n  - {id: apps, source: platform, path: apps}\n";

    fn app(name: &str, repository: &str, target: &str) -> Value {
        json!({
            "kind": "Application",
            "metadata": {"name": name},
            "spec": {"source": {"repoURL": repository, "targetRevision": target}},
        })
    }

    fn chosen(revision: Option<&str>, apps: &[Value]) -> Vec<String> {
        let mut runbook = runbook::parse("shop.yaml", RUNBOOK).0.unwrap();
        if let Some(revision) = revision {
            let source = runbook.sources.get_mut("platform").unwrap();
            (source.revision, source.is_chosen) = (Revision::of(revision), true);
        }
        astray(&runbook, apps).iter().map(Astray::named).collect()
    }

    #[test]
    fn apps_that_follow_another_revision_than_was_chosen_are_named() {
        let ours = "https://git.example.com/p";
        let apps = [
            app("root", ours, "main"),
            app("cart", ours, "refs/tags/v1"),
            app("dns", "https://git.example.com/other", "main"),
        ];
        assert_eq!(chosen(Some("v1"), &apps), ["root (`main`)"]);
        assert_eq!(chosen(Some("main"), &apps), ["cart (`refs/tags/v1`)"]);
        assert!(
            chosen(None, &apps).is_empty(),
            "what the runbook says is nobody's surprise"
        );
        let many: Vec<_> = (0..10).map(|n| app(&format!("app-{n}"), ours, "main")).collect();
        let named = chosen(Some("v1"), &many).remove(0);
        assert!(named.ends_with("app-7 (`main`) and 2 more"), "{named}");
    }
}
