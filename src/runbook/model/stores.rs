//! The places where secrets live, by their kinds.

use url::Url;

use super::runbook::Plain;

/// Where secrets live.
#[derive(Debug, Clone)]
pub struct Store {
    /// The name by which secrets refer to it: its kind, unless `name` was given.
    pub name: String,
    /// What it is.
    pub kind: StoreKind,
}

/// The kinds of store.
#[derive(Debug, Clone)]
pub enum StoreKind {
    /// Vault or OpenBao.
    Vault(Box<Vault>),
    /// AWS Secrets Manager.
    Aws(Box<Aws>),
    /// SOPS files.
    Sops(Box<Sops>),
}

impl StoreKind {
    /// Whether it keeps versions, of which one can be pinned.
    pub fn keeps_versions(&self) -> bool {
        matches!(self, Self::Vault(_) | Self::Aws(_))
    }

    /// Returns the source that it reads from, if it is in one: nothing can be read of it before that is fetched.
    pub fn source(&self) -> Option<&str> {
        match self {
            Self::Sops(sops) => match &sops.place {
                SopsPlace::Source(source) => Some(source),
                SopsPlace::Folder(_) => None,
            },
            _ => None,
        }
    }

    /// Returns the other store that it needs itself.
    pub fn needs(&self) -> Option<&str> {
        match self {
            Self::Sops(sops) => match &sops.age_key {
                Some(SopsKey::Store { store, .. }) => Some(store),
                _ => None,
            },
            _ => None,
        }
    }
}

/// AWS Secrets Manager.
#[derive(Debug, Clone)]
pub struct Aws {
    /// The region.
    pub region: String,
}

/// SOPS files.
#[derive(Debug, Clone)]
pub struct Sops {
    /// Where they are.
    pub place: SopsPlace,
    /// The folder within that place which paths begin at; empty for the whole of it.
    pub path: String,
    /// The age key that opens them.
    pub age_key: Option<SopsKey>,
    /// The program for those that it does not open.
    pub program: String,
    /// The home of `GnuPG` that the program uses.
    pub gnupg_home: Option<String>,
    /// The variables of the environment that the program gets.
    pub env: Vec<String>,
}

/// Where SOPS files are.
#[derive(Debug, Clone)]
pub enum SopsPlace {
    /// In the source of this name.
    Source(String),
    /// In a folder of this machine.
    Folder(String),
}

/// Where an age key comes from.
#[derive(Debug, Clone)]
pub enum SopsKey {
    /// From a variable of the environment.
    Env(String),
    /// From a file of this machine.
    File(String),
    /// From another store.
    Store {
        /// The store's name.
        store: String,
        /// The path of the secret there.
        path: String,
        /// The key in it; its only one unless given.
        key: Option<String>,
    },
}

/// A Vault or OpenBao server.
#[derive(Debug, Clone)]
pub struct Vault {
    /// Its address.
    pub address: Url,
    /// The namespace.
    pub namespace: Option<String>,
    /// A file with the CA that signed its certificate (PEM), beside the system's own.
    pub ca: Option<String>,
    /// How to log in.
    pub auth: Auth,
}

/// How to log in to Vault.
#[derive(Debug, Clone)]
pub enum Auth {
    /// With a token.
    Token(Plain),
    /// By `AppRole`.
    AppRole {
        /// Where the method is mounted.
        mount: String,
        /// The role's id.
        role_id: Plain,
        /// The secret's id, or the wrapping token that holds it.
        secret_id: Plain,
        /// Whether it is a wrapping token.
        wrapped: bool,
    },
}
