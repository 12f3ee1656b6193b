//! Files as they are.

use serde::{Deserialize, Serialize};

/// Which files of a folder are manifests (`spec.source.directory`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Directory {
    /// Whether the folders below are read too.
    pub recurse: bool,
    /// The paths that are read, as one glob over the path below the folder; all where it is empty.
    pub include: String,
    /// The paths that are not read, which goes before `include`.
    pub exclude: String,
    /// What jsonnet files are told.
    pub jsonnet: Jsonnet,
}

/// What jsonnet is told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Jsonnet {
    /// Variables that `std.extVar` gives.
    pub ext_vars: Vec<JsonnetVariable>,
    /// Arguments of the function that a file is.
    pub tlas: Vec<JsonnetVariable>,
    /// Folders of the repository, from its top, in which imports are looked for.
    pub libs: Vec<String>,
}

/// A variable.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct JsonnetVariable {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Whether the value is code, not text.
    pub code: bool,
}
