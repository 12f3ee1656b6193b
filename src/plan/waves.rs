//! Whether waves between child apps wait for them, which decides whether an order that Git has is one.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::text::few;
use crate::graph::{Contents, Platform};
use crate::object::ObjectRef;
use crate::platform::argocd::graph::wave;

/// Where bootstrap has a health check for Applications.
const OVERLAY: &str = "bootstrap/argocd/application-health";

/// Waves between child apps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waves {
    /// Whether the agent waits in a wave until the Applications of the wave are healthy. Otherwise waves between them only order
    /// their creation: Argo CD has had no health check for Applications of itself since 1.8, and what nobody judges only has to be there.
    pub children_are_awaited: bool,
    /// The apps whose children come in different waves, so that it matters.
    pub between_children_of: Vec<ObjectRef>,
}

impl Waves {
    /// Reads it from a platform.
    pub fn of(platform: &Platform) -> Self {
        let matters = platform.apps.iter().filter(|app| {
            let Contents::Known(objects) = &app.contents else {
                return false;
            };
            let is_child = |kind: &str| kind == "Application" || kind == "ApplicationSet";
            let children = objects
                .iter()
                .map(|object| &object.manifest)
                .filter(|manifest| manifest.group() == "argoproj.io" && is_child(manifest.kind()));
            // A set has a health check of its own, and of what a set makes no wave knows.
            let (mut first, mut all) = (BTreeSet::new(), BTreeSet::new());
            for child in children {
                let wave = wave(child);
                all.insert(wave);
                if child.kind() == "Application" {
                    first.insert(wave);
                }
            }
            // A root is applied by us, all at once; only the sync of an Application knows waves.
            app.id.kind == "Application" && first.first() < all.last() && !first.is_empty()
        });
        Self {
            children_are_awaited: platform.children_are_awaited,
            between_children_of: matters.map(|app| app.id.clone()).collect(),
        }
    }
}

/// One line; nothing where no waves are between apps.
impl fmt::Display for Waves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.between_children_of.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = self
            .between_children_of
            .iter()
            .map(|app| format!("`{}`", app.name))
            .collect();
        let of = few(&names);
        if self.children_are_awaited {
            writeln!(
                f,
                "  waves between the apps of {of} wait until the apps before are well: argocd-cm has a health check for Application"
            )
        } else {
            writeln!(
                f,
                "  ! waves between the apps of {of} only order their creation: argocd-cm has no health check for Application; {OVERLAY} has one"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{App, Sourced};
    use crate::object::{Manifest, Origin};
    use serde_json::json;

    fn child(kind: &str, name: &str, wave: &str) -> Sourced {
        let value = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": kind,
            "metadata": {"name": name, "namespace": "argocd", "annotations": {"argocd.argoproj.io/sync-wave": wave}}});
        let origin = Origin {
            file: "apps.yaml".into(),
            line: 1,
        };
        Sourced {
            source: "platform".into(),
            manifest: Manifest::new(value, origin).unwrap(),
        }
    }

    fn app(kind: &str, name: &str, objects: Vec<Sourced>) -> App {
        App {
            id: ObjectRef::new("argoproj.io/v1alpha1", kind, "argocd", name),
            parent: None,
            object: None,
            cluster: String::new(),
            namespace: String::new(),
            sources: Vec::new(),
            contents: Contents::Known(objects),
        }
    }

    fn told(apps: Vec<App>, children_are_awaited: bool) -> String {
        Waves::of(&Platform {
            apps,
            children_are_awaited,
        })
        .to_string()
    }

    #[test]
    fn waves_between_apps_are_told_where_they_matter_and_only_there() {
        let apart = || vec![child("Application", "a", "0"), child("Application", "b", "1")];
        for (kind, objects, matters) in [
            ("Application", apart(), true),
            (
                "Application",
                vec![child("Application", "a", "0"), child("ApplicationSet", "b", "1")],
                true,
            ),
            // A set is judged whatever the settings say.
            (
                "Application",
                vec![child("ApplicationSet", "a", "0"), child("Application", "b", "1")],
                false,
            ),
            (
                "Application",
                vec![child("Application", "a", "2"), child("Application", "b", "2")],
                false,
            ),
            (
                "Application",
                vec![child("AppProject", "a", "0"), child("Application", "b", "1")],
                false,
            ),
            ("Root", apart(), false),
            ("Application", Vec::new(), false),
        ] {
            for awaited in [true, false] {
                let line = told(vec![app(kind, "apps", objects.clone())], awaited);
                let expected = match (matters, awaited) {
                    (false, _) => "",
                    (true, true) => {
                        "  waves between the apps of `apps` wait until the apps before are well: argocd-cm has a health check for Application\n"
                    }
                    (true, false) => {
                        "  ! waves between the apps of `apps` only order their creation: argocd-cm has no health check for Application; bootstrap/argocd/application-health has one\n"
                    }
                };
                assert_eq!(line, expected, "{kind} {objects:?}");
            }
        }
    }

    #[test]
    fn of_many_apps_the_first_are_named_in_one_line() {
        let apps = (0..40).map(|number| {
            let children = vec![child("Application", "a", "0"), child("Application", "b", "1")];
            app("Application", &format!("team-{number:02}"), children)
        });
        let line = told(apps.collect(), false);
        assert_eq!(line.lines().count(), 1);
        assert!(
            line.contains("`team-00`") && line.contains("`team-07` and 32 more only"),
            "{line}"
        );
    }
}
