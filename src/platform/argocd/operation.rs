//! A sync that is begun for an Application, as the agent's own automated sync, or a person, would begin it.

use serde_json::{Map, Value, json};

use super::application::{Application, Operation, items};

/// How often an automated sync is tried again where the app does not say (`controller/appcontroller.go`, `autoSync`).
const LIMIT: u64 = 5;

/// Returns the value of the field `operation`: the last sync once more.
///
/// Where that was of chosen resources, so is this: such a one runs no hooks, and one of all would.
pub fn again(app: Application<'_>, run: &str, why: &str) -> Value {
    let mut operation = whole(app, run, why);
    if let Some(chosen) = app.operation().and_then(Operation::chosen_resources) {
        operation["sync"]["resources"] = chosen.clone();
    }
    operation
}

/// Returns the value of the field `operation`: the sync of all that the app was last compared with.
///
/// The sync options and the retries are copied, since a sync does not take them from the app. Of an app with automated sync it
/// counts as automated, so that the agent itself holds it back where a sync window does (`controller/sync.go`,
/// `syncWindowPreventsSync`); of another it is what a person would begin, which a window may let pass.
pub fn whole(app: Application<'_>, run: &str, why: &str) -> Value {
    let mut sync = Map::from_iter([("prune".to_owned(), Value::Bool(app.prunes()))]);
    let policy = app.sync_policy();
    let options: Vec<_> = items(policy, "/syncOptions").cloned().collect();
    if !options.is_empty() {
        sync.insert("syncOptions".to_owned(), Value::Array(options));
    }
    for field in ["revision", "revisions"] {
        if let Some(value) = app.compared(field) {
            sync.insert(field.to_owned(), value.clone());
        }
    }
    let retry = policy.get("retry").filter(|retry| retry.is_object());
    json!({
        "initiatedBy": {"username": "gitops-dr", "automated": app.is_automated()},
        "info": [{"name": "Reason", "value": format!("gitops-dr run {run}: {why}")}],
        "retry": retry.cloned().unwrap_or_else(|| json!({"limit": LIMIT})),
        "sync": sync,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sync_that_is_begun_is_the_one_that_the_agent_would_begin() {
        let retry = json!({"limit": 1, "backoff": {"duration": "2s"}});
        let app = json!({
            "spec": {"syncPolicy": {"automated": {"prune": true}, "retry": retry, "syncOptions": ["CreateNamespace=true"]}},
            "status": {"sync": {"revision": "abc", "status": "OutOfSync"}},
        });
        let operation = again(Application::new(&app), "01J", "seen");
        assert_eq!(
            operation,
            json!({
                "initiatedBy": {"username": "gitops-dr", "automated": true},
                "info": [{"name": "Reason", "value": "gitops-dr run 01J: seen"}],
                "retry": retry,
                "sync": {"prune": true, "revision": "abc", "syncOptions": ["CreateNamespace=true"]},
            })
        );
    }

    #[test]
    fn what_the_app_does_not_say_is_as_the_agent_has_it() {
        let app = json!({
            "spec": {"syncPolicy": {"automated": {}}},
            "status": {"sync": {"revision": "", "revisions": ["a", "b"]}},
        });
        let operation = again(Application::new(&app), "01J", "seen");
        assert_eq!(operation["retry"], json!({"limit": 5}));
        assert_eq!(operation["sync"], json!({"prune": false, "revisions": ["a", "b"]}));
    }
}
