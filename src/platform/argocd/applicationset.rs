//! A live `ApplicationSet`, seen as its own fields say.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::REFRESH_SET;
use super::application::{Resource, Source, items, text};
use crate::object::ObjectRef;

/// A view of a live `ApplicationSet`. Fields: `pkg/apis/application/v1alpha1/applicationset_types.go`.
#[derive(Debug, Clone, Copy)]
pub struct ApplicationSet<'object>(&'object Value);

/// A condition of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Condition<'object> {
    /// `True`, `False` or `Unknown`; empty where the condition is absent.
    pub status: &'object str,
    /// What it says.
    pub message: &'object str,
    /// Its reason, one word.
    pub reason: &'object str,
}

/// Where a set's `RollingSync` is with one app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rollout<'object> {
    /// `Waiting`, `Pending`, `Progressing` or `Healthy`.
    pub status: &'object str,
    /// The step it belongs to, counted from 1.
    pub step: &'object str,
    /// What it says.
    pub message: &'object str,
}

impl<'object> ApplicationSet<'object> {
    /// Takes a live object.
    pub fn new(object: &'object Value) -> Self {
        Self(object)
    }

    /// Returns its UID.
    pub fn uid(self) -> &'object str {
        text(self.0, "/metadata/uid")
    }

    /// Returns the version of the stored object; it changes with every write.
    pub fn resource_version(self) -> &'object str {
        text(self.0, "/metadata/resourceVersion")
    }

    /// Whether it is being deleted.
    pub fn is_deleting(self) -> bool {
        !text(self.0, "/metadata/deletionTimestamp").is_empty()
    }

    /// Whether a refresh was asked for and not yet answered.
    pub fn is_refresh_pending(self) -> bool {
        self.0["metadata"]["annotations"].get(REFRESH_SET).is_some()
    }

    /// Returns a condition.
    pub fn condition(self, kind: &str) -> Condition<'object> {
        let found = items(self.0, "/status/conditions").find(|condition| text(condition, "/type") == kind);
        let field = |pointer| found.map(|condition| text(condition, pointer)).unwrap_or_default();
        Condition {
            status: field("/status"),
            message: field("/message"),
            reason: field("/reason"),
        }
    }

    /// Returns for how long a condition has been as it is.
    pub(super) fn condition_age(self, kind: &str, now: Timestamp) -> Duration {
        items(self.0, "/status/conditions")
            .find(|condition| text(condition, "/type") == kind)
            .and_then(|condition| text(condition, "/lastTransitionTime").parse::<Timestamp>().ok())
            .and_then(|at| Duration::try_from(now.duration_since(at)).ok())
            .unwrap_or_default()
    }

    /// Whether it was judged at all.
    pub fn has_conditions(self) -> bool {
        items(self.0, "/status/conditions").next().is_some()
    }

    /// Returns when it was made, by the API server's clock.
    pub fn created_at(self) -> Option<Timestamp> {
        text(self.0, "/metadata/creationTimestamp").parse().ok()
    }

    /// Whether its conditions are about the specification as it is now.
    ///
    /// There is no observed generation. The conditions can only be about this specification where it never changed, or
    /// where one of them changed after whoever owns `spec` last wrote it.
    pub fn is_judged_as_it_is(self) -> bool {
        let newest = items(self.0, "/status/conditions")
            .filter_map(|condition| text(condition, "/lastTransitionTime").parse::<Timestamp>().ok())
            .max();
        let written = items(self.0, "/metadata/managedFields")
            .filter(|entry| entry["fieldsV1"].get("f:spec").is_some())
            .filter_map(|entry| text(entry, "/time").parse::<Timestamp>().ok())
            .max();
        if self.0["metadata"]["generation"].as_u64() == Some(1) {
            return newest.is_some();
        }
        matches!((newest, written), (Some(newest), Some(written)) if newest > written)
    }

    /// Returns the Applications that its status names.
    pub fn named(self) -> impl Iterator<Item = ObjectRef> {
        items(self.0, "/status/resources")
            .map(Resource::new)
            .filter(|resource| resource.is_app())
            .map(Resource::id)
    }

    /// Returns how many Applications it says that it has; the list of their names may be cut short.
    pub fn count(self) -> usize {
        let counted = self.0["status"]["resourcesCount"]
            .as_u64()
            .and_then(|count| usize::try_from(count).ok());
        counted.unwrap_or(0).max(self.named().count())
    }

    /// Whether it syncs its Applications itself, step by step.
    pub fn is_rolling(self) -> bool {
        text(self.0, "/spec/strategy/type") == "RollingSync"
    }

    /// Returns where its `RollingSync` is with the Application of that name.
    pub fn rollout(self, application: &str) -> Option<Rollout<'object>> {
        items(self.0, "/status/applicationStatus")
            .find(|entry| text(entry, "/application") == application)
            .map(|entry| Rollout {
                status: text(entry, "/status"),
                step: text(entry, "/step"),
                message: text(entry, "/message"),
            })
    }

    /// Returns the repositories that its generators read, those of nested generators too.
    pub fn repositories(self) -> Vec<Source<'object>> {
        let mut found = Vec::new();
        for generator in items(self.0, "/spec/generators") {
            repositories(generator, &mut found);
        }
        found
    }

    /// Whether any of its generators, nested ones too, may make apps for a cluster whose secret bears these labels. Of a
    /// selector only `matchLabels` can say no.
    pub fn may_choose(self, labels: &BTreeMap<String, String>) -> bool {
        items(self.0, "/spec/generators").any(|generator| may_choose(generator, labels))
    }
}

fn may_choose(generator: &Value, labels: &BTreeMap<String, String>) -> bool {
    let nested =
        |combining: &str| items(generator, &format!("/{combining}/generators")).any(|inner| may_choose(inner, labels));
    let chosen = generator.get("clusters").is_some_and(|clusters| {
        let wanted = clusters.pointer("/selector/matchLabels").and_then(Value::as_object);
        wanted
            .into_iter()
            .flatten()
            .all(|(key, value)| labels.get(key).map(String::as_str) == value.as_str())
    });
    chosen || nested("matrix") || nested("merge")
}

fn repositories<'object>(generator: &'object Value, found: &mut Vec<Source<'object>>) {
    if let Some(git) = generator.get("git") {
        let target = text(git, "/revision");
        found.push(Source {
            repository: text(git, "/repoURL"),
            target: if target.is_empty() { "HEAD" } else { target },
            chart: "",
            revision: "",
        });
    }
    for combining in ["matrix", "merge"] {
        for inner in items(generator, &format!("/{combining}/generators")) {
            repositories(inner, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn conditions_are_believed_only_where_they_can_be_about_this_specification() {
        let set = |generation: u64, written: &str, judged: &str| {
            json!({
                "metadata": {"generation": generation, "managedFields": [
                    {"time": written, "fieldsV1": {"f:spec": {}}},
                    {"time": "2026-01-09T00:00:00Z", "fieldsV1": {"f:status": {}}},
                ]},
                "status": {"conditions": [{"type": "ResourcesUpToDate", "status": "True", "lastTransitionTime": judged}]},
            })
        };
        for (generation, written, judged, believed) in [
            (1, "2026-01-05T00:00:00Z", "2026-01-05T00:00:00Z", true),
            (2, "2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z", true),
            (2, "2026-01-05T00:00:00Z", "2026-01-05T00:00:00Z", false),
            (2, "2026-01-05T00:00:00Z", "2026-01-04T00:00:00Z", false),
        ] {
            assert_eq!(
                ApplicationSet::new(&set(generation, written, judged)).is_judged_as_it_is(),
                believed,
                "{generation} {written} {judged}"
            );
        }
        assert!(!ApplicationSet::new(&json!({"metadata": {"generation": 1}})).is_judged_as_it_is());
    }

    #[test]
    fn repositories_of_nested_generators_are_found() {
        let set = json!({"spec": {"generators": [
            {"clusters": {}},
            {"matrix": {"generators": [{"git": {"repoURL": "a", "revision": "main"}}, {"merge": {"generators": [{"git": {"repoURL": "b"}}]}}]}},
        ]}});
        let found: Vec<_> = ApplicationSet::new(&set)
            .repositories()
            .iter()
            .map(|source| (source.repository, source.target))
            .collect();
        assert_eq!(found, [("a", "main"), ("b", "HEAD")]);
    }

    #[test]
    fn a_set_that_may_make_apps_for_a_cluster_is_known() {
        let labels = BTreeMap::from([("tier".to_owned(), "lab".to_owned())]);
        let inner = |generator: Value| json!([{"list": {}}, {"matrix": {"generators": [{"git": {}}, {"merge": {"generators": [generator]}}]}}]);
        for (generators, expected) in [
            (json!([{"clusters": {}}]), true),
            (
                json!([{"clusters": {"selector": {"matchLabels": {"tier": "lab"}}}}]),
                true,
            ),
            (
                json!([{"clusters": {"selector": {"matchLabels": {"tier": "shop"}}}}]),
                false,
            ),
            (
                json!([{"clusters": {"selector": {"matchExpressions": [{"key": "tier", "operator": "Exists"}]}}}]),
                true,
            ),
            (inner(json!({"clusters": {"selector": {}}})), true),
            (inner(json!({"git": {}})), false),
            (json!([]), false),
        ] {
            let set = json!({"spec": {"generators": generators}});
            assert_eq!(ApplicationSet::new(&set).may_choose(&labels), expected, "{set}");
        }
    }
}
