//! How ApplicationSets are kept from deleting while a platform comes back.
//!
//! A set whose generators see less than they will, such as clusters whose secrets are not there yet, makes fewer
//! Applications, and under the policy `sync` deletes those that it owns and no longer makes. So the controller begins with a
//! policy that deletes nothing. It reads the policy when it starts (`cmd/argocd-applicationset-controller/commands`), from an
//! argument or else the environment, which upstream's Deployment fills from a ConfigMap. The key of that ConfigMap is what is
//! changed: where Git does not set it, an Application that manages the agent itself leaves it alone and stays Synced.

use serde_json::Value;

use super::hold::{Hold, Key};
use super::role::Role;
use super::stage::Install;
use crate::object::ObjectRef;

/// The controller's environment: the policy of sets.
const POLICY: &str = "ARGOCD_APPLICATIONSET_CONTROLLER_POLICY";
/// The controller's environment: whether a set's own policy goes before the controller's.
const OVERRIDE: &str = "ARGOCD_APPLICATIONSET_CONTROLLER_ENABLE_POLICY_OVERRIDE";
/// What can be done for the sets of an install.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sets {
    /// There is nothing to hold back: no controller, or a policy that deletes nothing.
    Harmless,
    /// They can be held back.
    Holdable(Box<Hold>),
    /// They cannot be held back, and this is why.
    Loose(String),
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
    Sets::Holdable(Box::new(Hold {
        settings,
        controller: controller.id(),
        keys,
    }))
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::{core, manifests, object};
    use super::super::stage::arrange;
    use super::*;

    const KEY: &str = "applicationsetcontroller.policy";
    const LET: &str = "applicationsetcontroller.enable.policy.override";

    fn from_map(name: &str, key: &str) -> Value {
        json!({"name": name, "valueFrom": {"configMapKeyRef": {"name": "argocd-cmd-params-cm", "key": key, "optional": true}}})
    }

    /// A core install whose controller reads its policy as upstream's does, changed, with these parameters.
    fn install(parameters: &Value, change: impl Fn(&mut Value)) -> Install {
        let mut core = core();
        let container = json!({"args": ["/usr/local/bin/argocd-applicationset-controller"], "env": [from_map(POLICY, KEY), from_map(OVERRIDE, LET)]});
        for manifest in &mut core {
            if Role::of(manifest.value()) == Some(Role::ApplicationSetController) {
                let own = &mut manifest.value_mut()["spec"]["template"]["spec"]["containers"][0];
                own["args"] = container["args"].clone();
                own["env"] = container["env"].clone();
                change(own);
            }
        }
        core.extend(manifests([object(
            "v1",
            "ConfigMap",
            "argocd-cmd-params-cm",
            &json!({"metadata": {"labels": {"app.kubernetes.io/part-of": "argocd"}}, "data": parameters}),
        )]));
        arrange(core, "argocd")
    }

    fn plain(parameters: &Value) -> Sets {
        sets(&install(parameters, |_| {}))
    }

    fn held(sets: &Sets) -> String {
        match sets {
            Sets::Holdable(hold) => hold.words(),
            Sets::Harmless => "harmless".to_owned(),
            Sets::Loose(why) => format!("loose: {why}"),
        }
    }

    #[test]
    fn a_policy_that_deletes_is_held_back_and_one_that_does_not_is_left_alone() {
        for (parameters, expected) in [
            (json!({}), "applicationsetcontroller.policy: create-update"),
            (json!({KEY: ""}), "applicationsetcontroller.policy: create-update"),
            (json!({KEY: "sync"}), "applicationsetcontroller.policy: create-update"),
            (
                json!({KEY: "create-delete"}),
                "applicationsetcontroller.policy: create-only",
            ),
            (json!({KEY: "create-only"}), "harmless"),
            (json!({KEY: "create-update", LET: "false"}), "harmless"),
            // A set may have a policy of its own, and be let to.
            (
                json!({KEY: "create-update", LET: "true"}),
                "applicationsetcontroller.enable.policy.override: false",
            ),
            (
                json!({LET: "true"}),
                "applicationsetcontroller.policy: create-update, applicationsetcontroller.enable.policy.override: false",
            ),
        ] {
            assert_eq!(held(&plain(&parameters)), expected, "{parameters}");
        }
    }

    #[test]
    fn an_install_without_a_controller_of_sets_has_nothing_to_hold_back() {
        let mut core = core();
        core.retain(|manifest| Role::of(manifest.value()) != Some(Role::ApplicationSetController));
        assert_eq!(sets(&arrange(core, "argocd")), Sets::Harmless);
    }

    #[test]
    fn what_cannot_be_held_back_is_said() {
        type Change = fn(&mut Value);
        let cases: [(Change, &str); 7] = [
            (|own| own["args"] = json!(["--policy", "sync"]), "gives --policy as"),
            (
                |own| own["command"] = json!(["x", "--policy=sync"]),
                "gives --policy as",
            ),
            (
                |own| own["args"] = json!(["--enable-policy-override"]),
                "gives --enable-policy-override as",
            ),
            (|own| own["env"] = json!([]), "does not read"),
            (
                |own| own["env"] = json!([{"name": POLICY, "value": "sync"}]),
                "sets ARGOCD_",
            ),
            (
                |own| own["env"][0]["valueFrom"]["configMapKeyRef"]["name"] = json!("other"),
                "lacks the ConfigMap `other`",
            ),
            (
                |own| own["env"][1]["valueFrom"]["configMapKeyRef"]["name"] = json!("other"),
                "from another ConfigMap, `other`",
            ),
        ];
        for (change, expected) in cases {
            let words = held(&sets(&install(&json!({}), change)));
            assert!(words.starts_with("loose: ") && words.contains(expected), "{words}");
        }
        // Another flag that begins alike is none.
        let other = sets(&install(&json!({}), |own| own["args"] = json!(["--policy-file=x"])));
        assert!(matches!(other, Sets::Holdable(_)));
    }
}
