//! What a kustomization is changed by before it is built.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What an Application adds to a kustomization (`spec.source.kustomize`). Argo CD writes it into the kustomization's own file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the shape is that of the agent's own object"
)]
pub struct Kustomize {
    /// Before every name.
    pub name_prefix: String,
    /// After every name.
    pub name_suffix: String,
    /// Images, as `kustomize edit set image` reads them.
    pub images: Vec<String>,
    /// Numbers of replicas.
    pub replicas: Vec<Replica>,
    /// Labels for all objects.
    pub common_labels: BTreeMap<String, String>,
    /// Annotations for all objects.
    pub common_annotations: BTreeMap<String, String>,
    /// Whether a label that is there is written over.
    pub force_common_labels: bool,
    /// Whether an annotation that is there is written over.
    pub force_common_annotations: bool,
    /// Whether variables in annotations are replaced.
    pub common_annotations_envsubst: bool,
    /// Whether selectors do not get the labels.
    pub label_without_selector: bool,
    /// Whether templates of pods get the labels although selectors do not.
    pub label_include_templates: bool,
    /// The namespace of all objects.
    pub namespace: String,
    /// Patches, as a kustomization writes them.
    pub patches: Vec<Value>,
    /// Components, as paths from the folder.
    pub components: Vec<String>,
    /// Whether a component that is not there is passed over.
    pub ignore_missing_components: bool,
    /// The name of another kustomize program of the agent; empty for its own.
    pub version: String,
    /// The cluster's version that charts of the kustomization are told; the cluster's own where empty.
    pub kube_version: String,
    /// The kinds that charts of the kustomization are told; the cluster's own where empty.
    pub api_versions: Vec<String>,
}

/// A number of replicas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Replica {
    /// The name of the Deployment or `StatefulSet`.
    pub name: String,
    /// How many: a number, or a text that is one.
    pub count: Value,
}
