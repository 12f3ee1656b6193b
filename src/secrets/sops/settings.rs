//! What a store of SOPS files is told.

use std::path::PathBuf;
use std::sync::Arc;

use crate::redact::Secret;
use crate::secrets::{Fetched, Store};

/// Where the files are, and what opens them. Nothing else decides: `SOPS_*` variables are not read, nor is anything in the home of
/// whoever runs this, unless `environment` names `HOME`. What the machine itself is to its cloud is still found by the program.
pub struct Settings {
    /// The store's name in the runbook.
    pub name: String,
    /// Where the files are.
    pub place: Place,
    /// The folder within that place which paths begin at; the place itself if empty.
    pub path: String,
    /// The age key.
    pub age_key: Option<AgeKey>,
    /// The program for what is not decrypted here: `sops`, found on `PATH`, or a path.
    pub program: String,
    /// The home of `GnuPG` that the program uses; it has no keyring unless given.
    pub gnupg_home: Option<PathBuf>,
    /// Variables that the program gets, beside where things are. Without `SOPS_HC_VAULT_ALLOWLIST` it asks no Vault.
    pub environment: Vec<(String, Secret)>,
}

/// Where the files are.
pub enum Place {
    /// In a folder of this machine.
    Folder(PathBuf),
    /// In a source, once it is fetched.
    Source {
        /// Its name.
        name: String,
        /// Where the sources will be.
        fetched: Fetched,
    },
}

/// Where the age key comes from: one or more identities, as `age-keygen` or `ssh-keygen` writes them.
pub enum AgeKey {
    /// The key itself, and the variable that it was read from.
    Given {
        /// The key.
        key: Secret,
        /// The name of the variable.
        variable: String,
    },
    /// A file of this machine.
    File(PathBuf),
    /// Another store.
    Store {
        /// The store.
        store: Arc<dyn Store>,
        /// The path there.
        path: String,
        /// The key there; the only one unless given.
        key: Option<String>,
    },
}
