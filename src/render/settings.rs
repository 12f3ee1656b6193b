//! What all sources of a platform are rendered with.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::redact::Secret;

/// What all sources of a platform are rendered with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folders in which the programs are looked for, as `PATH` writes them; `PATH` itself where not given.
    pub programs: Option<OsString>,
    /// How long a program may run.
    pub limit: Duration,
    /// How many bytes of memory a program may have.
    pub memory: u64,
    /// How many bytes a program may write.
    pub output: usize,
    /// How many sources are rendered at once.
    pub at_once: usize,
    /// Where charts and what was rendered are kept; nothing is kept where not given.
    pub cache: Option<PathBuf>,
    /// Whether charts may be fetched. Where not, or where that fails, they are taken from the cache.
    pub network: bool,
    /// Whether kustomize may fetch bases on servers, without any login: what an app names is never fetched so.
    pub fetches_bases: bool,
    /// Logins of repositories of charts.
    pub repositories: Vec<Repository>,
    /// What the agent adds to `kustomize build` (`kustomize.buildOptions` of `argocd-cm`).
    pub build_options: String,
    /// How many bytes the files of a folder of plain manifests may have together
    /// (`reposerver.max.combined.directory.manifests.size`).
    pub combined: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            programs: None,
            limit: Duration::from_mins(1),
            memory: 2_000_000_000,
            output: 100_000_000,
            at_once: std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
            cache: None,
            network: false,
            fetches_bases: false,
            repositories: Vec::new(),
            build_options: String::new(),
            combined: 10_000_000,
        }
    }
}

/// A repository of charts.
#[derive(Debug, Clone, Default)]
pub struct Repository {
    /// Its address; for a registry with `oci://` or without a scheme.
    pub url: String,
    /// The name by which charts may name it (`@name`); empty where it has none.
    pub name: String,
    /// The user; empty where there is no login.
    pub username: String,
    /// The password.
    pub password: Option<Secret>,
    /// Certificates of its authority, as PEM.
    pub authority: Option<String>,
    /// Whether its certificate is not looked at.
    pub insecure: bool,
    /// Whether a registry speaks plain HTTP.
    pub plain_http: bool,
    /// Whether its login is for all repositories below its address; otherwise for that address alone.
    pub is_shared: bool,
}
