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
    /// The source that holds them.
    pub source: String,
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
