//! What a project lets its apps bring (`pkg/apis/application/v1alpha1/types.go`, `AppProject.Is…Permitted`). In doubt it does not.

use serde_json::Value;

use super::IN_CLUSTER;
use super::application::{Application, items, text};
use super::glob::is_match;

/// Whether a project lets an app bring an object of the whole cluster, of this group and kind, to the cluster that the agent runs in.
pub fn permits(project: &Value, app: Application<'_>, group: &str, kind: &str) -> bool {
    permits_source(project, app) && permits_target(project, app.namespace()) && permits_kind(project, group, kind)
}

/// Whether a project lets an app bring objects of this group and kind into a namespace of the cluster that the agent runs in.
pub fn permits_in_namespace(project: &Value, app: Application<'_>, namespace: &str, kind: (&str, &str)) -> bool {
    let lists = |pointer: &str| {
        items(project, pointer).any(|entry| {
            is_match(text(entry, "/group"), kind.0, false) && is_match(text(entry, "/kind"), kind.1, false)
        })
    };
    // Where nothing is listed all is let, unlike with what belongs to the whole cluster.
    let is_let =
        project.pointer("/spec/namespaceResourceWhitelist").is_none() || lists("/spec/namespaceResourceWhitelist");
    permits_source(project, app)
        && permits_target(project, namespace)
        && is_let
        && !lists("/spec/namespaceResourceBlacklist")
}

/// Whether a project lets an app be read from all its repositories.
fn permits_source(project: &Value, app: Application<'_>) -> bool {
    let sources = app.written_sources();
    let patterns: Vec<_> = items(project, "/spec/sourceRepos").filter_map(Value::as_str).collect();
    !sources.is_empty()
        && sources
            .iter()
            .all(|source| is_let(&patterns, |pattern| is_match(pattern, text(source, "/repoURL"), true)))
}

/// Whether a project lets its apps deploy to a namespace of the agent's own cluster.
pub fn permits_target(project: &Value, namespace: &str) -> bool {
    let destinations: Vec<_> = items(project, "/spec/destinations").collect();
    let fits = |destination: &Value| {
        let (server, name) = (text(destination, "/server"), text(destination, "/name"));
        let is_here =
            |pattern: &str, here: &str| !pattern.is_empty() && is_match(pattern.trim_start_matches('!'), here, false);
        let is_cluster = is_here(server, IN_CLUSTER) || is_here(name, "in-cluster");
        is_cluster
            && is_match(
                text(destination, "/namespace").trim_start_matches('!'),
                namespace,
                false,
            )
    };
    let denies = |destination: &Value| {
        ["/server", "/name", "/namespace"]
            .iter()
            .any(|field| text(destination, field).starts_with('!'))
    };
    destinations
        .iter()
        .any(|destination| !denies(destination) && fits(destination))
        && !destinations
            .iter()
            .any(|destination| denies(destination) && fits(destination))
}

fn permits_kind(project: &Value, group: &str, kind: &str) -> bool {
    let lists = |pointer: &str| {
        items(project, pointer).any(|entry| {
            is_match(text(entry, "/group"), group, false)
                && is_match(text(entry, "/kind"), kind, false)
                && text(entry, "/name").is_empty()
        })
    };
    lists("/spec/clusterResourceWhitelist") && !lists("/spec/clusterResourceBlacklist")
}

/// Whether one of these patterns lets something, and none that begins with `!` denies it.
fn is_let(patterns: &[&str], fits: impl Fn(&str) -> bool) -> bool {
    patterns
        .iter()
        .any(|pattern| !pattern.starts_with('!') && fits(pattern))
        && !patterns
            .iter()
            .any(|pattern| pattern.strip_prefix('!').is_some_and(&fits))
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_project_permits_what_argo_cd_lets_its_apps_bring() {
        let all = json!({"group": "*", "kind": "*"});
        let here = json!({"server": "https://kubernetes.default.svc", "namespace": "*"});
        let project = |repositories: &[&str], destinations: &[Value], white: &Value, black: &Value| {
            json!({"spec": {
                "sourceRepos": repositories, "destinations": destinations,
                "clusterResourceWhitelist": [white], "clusterResourceBlacklist": [black],
            }})
        };
        let none = json!({"group": "none", "kind": "None"});
        let app = json!({"spec": {
            "source": {"repoURL": "https://git.example.com/shop/platform.git"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "crds"},
        }});
        for (why, project, expected) in [
            ("all", project(&["*"], from_ref(&here), &all, &none), true),
            (
                "its repository",
                project(&["https://git.example.com/*/*"], from_ref(&here), &all, &none),
                true,
            ),
            (
                "another repository",
                project(&["https://git.example.com/*"], from_ref(&here), &all, &none),
                false,
            ),
            (
                "but not this one",
                project(&["*", "!https://git.example.com/shop/*"], from_ref(&here), &all, &none),
                false,
            ),
            (
                "another cluster",
                project(&["*"], &[json!({"name": "edge", "namespace": "*"})], &all, &none),
                false,
            ),
            (
                "another namespace",
                project(
                    &["*"],
                    &[json!({"name": "in-cluster", "namespace": "team-*"})],
                    &all,
                    &none,
                ),
                false,
            ),
            (
                "all namespaces but this one",
                project(
                    &["*"],
                    &[here.clone(), json!({"server": "*", "namespace": "!crds"})],
                    &all,
                    &none,
                ),
                false,
            ),
            (
                "no objects of the cluster",
                json!({"spec": {"sourceRepos": ["*"], "destinations": [here]}}),
                false,
            ),
            (
                "only namespaces",
                project(
                    &["*"],
                    from_ref(&here),
                    &json!({"group": "", "kind": "Namespace"}),
                    &none,
                ),
                false,
            ),
            (
                "but no definitions",
                project(
                    &["*"],
                    from_ref(&here),
                    &all,
                    &json!({"group": "apiextensions.k8s.io", "kind": "*"}),
                ),
                false,
            ),
        ] {
            let kind = ("apiextensions.k8s.io", "CustomResourceDefinition");
            assert_eq!(
                permits(&project, Application::new(&app), kind.0, kind.1),
                expected,
                "{why}"
            );
        }
    }
}
