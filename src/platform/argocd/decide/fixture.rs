//! A small platform to decide about.

use serde_json::{Value, json};

use super::{Decision, Memory, Policy, Resolved, Rules, Tree, decide};
use crate::event::NodePhase;
use crate::health::{Health, Status};
use crate::object::ObjectRef;
use crate::platform::live::{Live, Sight};
use std::time::Duration;

pub(super) const REPOSITORY: &str = "https://git.example.com/shop/platform.git";
pub(super) const COMMIT: &str = "1111111111111111111111111111111111111111";
pub(super) const OTHER: &str = "2222222222222222222222222222222222222222";

/// Returns a time as the API writes it, `seconds` after the run began.
pub(super) fn at(seconds: i64) -> String {
    now(seconds).to_string()
}

/// Returns a time, `seconds` after the run began.
pub(super) fn now(seconds: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

pub(super) fn app_id(name: &str) -> ObjectRef {
    ObjectRef::new("argoproj.io/v1alpha1", "Application", "argocd", name)
}

pub(super) fn set_id(name: &str) -> ObjectRef {
    ObjectRef::new("argoproj.io/v1alpha1", "ApplicationSet", "argocd", name)
}

/// An Application that is settled since 5 s after the run began, and manages the given Applications and sets.
pub(super) fn ready(name: &str, children: &[&str]) -> Value {
    let source = json!({"repoURL": REPOSITORY, "path": name, "targetRevision": "main"});
    let destination = json!({"server": "https://kubernetes.default.svc", "namespace": "argocd"});
    let resources: Vec<_> = children
        .iter()
        .map(|child| {
            let (kind, name) = child
                .strip_prefix("set:")
                .map_or(("Application", *child), |name| ("ApplicationSet", name));
            json!({"group": "argoproj.io", "version": "v1alpha1", "kind": kind, "namespace": "argocd", "name": name, "status": "Synced"})
        })
        .collect();
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": name, "namespace": "argocd", "uid": format!("uid-{name}")},
        "spec": {
            "project": "default", "source": source, "destination": destination,
            "syncPolicy": {"automated": {"prune": true, "selfHeal": true}},
        },
        "status": {
            "reconciledAt": at(5),
            "health": {"status": "Healthy"},
            "sync": {"status": "Synced", "revision": COMMIT, "comparedTo": {"source": source, "destination": destination}},
            "operationState": {"phase": "Succeeded", "startedAt": at(2), "finishedAt": at(4), "syncResult": {"revision": COMMIT}},
            "resources": resources,
        },
    })
}

/// A set that is complete, and has the given Applications.
pub(super) fn complete(name: &str, children: &[&str]) -> Value {
    let resources: Vec<_> = children
        .iter()
        .map(|child| json!({"group": "argoproj.io", "version": "v1alpha1", "kind": "Application", "namespace": "argocd", "name": child, "status": "Synced"}))
        .collect();
    let condition = |kind: &str, status: &str| json!({"type": kind, "status": status, "reason": "r", "message": "m", "lastTransitionTime": at(3)});
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet",
        "metadata": {
            "name": name, "namespace": "argocd", "uid": format!("uid-{name}"), "generation": 1,
            "resourceVersion": "10", "creationTimestamp": at(1),
        },
        "spec": {"generators": [{"git": {"repoURL": REPOSITORY, "revision": "main"}}]},
        "status": {
            "conditions": [condition("ErrorOccurred", "False"), condition("ParametersGenerated", "True"), condition("ResourcesUpToDate", "True")],
            "resources": resources,
        },
    })
}

/// Says that an Application was made by a set.
pub(super) fn owned_by(mut app: Value, set: &str) -> Value {
    app["metadata"]["ownerReferences"] =
        json!([{"kind": "ApplicationSet", "name": set, "uid": format!("uid-{set}"), "controller": true}]);
    app
}

/// Makes it as if it were older by this many seconds than the run.
pub(super) fn before_the_run(mut object: Value, seconds: i64) -> Value {
    if object["kind"] == "Application" {
        object["status"]["reconciledAt"] = json!(at(-seconds));
        object["status"]["operationState"]["startedAt"] = json!(at(-seconds - 3));
        object["status"]["operationState"]["finishedAt"] = json!(at(-seconds - 1));
    } else {
        object["metadata"]["creationTimestamp"] = json!(at(-seconds - 9));
        for condition in object["status"]["conditions"].as_array_mut().unwrap() {
            condition["lastTransitionTime"] = json!(at(-seconds));
        }
    }
    object
}

/// A platform, and what is thought of it as time goes by.
pub(super) struct Platform {
    pub(super) tree: Tree,
    pub(super) rules: Rules,
    pub(super) memory: Memory,
}

impl Platform {
    pub(super) fn new(objects: impl IntoIterator<Item = Value>) -> Self {
        let mut platform = Self {
            tree: Tree::default(),
            rules: Rules {
                ahead: std::collections::BTreeSet::new(),
                roots: vec![app_id("root")],
                leaves: Vec::new().into(),
                started: now(0),
                first_started: now(0),
                apps: std::collections::BTreeMap::new(),
                revisions: vec![Resolved {
                    repository: REPOSITORY.to_owned(),
                    target: "main".to_owned(),
                    commit: COMMIT.to_owned(),
                }],
                away: Vec::new(),
                quiet: Duration::from_secs(10),
                run: "01J".to_owned(),
            },
            memory: Memory::default(),
        };
        for object in objects {
            platform.put(object);
        }
        platform
    }

    /// Shows an object as it now is.
    pub(super) fn put(&mut self, object: Value) {
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        if object["kind"] == "Application" {
            self.tree.applications.insert(app_id(&name), object);
        } else {
            self.tree.sets.insert(set_id(&name), object);
        }
    }

    pub(super) fn app(&mut self, name: &str) -> &mut Value {
        self.tree.applications.get_mut(&app_id(name)).unwrap()
    }

    pub(super) fn set(&mut self, name: &str) -> &mut Value {
        self.tree.sets.get_mut(&set_id(name)).unwrap()
    }

    pub(super) fn allow(&mut self, name: &str, allow: &[&str]) {
        let allow = allow.iter().map(|word| (*word).to_owned()).collect();
        self.policy(
            name,
            Policy {
                allow,
                ignore: false,
                rerun_hooks: false,
                sync: false,
                reason: "known".to_owned(),
            },
        );
    }

    /// Gives an app a Deployment of its own name, and shows how that is.
    pub(super) fn deploys(&mut self, name: &str, status: Status) {
        let id = ObjectRef::new("apps/v1", "Deployment", name, name);
        let entry = json!({"group": "apps", "version": "v1", "kind": "Deployment", "namespace": name, "name": name, "status": "Synced"});
        let resources = self.app(name)["status"]["resources"].as_array_mut().unwrap();
        if !resources.contains(&entry) {
            resources.push(entry);
        }
        self.tree
            .kinds
            .insert(("apps".to_owned(), "Deployment".to_owned()), Sight::Watched);
        let health = Some(Health {
            status,
            message: String::new(),
        });
        self.tree.live.insert(
            id,
            Live {
                health,
                ..Live::default()
            },
        );
    }

    /// Lets the hooks of an app run again.
    pub(super) fn rerun_hooks(&mut self, name: &str) {
        self.policy(
            name,
            Policy {
                rerun_hooks: true,
                reason: "they do no harm twice".to_owned(),
                ..Policy::default()
            },
        );
    }

    /// Orders the sync of an app.
    pub(super) fn order_sync(&mut self, name: &str) {
        self.policy(
            name,
            Policy {
                sync: true,
                reason: "its people sync it by hand".to_owned(),
                ..Policy::default()
            },
        );
    }

    pub(super) fn ignore(&mut self, name: &str) {
        self.policy(
            name,
            Policy {
                allow: Vec::new(),
                ignore: true,
                rerun_hooks: false,
                sync: false,
                reason: "retired".to_owned(),
            },
        );
    }

    fn policy(&mut self, name: &str, policy: Policy) {
        self.rules.apps.insert(name.to_owned(), policy);
    }

    pub(super) fn decide(&mut self, seconds: i64) -> Decision {
        decide(&self.tree, &self.rules, &mut self.memory, now(seconds))
    }
}

impl Decision {
    /// Returns each node's name and phase, in order.
    pub(super) fn phases(&self) -> Vec<(&str, NodePhase)> {
        self.nodes.iter().map(|node| (node.name.as_str(), node.phase)).collect()
    }

    /// Returns what blocks a node, a line each.
    pub(super) fn blockers(&self, name: &str) -> Vec<String> {
        let node = self.nodes.iter().find(|node| node.name == name).unwrap();
        node.blocked_by.iter().map(ToString::to_string).collect()
    }

    /// Returns the names of what is to be refreshed, with the attempt.
    pub(super) fn refreshes(&self) -> Vec<(&str, u32)> {
        self.actions
            .iter()
            .filter_map(|action| match action {
                super::Action::Refresh(refresh) | super::Action::RefreshSet(refresh) => {
                    Some((refresh.object.name.as_str(), refresh.attempt))
                }
                super::Action::Sync(_) | super::Action::Create(_) => None,
            })
            .collect()
    }
}
