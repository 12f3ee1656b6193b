//! How ApplicationSets are kept from deleting while a platform comes back.
//!
//! A set whose generators see less than they will, such as clusters whose secrets are not there yet, makes fewer
//! Applications, and under the policy `sync` deletes those that it owns and no longer makes. So the controller begins with a
//! policy that deletes nothing. It reads the policy when it starts (`cmd/argocd-applicationset-controller/commands`), from an
//! argument or else the environment, which upstream's Deployment fills from a ConfigMap. The key of that ConfigMap is what is
//! changed: where Git does not set it, an Application that manages the agent itself leaves it alone and stays Synced.

use serde_json::{Map, Value, json};

use super::role::Role;
use super::stage::{Install, Stage};
use crate::object::ObjectRef;

/// The controller's environment: the policy of sets.
const POLICY: &str = "ARGOCD_APPLICATIONSET_CONTROLLER_POLICY";
/// The controller's environment: whether a set's own policy goes before the controller's.
const OVERRIDE: &str = "ARGOCD_APPLICATIONSET_CONTROLLER_ENABLE_POLICY_OVERRIDE";
/// Marks the pods of a controller that was started with another policy than Git's.
const HELD: &str = "gitops-dr/applicationset-policy";

/// What can be done for the sets of an install.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sets {
    /// There is nothing to hold back: no controller, or a policy that deletes nothing.
    Harmless,
    /// They can be held back.
    Holdable(Hold),
    /// They cannot be held back, and this is why.
    Loose(String),
}

/// How the sets of an install are held back, and let go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The ConfigMap that the controller's policy is read from.
    settings: ObjectRef,
    /// The controller's Deployment.
    controller: ObjectRef,
    /// The keys of the ConfigMap that are changed.
    keys: Vec<Key>,
}

/// A key of the ConfigMap.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    name: String,
    /// As Git has it; `None` where Git does not set it.
    in_git: Option<String>,
    /// As it is while sets are held back.
    held: &'static str,
}

/// Looks how the sets of an install can be held back.
pub fn sets(install: &Install) -> Sets {
    let Some(controller) = install
        .manifests()
        .find(|manifest| Role::of(manifest.value()) == Some(Role::ApplicationSetController))
    else {
        return Sets::Harmless;
    };
    let reads = |name: &str| source(controller.value(), name);
    if argument(controller.value(), "--enable-policy-override") {
        return Sets::Loose("its Deployment gives --enable-policy-override as an argument".to_owned());
    }
    if argument(controller.value(), "--policy") {
        return Sets::Loose("its Deployment gives --policy as an argument".to_owned());
    }
    let (map, key) = match reads(POLICY) {
        Source::ConfigMap(map, key) => (map, key),
        Source::Fixed => return Sets::Loose(format!("its Deployment sets {POLICY} itself")),
        Source::None => return Sets::Loose(format!("its Deployment does not read {POLICY} from a ConfigMap")),
    };
    let namespace = controller.text("/metadata/namespace");
    let settings = ObjectRef::new("v1", "ConfigMap", namespace, &map);
    let Some(found) = install.manifests().find(|manifest| manifest.id() == settings) else {
        return Sets::Loose(format!(
            "the install lacks the ConfigMap `{map}`, which its policy is read from"
        ));
    };
    let in_git = |key: &str| found.value()["data"][key].as_str().map(str::to_owned);
    let policy = in_git(&key).unwrap_or_default();
    let is_open =
        |value: Option<&str>| value.is_some_and(|value| value.trim().eq_ignore_ascii_case("true") || value == "1");
    let mut keys = Vec::new();
    // What updates nothing must not begin to, and nobody but the controller's words counts as a policy.
    let held = match policy.as_str() {
        "create-only" | "create-update" => None,
        "create-delete" => Some("create-only"),
        _ => Some("create-update"),
    };
    keys.extend(held.map(|held| Key {
        in_git: in_git(&key),
        name: key,
        held,
    }));
    // With a policy of the controller's a set's own counts only if it is let.
    match reads(OVERRIDE) {
        Source::ConfigMap(other, key) if other == map => {
            let value = in_git(&key);
            if is_open(value.as_deref()) {
                keys.push(Key {
                    name: key,
                    in_git: value,
                    held: "false",
                });
            }
        }
        Source::ConfigMap(other, _) => {
            return Sets::Loose(format!(
                "its Deployment reads {OVERRIDE} from another ConfigMap, `{other}`"
            ));
        }
        Source::Fixed => return Sets::Loose(format!("its Deployment sets {OVERRIDE} itself")),
        Source::None => {}
    }
    if keys.is_empty() {
        return Sets::Harmless;
    }
    Sets::Holdable(Hold {
        settings,
        controller: controller.id(),
        keys,
    })
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

/// Where a variable of the controller's environment comes from.
enum Source {
    ConfigMap(String, String),
    Fixed,
    None,
}

fn containers(controller: &Value) -> impl Iterator<Item = &Value> {
    controller["spec"]["template"]["spec"]["containers"]
        .as_array()
        .into_iter()
        .flatten()
}

fn source(controller: &Value, name: &str) -> Source {
    let all = containers(controller).flat_map(|container| container["env"].as_array().into_iter().flatten());
    // Of two with one name the later counts.
    match all.filter(|variable| variable["name"] == name).last() {
        None => Source::None,
        Some(variable) => {
            let from = &variable["valueFrom"]["configMapKeyRef"];
            match (from["name"].as_str(), from["key"].as_str()) {
                (Some(map), Some(key)) => Source::ConfigMap(map.to_owned(), key.to_owned()),
                _ => Source::Fixed,
            }
        }
    }
}

fn argument(controller: &Value, flag: &str) -> bool {
    let words = containers(controller)
        .flat_map(|container| {
            ["command", "args"]
                .into_iter()
                .filter_map(|field| container[field].as_array())
        })
        .flatten();
    words
        .filter_map(Value::as_str)
        .any(|word| word == flag || word.strip_prefix(flag).is_some_and(|rest| rest.starts_with('=')))
}
