//! What a Kustomization of Flux is rendered from.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::object::ObjectRef;
use crate::recipe::{self, Flux};

/// What of `spec` says when and how something is applied, not what.
const NO_PART: [&str; 19] = [
    "interval",
    "retryInterval",
    "timeout",
    "prune",
    "deletionPolicy",
    "suspend",
    "wait",
    "force",
    "dependsOn",
    "healthChecks",
    "healthCheckExprs",
    "serviceAccountName",
    "kubeConfig",
    "persistentClient",
    // What is encrypted is the same objects with other values.
    "decryption",
    "sourceRef",
    "path",
    "postBuild",
    "ignore",
];

/// How to render a Kustomization (`kustomize.toolkit.fluxcd.io`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// Where its files are from: a `GitRepository`, `OCIRepository`, `Bucket` or `ExternalArtifact`.
    pub source: ObjectRef,
    /// The folder in it; `.` for its top.
    pub path: String,
    /// What is added to the folder.
    pub flux: Flux,
    /// Variables that it sets itself, which go before all others.
    pub substitute: BTreeMap<String, String>,
    /// Where more variables are from, in order: the later goes before the earlier.
    pub substitute_from: Vec<FromObject>,
}

/// Where variables are from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FromObject {
    /// The `ConfigMap` or Secret, in the namespace of the Kustomization.
    pub object: ObjectRef,
    /// Whether it may be missing.
    pub optional: bool,
}

impl Recipe {
    /// Reads a Kustomization; the error names what is not known, since to pass it over would be a guess.
    pub fn of(kustomization: &Value) -> Result<Self, String> {
        let spec = kustomization["spec"].as_object().ok_or("it has no `spec`")?;
        let namespace = kustomization
            .pointer("/metadata/namespace")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let source = &kustomization["spec"]["sourceRef"];
        let of_source = text(&source["namespace"]);
        let rest: Map<String, Value> = spec
            .iter()
            .filter(|(name, _)| !NO_PART.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let post_build = &kustomization["spec"]["postBuild"];
        let own = post_build["substitute"].as_object().into_iter().flatten();
        let mut substitute = BTreeMap::new();
        for (name, value) in own {
            let value = value
                .as_str()
                .ok_or_else(|| format!("`postBuild.substitute.{name}` is not text"))?;
            substitute.insert(name.clone(), value.to_owned());
        }
        let path = text(&kustomization["spec"]["path"]);
        let path = path.trim_start_matches("./").trim_matches('/');
        Ok(Self {
            source: ObjectRef::new(
                "source.toolkit.fluxcd.io/v1",
                source["kind"].as_str().unwrap_or_default(),
                if of_source.is_empty() { namespace } else { &of_source },
                source["name"].as_str().unwrap_or_default(),
            ),
            path: if path.is_empty() {
                ".".to_owned()
            } else {
                path.to_owned()
            },
            flux: recipe::read("spec", &Value::Object(rest))?.unwrap_or_default(),
            substitute,
            substitute_from: post_build["substituteFrom"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|from| FromObject {
                    object: ObjectRef::new("v1", &text(&from["kind"]), namespace, &text(&from["name"])),
                    optional: from["optional"] == true,
                })
                .collect(),
        })
    }

    /// Puts the variables together: those of the objects in their order, each as `data` (of a Secret decoded), and its own over
    /// them. Objects that are not known and may not be missing are returned in words.
    pub fn variables(
        &self,
        data: impl Fn(&ObjectRef) -> Option<BTreeMap<String, String>>,
    ) -> (BTreeMap<String, String>, Vec<String>) {
        let (mut values, mut unknown) = (BTreeMap::new(), Vec::new());
        for from in &self.substitute_from {
            match data(&from.object) {
                Some(data) => values.extend(data),
                None if from.optional => {}
                None => unknown.push(from.object.to_string()),
            }
        }
        values.extend(self.substitute.clone());
        (values, unknown)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(more: &Value) -> Result<Recipe, String> {
        let mut object = json!({"metadata": {"name": "apps", "namespace": "flux-system"}, "spec": {
            "interval": "10m", "prune": true, "path": "./apps/prod", "sourceRef": {"kind": "GitRepository", "name": "platform"}}});
        for (name, value) in more.as_object().unwrap() {
            object["spec"][name] = value.clone();
        }
        Recipe::of(&object)
    }

    #[test]
    fn a_kustomization_is_read_and_what_is_not_heeded_is_named() {
        let recipe = of(
            &json!({"targetNamespace": "web", "namePrefix": "a-", "components": ["../c"], "wait": true,
            "commonMetadata": {"labels": {"team": "shop"}}, "decryption": {"provider": "sops"}}),
        )
        .unwrap();
        assert_eq!(recipe.path, "apps/prod");
        assert_eq!(
            recipe.source.to_string(),
            "GitRepository.source.toolkit.fluxcd.io flux-system/platform"
        );
        assert_eq!(
            (recipe.flux.target_namespace.as_str(), recipe.flux.components.len()),
            ("web", 1)
        );
        assert_eq!(recipe.flux.common_metadata.labels["team"], "shop");
        for (path, expected) in [("", "."), ("./", "."), ("/a/", "a")] {
            assert_eq!(of(&json!({"path": path})).unwrap().path, expected);
        }
        for name in ["patchesStrategicMerge", "patchesJson6902", "what-comes-next"] {
            let said = of(&json!({name: [{"a": "b"}]})).unwrap_err();
            assert!(said.contains(&format!("spec.{name}")), "{said}");
        }
    }

    #[test]
    fn variables_go_over_each_other_in_their_order_and_what_is_not_known_is_named() {
        let from = |kind: &str, name: &str, optional: bool| json!({"kind": kind, "name": name, "optional": optional});
        let recipe = of(&json!({"postBuild": {"substitute": {"C": "own"}, "substituteFrom": [
            from("ConfigMap", "first", false), from("Secret", "second", false), from("Secret", "third", false),
            from("ConfigMap", "fourth", true)]}}))
        .unwrap();
        let (values, unknown) = recipe.variables(|object| {
            let names: &[&str] = match object.name.as_str() {
                "first" => &["A", "B", "C"],
                "second" => &["B"],
                _ => return None,
            };
            Some(
                names
                    .iter()
                    .map(|name| ((*name).to_owned(), object.name.clone()))
                    .collect(),
            )
        });
        let expected = [("A", "first"), ("B", "second"), ("C", "own")];
        assert_eq!(
            values,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
        );
        assert_eq!(unknown, ["Secret flux-system/third"]);
    }
}
