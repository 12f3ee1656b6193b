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
    /// The region with the originals.
    pub region: String,
    /// The address to ask there; AWS's own unless given.
    pub endpoint: Option<Url>,
    /// Regions with replicas, in their order.
    pub replicas: Vec<AwsReplica>,
    /// The profile of the user's own configuration of AWS to log in by.
    pub profile: Option<String>,
    /// The role to assume.
    pub role: Option<AwsRole>,
}

/// A region with replicas of secrets.
#[derive(Debug, Clone)]
pub struct AwsReplica {
    /// Its name.
    pub region: String,
    /// The address to ask there; AWS's own unless given.
    pub endpoint: Option<Url>,
}

/// A role of AWS to assume.
#[derive(Debug, Clone)]
pub struct AwsRole {
    /// Its ARN.
    pub arn: String,
    /// What the session is called.
    pub session_name: Option<String>,
    /// What the role's owner has asked to be told.
    pub external_id: Option<String>,
    /// The address of the Security Token Service; AWS's own unless given.
    pub endpoint: Option<Url>,
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
