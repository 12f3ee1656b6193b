//! What Flux makes of a folder.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a Kustomization of Flux adds to the folder (`kustomize.toolkit.fluxcd.io`, `spec`). What it substitutes afterwards is
/// given apart, since it may be secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Flux {
    /// The namespace of all objects.
    pub target_namespace: String,
    /// Before every name.
    pub name_prefix: String,
    /// After every name.
    pub name_suffix: String,
    /// Patches, as a kustomization writes them.
    pub patches: Vec<Value>,
    /// Images, as a kustomization writes them.
    pub images: Vec<Value>,
    /// Components, as paths from the folder.
    pub components: Vec<String>,
    /// Whether a component that is not there is passed over.
    pub ignore_missing_components: bool,
    /// Labels and annotations of all objects, set last.
    pub common_metadata: Metadata,
}

/// Labels and annotations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
}
