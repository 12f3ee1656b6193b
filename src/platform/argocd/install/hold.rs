//! Holding ApplicationSets back, and letting them go: what is changed of an install, and what brings Git's form back.

use serde_json::{Map, Value, json};

use super::stage::Stage;
use crate::object::ObjectRef;

/// Marks the pods of a controller that was started with another policy than Git's.
const HELD: &str = "gitops-dr/applicationset-policy";

/// How the sets of an install are held back, and let go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The ConfigMap that the controller's policy is read from.
    pub(super) settings: ObjectRef,
    /// The controller's Deployment.
    pub(super) controller: ObjectRef,
    /// The keys of the ConfigMap that are changed.
    pub(super) keys: Vec<Key>,
}

/// A key of the ConfigMap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// Its name.
    pub(super) name: String,
    /// As Git has it; `None` where Git does not set it.
    pub(super) in_git: Option<String>,
    /// As it is while sets are held back.
    pub(super) held: &'static str,
}

impl Hold {
    /// The ConfigMap that is changed.
    pub fn settings(&self) -> &ObjectRef {
        &self.settings
    }

    /// The Deployment that has to start anew to take a policy.
    pub fn controller(&self) -> &ObjectRef {
        &self.controller
    }

    /// Says what holds the sets back, such as `applicationsetcontroller.policy: create-update`.
    pub fn words(&self) -> String {
        let words: Vec<_> = self
            .keys
            .iter()
            .map(|key| format!("{}: {}", key.name, key.held))
            .collect();
        words.join(", ")
    }

    /// Returns a stage with the sets held back.
    pub fn over(&self, stage: &Stage) -> Stage {
        let mut stage = stage.clone();
        for manifest in &mut stage.manifests {
            if manifest.id() == self.settings {
                let keys = self.keys.iter().map(|key| (key.name.as_str(), key.held));
                put(&mut manifest.value_mut()["data"], keys);
            } else if manifest.id() == self.controller {
                let template = &mut manifest.value_mut()["spec"]["template"];
                put(&mut template["metadata"]["annotations"], [(HELD, self.held())]);
            }
        }
        stage
    }

    fn held(&self) -> &'static str {
        self.keys.first().map_or("", |key| key.held)
    }

    /// Whether a living controller was started with its sets held back.
    pub fn is_on(&self, controller: &Value) -> bool {
        !controller["spec"]["template"]["metadata"]["annotations"][HELD].is_null()
    }

    /// Returns what has to be merged into the living ConfigMap for Git's policy. What somebody else has set meanwhile, such as
    /// the agent that follows a newer commit, stays. `None` where nothing is left to change.
    pub fn back(&self, settings: &Value) -> Option<Value> {
        let ours = self.keys.iter().filter(|key| settings["data"][&key.name] == key.held);
        let data: Map<_, _> = ours.map(|key| (key.name.clone(), json!(key.in_git))).collect();
        (!data.is_empty()).then(|| json!({ "data": data }))
    }

    /// Returns what has to be merged into the living Deployment so that its pods start anew.
    pub fn anew(&self) -> Value {
        json!({"spec": {"template": {"metadata": {"annotations": {HELD: null}}}}})
    }
}

/// Puts pairs into a mapping that may not be there yet.
fn put<'pair>(into: &mut Value, pairs: impl IntoIterator<Item = (&'pair str, &'static str)>) {
    if !into.is_object() {
        *into = json!({});
    }
    for (name, value) in pairs {
        into[name] = json!(value);
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{manifests, object};
    use super::super::stage::StageName;
    use super::*;

    const POLICY: &str = "applicationsetcontroller.policy";
    const LET: &str = "applicationsetcontroller.enable.policy.override";

    /// Settings with these parameters and a controller, and how their sets are held back.
    fn install(parameters: &Value) -> (Vec<Stage>, Hold) {
        let there = json!({"metadata": {"namespace": "argocd"}});
        let mut settings = object("v1", "ConfigMap", "argocd-cmd-params-cm", &there);
        settings["data"] = parameters.clone();
        let controller = object("apps/v1", "Deployment", "argocd-applicationset-controller", &there);
        let stage = |name, value| Stage {
            name,
            manifests: manifests([value]),
        };
        let stages = vec![
            stage(StageName::Configuration, settings),
            stage(StageName::Workloads, controller),
        ];
        let key = |name: &str, held| Key {
            name: name.to_owned(),
            in_git: parameters[name].as_str().map(str::to_owned),
            held,
        };
        let hold = Hold {
            settings: stages[0].manifests[0].id(),
            controller: stages[1].manifests[0].id(),
            keys: vec![key(POLICY, "create-update"), key(LET, "false")],
        };
        (stages, hold)
    }

    /// Does what the API server does with a merge patch.
    fn merge(into: &mut Value, patch: &Value) {
        let Some(fields) = patch.as_object() else {
            *into = patch.clone();
            return;
        };
        for (name, value) in fields {
            if value.is_null() {
                into.as_object_mut().map(|into| into.remove(name));
            } else {
                merge(&mut into[name], value);
            }
        }
    }

    #[test]
    fn what_was_held_back_comes_back_as_git_has_it() {
        for parameters in [
            json!({"redis.server": "redis:6379"}),
            json!({POLICY: "sync", LET: "true", "redis.server": "redis:6379"}),
        ] {
            let (stages, hold) = install(&parameters);
            let over: Vec<_> = stages.iter().map(|stage| hold.over(stage)).collect();
            let mut settings = over[0].manifests[0].value().clone();
            let mut controller = over[1].manifests[0].value().clone();
            assert_eq!(settings["data"][POLICY], "create-update");
            assert_eq!(settings["data"][LET], "false");
            assert_eq!(settings["data"]["redis.server"], "redis:6379");
            assert!(hold.is_on(&controller));

            let back = hold.back(&settings).unwrap();
            merge(&mut settings, &back);
            assert_eq!(&settings, stages[0].manifests[0].value());
            assert_eq!(hold.back(&settings), None);
            merge(&mut controller, &hold.anew());
            assert!(!hold.is_on(&controller));
        }
    }

    #[test]
    fn what_somebody_else_has_set_meanwhile_stays() {
        let (_, hold) = install(&json!({}));
        assert_eq!(hold.back(&json!({"data": {POLICY: "create-only"}})), None);
        assert_eq!(hold.back(&json!({})), None);
    }

    #[test]
    fn a_controller_that_no_restore_has_started_is_not_held_back() {
        let (stages, hold) = install(&json!({}));
        assert!(!hold.is_on(stages[1].manifests[0].value()));
        assert!(!hold.is_on(&json!({})));
    }
}
