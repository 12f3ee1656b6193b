//! What the sync engine says in `status.operationState.message`, read back into objects and reasons.
//!
//! Texts: `gitops-engine/pkg/sync/sync_context.go`, `controller/appcontroller.go`.

use super::application::{Application, Operation};
use crate::event::Blocker;
pub(super) use crate::event::one_line;
use crate::object::ObjectRef;

/// How many objects are named one by one; more would hide the first.
const NAMED: usize = 3;

/// What a sync may wait for, as it says it and as a reason.
const WAITS: [(&str, &str); 6] = [
    ("healthy state of ", "healthy state"),
    ("completion of hook ", "completion as a hook"),
    ("pruning confirmation of ", "pruning to be confirmed"),
    ("deletion of hook ", "deletion as a hook"),
    ("deletion of ", "deletion"),
    ("pruning of ", "pruning"),
];

/// Makes a blocker about the node itself.
pub(super) fn itself(reason: impl Into<String>) -> Blocker {
    Blocker {
        object: String::new(),
        reason: reason.into(),
    }
}

/// Makes a blocker about another object.
pub(super) fn about(object: &ObjectRef, reason: impl Into<String>) -> Blocker {
    Blocker {
        object: object.to_string(),
        reason: reason.into(),
    }
}

/// Returns what an error is about, without what Argo CD's processes say of each other around it
/// (`controller/state.go`, `util/exec/exec.go`, gRPC).
pub(super) fn cause(text: &str) -> &str {
    const AROUND: [&str; 5] = [
        "Failed to load target state: ",
        "failed to generate manifest for source ",
        // Other codes tell something.
        "rpc error: code = Unknown desc = ",
        "Manifest generation error (cached): ",
        "failed to execute helm template command: ",
    ];
    let ends = |around: &str| if around.ends_with("source ") { ": " } else { "" };
    let mut text = text;
    while let Some((around, rest)) = AROUND
        .iter()
        .find_map(|around| Some((*around, text.strip_prefix(around)?)))
    {
        let Some((_, rest)) = rest.split_once(ends(around)) else {
            break;
        };
        text = rest;
    }
    let Some((_, rest)) = text.split_once(" failed exit status ") else {
        return text;
    };
    match rest.split_once(": ") {
        Some((_, said)) if !said.trim().is_empty() => said.strip_prefix("Error: ").unwrap_or(said),
        _ => text,
    }
}

/// Returns what a sync that runs is waiting for: the object that its message names, else the message.
pub(super) fn waiting(app: Application<'_>, operation: Operation<'_>) -> Blocker {
    let message = operation.message();
    let Some((what, object, more)) = message.strip_prefix("waiting for ").and_then(parse) else {
        let said = if message.is_empty() {
            "its sync has begun".to_owned()
        } else {
            one_line(message)
        };
        return itself(said);
    };
    let reason = format!("waiting for its {what}{more}");
    // The message leaves the namespace out; whoever lists the resource knows it.
    let found = operation
        .results()
        .chain(app.resources())
        .map(super::application::Resource::id)
        .find(|id| id.group == object.group && id.kind == object.kind && id.name == object.name);
    about(&found.unwrap_or(object), reason)
}

/// Returns what is being waited for, the object, and how many more there are, as ` (and 2 more resources)`.
fn parse(text: &str) -> Option<(&'static str, ObjectRef, String)> {
    let (what, rest) = WAITS
        .iter()
        .find_map(|(said, what)| Some((*what, text.strip_prefix(said)?)))?;
    let (object, more) = match rest.split_once(" and ") {
        Some((object, more)) => (object, format!(" (and {more})")),
        None => (rest, String::new()),
    };
    let mut parts = object.trim().splitn(3, '/');
    let (group, kind, name) = (parts.next()?, parts.next()?, parts.next()?);
    let object = ObjectRef {
        group: group.to_owned(),
        version: String::new(),
        kind: kind.to_owned(),
        namespace: String::new(),
        name: name.to_owned(),
    };
    Some((what, object, more))
}

/// Returns why a sync failed: each object that could not be applied and each hook that failed with its own message, else
/// the sync's message.
pub(super) fn failures(operation: Operation<'_>) -> Vec<Blocker> {
    let failed: Vec<_> = operation
        .results()
        .filter(|result| {
            result.status() == "SyncFailed" || (result.is_hook() && matches!(result.hook_phase(), "Failed" | "Error"))
        })
        .collect();
    let mut blockers: Vec<_> = failed
        .iter()
        .take(NAMED)
        .map(|result| {
            let what = if result.is_hook() { "hook failed" } else { "SyncFailed" };
            let said = one_line(result.message());
            about(
                &result.id(),
                if said.is_empty() {
                    what.to_owned()
                } else {
                    format!("{what}: {said}")
                },
            )
        })
        .collect();
    if failed.len() > NAMED {
        blockers.push(itself(format!("{} more objects failed to sync", failed.len() - NAMED)));
    }
    // Of a hook that waits for its next try, and of a sync that failed before it applied anything, only the message tells.
    if blockers.is_empty() || operation.waits_for_retry() {
        blockers.push(itself(one_line(operation.message())));
    }
    blockers
}

/// Returns up to three of the blockers, and how many more there are.
pub(super) fn few(blockers: Vec<Blocker>, what: &str) -> Vec<Blocker> {
    let more = blockers.len().saturating_sub(NAMED);
    let mut few: Vec<_> = blockers.into_iter().take(NAMED).collect();
    match more {
        0 => {}
        // What is told of many is told of one in other words.
        1 => few.push(itself(format!("1 more of these: {what}"))),
        _ => few.push(itself(format!("{more} more {what}"))),
    }
    few
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn with(message: &str, results: &Value) -> Value {
        json!({"status": {
            "resources": [{"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "cart"}],
            "operationState": {"phase": "Running", "message": message, "syncResult": {"resources": results}},
        }})
    }

    #[test]
    fn an_error_is_told_without_what_is_said_around_it() {
        let around = "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = Unknown desc = ";
        let chart = "failed to execute helm template command: failed to get command args to log: `helm pull --version 9.9.9 cache` failed exit status 1: Error: chart \"cache\" version \"9.9.9\" not found in https://charts.example.com";
        let kustomize = "`kustomize build <path to cached source>/nofile` failed exit status 1: Error: accumulating resources: lstat nofile/a.yaml: no such file or directory";
        for (said, told) in [
            (
                format!("{around}{chart}"),
                "chart \"cache\" version \"9.9.9\" not found in https://charts.example.com",
            ),
            (
                format!("{around}{kustomize}"),
                "accumulating resources: lstat nofile/a.yaml: no such file or directory",
            ),
            (
                format!("{around}Manifest generation error (cached): nopath: app path does not exist"),
                "nopath: app path does not exist",
            ),
            (
                "rpc error: code = Unavailable desc = no".into(),
                "rpc error: code = Unavailable desc = no",
            ),
            ("`helm` failed exit status 1: ".into(), "`helm` failed exit status 1: "),
            ("cluster has no connection".into(), "cluster has no connection"),
        ] {
            assert_eq!(cause(&said), told);
        }
    }

    #[test]
    fn what_a_sync_waits_for_is_named_as_an_object() {
        for (message, expected) in [
            (
                "waiting for healthy state of apps/Deployment/cart",
                "Deployment.apps shop/cart: waiting for its healthy state",
            ),
            (
                "waiting for healthy state of apps/Deployment/cart and 2 more resources",
                "Deployment.apps shop/cart: waiting for its healthy state (and 2 more resources)",
            ),
            (
                "waiting for completion of hook batch/Job/migrate",
                "Job.batch migrate: waiting for its completion as a hook",
            ),
            (
                "waiting for completion of hook batch/Job/m and 1 more hooks",
                "Job.batch m: waiting for its completion as a hook (and 1 more hooks)",
            ),
            (
                "waiting for healthy state of /Service/web",
                "Service web: waiting for its healthy state",
            ),
            (
                "waiting for deletion of /ConfigMap/old",
                "ConfigMap old: waiting for its deletion",
            ),
            (
                "waiting for deletion of hook batch/Job/old",
                "Job.batch old: waiting for its deletion as a hook",
            ),
            (
                "waiting for pruning confirmation of /PersistentVolumeClaim/data",
                "PersistentVolumeClaim data: waiting for its pruning to be confirmed",
            ),
            ("waiting for a miracle", "waiting for a miracle"),
            ("", "its sync has begun"),
        ] {
            let object = with(message, &json!([]));
            let app = Application::new(&object);
            assert_eq!(
                waiting(app, app.operation().unwrap()).to_string(),
                expected,
                "{message}"
            );
        }
    }

    #[test]
    fn each_object_that_failed_to_sync_is_named_with_its_own_message() {
        let object = with(
            "one or more objects failed to apply, reason: long",
            &json!([
                {"group": "monitoring.coreos.com", "kind": "ServiceMonitor", "namespace": "shop", "name": "cart", "status": "SyncFailed", "message": "CRD\n is missing"},
                {"group": "batch", "kind": "Job", "namespace": "shop", "name": "migrate", "hookType": "PreSync", "hookPhase": "Failed", "message": "BackoffLimitExceeded"},
                {"group": "", "kind": "Service", "namespace": "shop", "name": "web", "status": "Synced"},
            ]),
        );
        let said: Vec<_> = failures(Application::new(&object).operation().unwrap())
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            said,
            [
                "ServiceMonitor.monitoring.coreos.com shop/cart: SyncFailed: CRD is missing",
                "Job.batch shop/migrate: hook failed: BackoffLimitExceeded",
            ]
        );
    }

    #[test]
    fn a_sync_that_failed_before_it_began_says_so_itself() {
        let object = with("one or more synchronization tasks are not valid", &json!([]));
        let said = failures(Application::new(&object).operation().unwrap());
        assert_eq!(said, [itself("one or more synchronization tasks are not valid")]);
    }
}
