//! What is to be rendered.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use crate::recipe::{Environment, Tool};

/// One source of an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Job {
    /// Where it is.
    pub from: From,
    /// What the app says of its rendering; where it says nothing, the folder does.
    pub tool: Option<Tool>,
    /// The app's name without its namespace: a chart's release name.
    pub name: String,
    /// The namespace of the app's destination, which a chart is told. No object gets a namespace by it that it does not write.
    pub namespace: String,
    /// The variables that are replaced in what the app says.
    pub environment: Environment,
    /// The checkouts of the sources that lend files to this one, by `$` and their `ref`.
    pub lent: BTreeMap<String, Checkout>,
    /// Those that cannot be had, by `$` and their `ref`, with the reason: a file of theirs is not known, rather than missing.
    pub missing: BTreeMap<String, String>,
    /// The cluster that it is rendered for.
    pub cluster: Cluster,
}

/// Where a source is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum From {
    /// A folder of a repository.
    Folder {
        /// The repository.
        checkout: Checkout,
        /// The folder, from the repository's top.
        path: String,
    },
    /// A chart of a repository of charts.
    Chart {
        /// The repository's address: `https://…` for one with an index; `oci://…`, or what has no scheme, for a registry.
        repository: String,
        /// The chart's name.
        name: String,
        /// Its version or a range of versions, as Helm reads them; the newest where empty.
        version: String,
    },
}

/// A repository at a commit, on disk. What is there is never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checkout {
    /// Its folder.
    #[serde(skip)]
    pub directory: PathBuf,
    /// The commit; empty where the files may change, so that nothing of it is kept for the next time.
    pub commit: String,
}

/// What is said of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Cluster {
    /// Its version, such as `1.35.4`; Helm's own default where not known.
    pub kube_version: Option<String>,
    /// What it serves, as `group/version` and `group/version/Kind`; Helm adds what every cluster has.
    pub api_versions: Vec<String>,
}
