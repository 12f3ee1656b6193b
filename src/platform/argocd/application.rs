//! A live Application, seen as its own fields say.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{GROUP, IN_CLUSTER, REFRESH, manifest};
use crate::object::{ObjectRef, at};

/// A view of a live Application. Fields: `pkg/apis/application/v1alpha1/types.go`.
#[derive(Debug, Clone, Copy)]
pub struct Application<'object>(&'object Value);

/// A live sync, or the last one.
#[derive(Debug, Clone, Copy)]
pub struct Operation<'object>(&'object Value);

/// One resource that an Application, an ApplicationSet or a sync names.
#[derive(Debug, Clone, Copy)]
pub struct Resource<'object>(&'object Value);

/// Where an Application's manifests come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source<'object> {
    /// The repository's address.
    pub repository: &'object str,
    /// What is to be taken from it; `HEAD` where nothing is said.
    pub target: &'object str,
    /// The chart's name, where the repository holds charts.
    pub chart: &'object str,
    /// The revision that it was last compared with; empty where that is unknown.
    pub revision: &'object str,
}

/// Returns the text at a JSON pointer; empty where there is none.
pub(in crate::platform) fn text<'object>(value: &'object Value, pointer: &str) -> &'object str {
    at(value, pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Returns the items at a JSON pointer.
pub(in crate::platform) fn items<'object>(
    value: &'object Value,
    pointer: &str,
) -> impl Iterator<Item = &'object Value> {
    at(value, pointer).and_then(Value::as_array).into_iter().flatten()
}

fn time(value: &Value, pointer: &str) -> Option<Timestamp> {
    text(value, pointer).parse().ok()
}

impl<'object> Application<'object> {
    /// Takes a live object.
    pub fn new(object: &'object Value) -> Self {
        Self(object)
    }

    /// Whether it is being deleted.
    pub fn is_deleting(self) -> bool {
        !text(self.0, "/metadata/deletionTimestamp").is_empty()
    }

    /// Returns its finalizers.
    pub fn finalizers(self) -> Vec<&'object str> {
        items(self.0, "/metadata/finalizers")
            .filter_map(Value::as_str)
            .collect()
    }

    /// Returns the value of an annotation.
    pub fn annotation(self, name: &str) -> Option<&'object str> {
        self.0.get("metadata")?.get("annotations")?.get(name)?.as_str()
    }

    /// Whether a refresh was asked for and not yet answered.
    pub fn is_refresh_pending(self) -> bool {
        self.annotation(REFRESH).is_some()
    }

    /// Whether the controller was told to leave it alone.
    pub fn is_skipped(self) -> bool {
        self.annotation("argocd.argoproj.io/skip-reconcile") == Some("true")
    }

    /// Returns the UID of the object that made it and manages it: an `ApplicationSet`.
    pub fn controller(self) -> Option<&'object str> {
        controller(self.0)
    }

    /// Returns its project; `default` where it names none (`GetProject` in `pkg/apis/application/v1alpha1/types.go`).
    pub fn project(self) -> &'object str {
        match text(self.0, "/spec/project") {
            "" => "default",
            named => named,
        }
    }

    /// Whether its syncs start by themselves.
    pub fn is_automated(self) -> bool {
        manifest::is_automated(&self.0["spec"]["syncPolicy"])
    }

    /// Whether an automated sync prunes.
    pub fn prunes(self) -> bool {
        self.0["spec"]["syncPolicy"]["automated"]["prune"] == Value::Bool(true)
    }

    /// Whether an automated sync may prune all that it deploys.
    pub fn may_be_empty(self) -> bool {
        self.0["spec"]["syncPolicy"]["automated"]["allowEmpty"] == Value::Bool(true)
    }

    /// Whether this option is set for all its syncs, such as `Prune=false`.
    pub fn has_sync_option(self, option: &str) -> bool {
        items(self.0, "/spec/syncPolicy/syncOptions").any(|given| given == option)
    }

    /// Whether an automated sync runs again on a revision that was synced before.
    pub fn heals_itself(self) -> bool {
        self.0["spec"]["syncPolicy"]["automated"]["selfHeal"] == Value::Bool(true)
    }

    /// Returns how its syncs are made.
    pub fn sync_policy(self) -> &'object Value {
        &self.0["spec"]["syncPolicy"]
    }

    /// Returns a field of what it was last compared with, `revision` or `revisions`, unless it is empty.
    pub fn compared(self, field: &str) -> Option<&'object Value> {
        self.0["status"]["sync"]
            .get(field)
            .filter(|value| meaning(value).is_some())
    }

    /// Returns the version of the stored object; it changes with every write.
    pub fn resource_version(self) -> &'object str {
        text(self.0, "/metadata/resourceVersion")
    }

    /// Whether a sync was asked for that the controller has not taken up or not ended.
    pub fn is_operation_asked(self) -> bool {
        self.0.get("operation").is_some_and(|operation| !operation.is_null())
    }

    /// Returns the sync that runs, or the last one.
    pub fn operation(self) -> Option<Operation<'object>> {
        at(self.0, "/status/operationState")
            .filter(|state| state.is_object())
            .map(Operation)
    }

    /// Returns `Synced`, `OutOfSync` or `Unknown`; empty before the first comparison.
    pub fn sync(self) -> &'object str {
        text(self.0, "/status/sync/status")
    }

    /// Returns the health; empty before the first judgement.
    pub fn health(self) -> &'object str {
        text(self.0, "/status/health/status")
    }

    /// Returns why it has that health, where Argo CD says so.
    pub fn health_message(self) -> &'object str {
        text(self.0, "/status/health/message")
    }

    /// Returns its conditions as type and message.
    pub fn conditions(self) -> impl Iterator<Item = (&'object str, &'object str)> {
        items(self.0, "/status/conditions").map(|condition| (text(condition, "/type"), text(condition, "/message")))
    }

    /// Returns when it was last compared with the newest revision of its sources.
    pub fn reconciled_at(self) -> Option<Timestamp> {
        time(self.0, "/status/reconciledAt")
    }

    /// Whether it was never compared, or not since its last sync ended.
    pub fn awaits_comparison(self) -> bool {
        let finished = self.operation().and_then(Operation::finished_at);
        self.reconciled_at()
            .is_none_or(|reconciled| finished.is_some_and(|finished| reconciled < finished))
    }

    /// Returns when a condition became as it is.
    pub fn condition_since(self, kind: &str) -> Option<Timestamp> {
        items(self.0, "/status/conditions")
            .find(|condition| text(condition, "/type") == kind)
            .and_then(|condition| time(condition, "/lastTransitionTime"))
    }

    /// Returns the resources it manages.
    pub fn resources(self) -> impl Iterator<Item = Resource<'object>> {
        items(self.0, "/status/resources").map(Resource)
    }

    /// Returns its sources, each with the revision it was compared with.
    pub fn sources(self) -> Vec<Source<'object>> {
        let many = at(self.0, "/spec/sources").and_then(Value::as_array);
        if let Some(sources) = many.filter(|sources| !sources.is_empty()) {
            return sources
                .iter()
                .enumerate()
                .map(|(index, source)| Source::new(source, text(self.0, &format!("/status/sync/revisions/{index}"))))
                .collect();
        }
        let revision = text(self.0, "/status/sync/revision");
        // A hydrated app deploys the branch that the hydrator writes, which nobody resolved beforehand.
        if let Some(hydrator) = at(self.0, "/spec/sourceHydrator").filter(|value| value.is_object()) {
            return vec![Source {
                repository: text(hydrator, "/drySource/repoURL"),
                target: text(hydrator, "/syncSource/targetBranch"),
                chart: "",
                revision,
            }];
        }
        at(self.0, "/spec/source")
            .map(|source| Source::new(source, revision))
            .into_iter()
            .collect()
    }

    /// Returns the revision it was compared with: of several sources the first that has one.
    pub fn revision(self) -> Option<&'object str> {
        self.sources()
            .into_iter()
            .map(|source| source.revision)
            .find(|revision| !revision.is_empty())
    }

    /// Whether the newest comparison was made with the specification as it is now.
    pub fn is_compared_to_spec(self) -> bool {
        let compared = &self.0["status"]["sync"]["comparedTo"];
        let spec = &self.0["spec"];
        if !compared.is_object() {
            return false;
        }
        let same = |field: &str| meaning(&spec[field]) == meaning(&compared[field]);
        if !same("destination") || !same("ignoreDifferences") {
            return false;
        }
        if meaning(&spec["sources"]).is_some() {
            return same("sources");
        }
        meaning(&spec["sourceHydrator"]).is_some() || same("source")
    }

    /// Whether it deploys to the cluster that Argo CD runs in.
    pub fn is_in_cluster(self) -> bool {
        let name = text(self.0, "/spec/destination/name");
        let server = text(self.0, "/spec/destination/server").trim_end_matches('/');
        name == "in-cluster" || server == IN_CLUSTER || (name.is_empty() && server.is_empty())
    }

    /// Whether it deploys to the cluster of this name, or at one of these addresses.
    pub fn goes_to(self, name: &str, servers: &[String]) -> bool {
        let said = text(self.0, "/spec/destination/name");
        let server = text(self.0, "/spec/destination/server").trim_end_matches('/');
        (!said.is_empty() && said == name)
            || (!server.is_empty() && servers.iter().any(|known| known.trim_end_matches('/') == server))
    }

    /// Returns its name.
    pub fn name(self) -> &'object str {
        text(self.0, "/metadata/name")
    }

    /// Returns the name and the address of the cluster that it goes to, as they are written: one of them is empty.
    pub fn destination(self) -> (&'object str, &'object str) {
        let said = |pointer| text(self.0, pointer);
        (said("/spec/destination/name"), said("/spec/destination/server"))
    }

    /// Returns the namespace that it deploys to.
    pub fn namespace(self) -> &'object str {
        text(self.0, "/spec/destination/namespace")
    }

    /// Returns its specification's sources as they are written: one or several.
    pub fn written_sources(self) -> Vec<&'object Value> {
        let many: Vec<_> = items(self.0, "/spec/sources").collect();
        if many.is_empty() {
            at(self.0, "/spec/source").into_iter().collect()
        } else {
            many
        }
    }

    /// Returns the Applications and ApplicationSets that it manages. What is only left to prune or is a hook does not
    /// follow from it for good.
    pub fn children(self) -> impl Iterator<Item = ObjectRef> {
        self.resources()
            .filter(|resource| resource.is_app() && !resource.is_hook() && !resource.requires_pruning())
            .map(move |resource| self.with_namespace(resource.id()))
    }

    /// Returns the identity of a namespaced object as the app's own fields name it, with the namespace that is left out there.
    pub(super) fn with_namespace(self, mut id: ObjectRef) -> ObjectRef {
        if id.namespace.is_empty() {
            self.namespace().clone_into(&mut id.namespace);
        }
        id
    }
}

/// Returns the UID of the owner that is the controller.
pub(in crate::platform) fn controller(object: &Value) -> Option<&str> {
    items(object, "/metadata/ownerReferences")
        .find(|owner| owner["controller"] == Value::Bool(true))
        .map(|owner| text(owner, "/uid"))
        .filter(|uid| !uid.is_empty())
}

impl<'object> Source<'object> {
    fn new(source: &'object Value, revision: &'object str) -> Self {
        let target = text(source, "/targetRevision");
        Self {
            repository: text(source, "/repoURL"),
            target: if target.is_empty() { "HEAD" } else { target },
            chart: text(source, "/chart"),
            revision,
        }
    }
}

impl<'object> Operation<'object> {
    /// Returns `Running`, `Terminating`, `Failed`, `Error` or `Succeeded`.
    pub fn phase(self) -> &'object str {
        text(self.0, "/phase")
    }

    /// Returns what it says.
    pub fn message(self) -> &'object str {
        text(self.0, "/message")
    }

    /// Returns how often it was tried again.
    pub fn retries(self) -> u64 {
        self.0["retryCount"].as_u64().unwrap_or(0)
    }

    /// Returns when it began.
    pub fn started_at(self) -> Option<Timestamp> {
        time(self.0, "/startedAt")
    }

    /// Returns when it ended; of one that waits for its next try, when the last try ended.
    pub fn finished_at(self) -> Option<Timestamp> {
        time(self.0, "/finishedAt")
    }

    /// Whether it failed once or more and waits for its next try.
    pub fn waits_for_retry(self) -> bool {
        self.phase() == "Running" && self.finished_at().is_some()
    }

    /// Whether it is under way, and a sync window of its project holds it back (`controller/sync.go`).
    pub fn is_held_by_window(self) -> bool {
        self.message().starts_with("Sync operation blocked by sync window")
    }

    /// Whether it ended without success and will not be tried again.
    pub fn is_failed(self) -> bool {
        matches!(self.phase(), "Failed" | "Error")
    }

    /// Returns the revision it synced to; of several sources the first.
    pub fn revision(self) -> &'object str {
        let one = text(self.0, "/syncResult/revision");
        if one.is_empty() {
            text(self.0, "/syncResult/revisions/0")
        } else {
            one
        }
    }

    /// Whether it was about the revision that the app was last compared with; also where that is not known.
    pub fn is_of_revision(self, app: Application<'_>) -> bool {
        let synced = self.revision();
        synced.is_empty() || app.revision().is_none_or(|compared| compared == synced)
    }

    /// Whether it was to sync chosen resources only. Such a sync runs no hooks (`controller/sync.go`).
    pub fn is_of_chosen_resources(self) -> bool {
        self.chosen_resources().is_some()
    }

    /// Returns the resources that it was to sync, where it was not to sync all.
    pub fn chosen_resources(self) -> Option<&'object Value> {
        at(self.0, "/operation/sync/resources")
            .filter(|resources| resources.as_array().is_some_and(|resources| !resources.is_empty()))
    }

    /// Returns the results of the tasks that ran.
    pub fn results(self) -> impl Iterator<Item = Resource<'object>> {
        items(self.0, "/syncResult/resources").map(Resource)
    }
}

impl<'object> Resource<'object> {
    /// Takes an entry of `status.resources` or `syncResult.resources`.
    pub fn new(entry: &'object Value) -> Self {
        Self(entry)
    }

    /// Returns its identity.
    pub fn id(self) -> ObjectRef {
        ObjectRef {
            group: text(self.0, "/group").to_owned(),
            version: text(self.0, "/version").to_owned(),
            kind: text(self.0, "/kind").to_owned(),
            namespace: text(self.0, "/namespace").to_owned(),
            name: text(self.0, "/name").to_owned(),
        }
    }

    /// Whether it is an Application or an `ApplicationSet`.
    pub fn is_app(self) -> bool {
        text(self.0, "/group") == GROUP && matches!(text(self.0, "/kind"), "Application" | "ApplicationSet")
    }

    /// Returns its sync status, or the result of its sync.
    pub fn status(self) -> &'object str {
        text(self.0, "/status")
    }

    /// Returns its health; empty where it is not kept in the Application.
    pub fn health(self) -> &'object str {
        text(self.0, "/health/status")
    }

    /// Returns why it has that health.
    pub fn health_message(self) -> &'object str {
        text(self.0, "/health/message")
    }

    /// Returns what a sync says of it.
    pub fn message(self) -> &'object str {
        text(self.0, "/message")
    }

    /// Returns the phase of a hook.
    pub fn hook_phase(self) -> &'object str {
        text(self.0, "/hookPhase")
    }

    /// Whether it is a hook.
    pub fn is_hook(self) -> bool {
        self.0["hook"] == Value::Bool(true) || !text(self.0, "/hookType").is_empty()
    }

    /// Whether it is a hook that was made: one that could not be applied never ran.
    pub fn is_hook_that_ran(self) -> bool {
        self.is_hook() && self.status() != "SyncFailed"
    }

    /// Whether it is live but no longer in Git.
    pub fn requires_pruning(self) -> bool {
        self.0["requiresPruning"] == Value::Bool(true)
    }
}

/// Returns a value without what Go leaves out when it writes one: null, false, 0, empty text, lists and mappings. `None`
/// where nothing is left.
fn meaning(value: &Value) -> Option<Value> {
    match value {
        Value::Null | Value::Bool(false) => None,
        Value::Number(number) if number.as_f64() == Some(0.0) => None,
        Value::String(text) if text.is_empty() => None,
        Value::Array(items) if items.is_empty() => None,
        // The places of items matter; an item may be empty.
        Value::Array(items) => Some(items.iter().map(|item| meaning(item).unwrap_or(Value::Null)).collect()),
        Value::Object(fields) => {
            let kept: Map<_, _> = fields
                .iter()
                .filter_map(|(name, field)| Some((name.clone(), meaning(field)?)))
                .collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        other => Some(other.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_go_leaves_out_does_not_make_another_specification() {
        let source = json!({"repoURL": "https://h/a", "path": "x", "directory": {"recurse": false}});
        let compared = json!({"repoURL": "https://h/a", "path": "x", "directory": {"jsonnet": {}}});
        let object = |compared: &Value| {
            json!({
                "spec": {"source": source, "destination": {"server": "s", "namespace": "n"}},
                "status": {"sync": {"comparedTo": {"source": compared, "destination": {"namespace": "n", "server": "s"}}}},
            })
        };
        assert!(Application::new(&object(&compared)).is_compared_to_spec());
        let other = json!({"repoURL": "https://h/a", "path": "y"});
        assert!(!Application::new(&object(&other)).is_compared_to_spec());
        assert!(!Application::new(&json!({"spec": {"source": source}})).is_compared_to_spec());
    }

    #[test]
    fn several_sources_are_compared_as_a_list() {
        let sources = json!([{"repoURL": "a"}, {"repoURL": "b", "chart": "c", "targetRevision": "1.0"}]);
        let object = json!({
            "spec": {"sources": sources, "destination": {"name": "in-cluster"}},
            "status": {"sync": {
                "comparedTo": {"sources": sources, "source": {"repoURL": ""}, "destination": {"name": "in-cluster"}},
                "revisions": ["", "1.0"],
            }},
        });
        let app = Application::new(&object);
        assert!(app.is_compared_to_spec());
        assert_eq!(app.sources()[0].target, "HEAD");
        assert_eq!(app.revision(), Some("1.0"));
    }

    #[test]
    fn children_are_the_apps_that_stay() {
        let app = |name: &str, more: Value| {
            let mut entry = json!({"group": "argoproj.io", "kind": "Application", "namespace": "argocd", "name": name});
            entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            entry
        };
        let object = json!({"spec": {"destination": {"namespace": "apps"}}, "status": {"resources": [
            app("a", json!({})),
            app("leftover", json!({"requiresPruning": true})),
            app("hook", json!({"hook": true})),
            {"group": "argoproj.io", "kind": "ApplicationSet", "name": "s"},
            {"group": "argoproj.io", "kind": "AppProject", "name": "p"},
            {"kind": "ConfigMap", "name": "c"},
        ]}});
        let children: Vec<_> = Application::new(&object).children().map(|id| id.to_string()).collect();
        assert_eq!(
            children,
            ["Application.argoproj.io argocd/a", "ApplicationSet.argoproj.io apps/s"]
        );
    }
}
