//! What a chart is told.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What an Application tells a chart (`spec.source.helm`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the shape is that of the agent's own object"
)]
pub struct Helm {
    /// The release name; the Application's name where empty.
    pub release_name: String,
    /// Files of values, in order: from the chart's folder, from the repository's top where one begins with `/`, and in another
    /// source where one begins with `$` and its `ref`.
    pub value_files: Vec<String>,
    /// Whether a file of values that is not there is passed over.
    pub ignore_missing_value_files: bool,
    /// Values as YAML.
    pub values: String,
    /// Values as an object; takes the place of `values`.
    pub values_object: Option<Value>,
    /// Single values, which go before all others.
    pub parameters: Vec<Parameter>,
    /// Single values that are the text of a file.
    pub file_parameters: Vec<FileParameter>,
    /// The namespace that the chart is told; the Application's destination where empty.
    pub namespace: String,
    /// The version of Helm; empty or `v3`.
    pub version: String,
    /// Whether a repository's login goes to other hosts too.
    pub pass_credentials: bool,
    /// Whether the chart's `crds` are left out.
    pub skip_crds: bool,
    /// Whether the chart's tests are left out.
    pub skip_tests: bool,
    /// Whether values are not held against the chart's schema.
    pub skip_schema_validation: bool,
    /// The cluster's version that the chart is told; the cluster's own where empty.
    pub kube_version: String,
    /// The kinds that the chart is told; the cluster's own where empty.
    pub api_versions: Vec<String>,
}

/// A single value, as `--set` writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Parameter {
    /// Its name, with dots.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Whether it is a text even where it looks like a number.
    pub force_string: bool,
}

/// A single value that is the text of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct FileParameter {
    /// Its name, with dots.
    pub name: String,
    /// The file.
    pub path: String,
}
