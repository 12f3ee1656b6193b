//! The places where secrets live, by their kinds.

use std::time::Duration;

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
    /// Files on this machine.
    Files(Files),
    /// Variables of the environment.
    Env(Env),
    /// A program that prints secrets.
    Exec(Box<Exec>),
    /// A cluster that lives on.
    Kubernetes(Box<Kubernetes>),
}

impl StoreKind {
    /// Whether it keeps versions, of which one can be pinned.
    pub fn keeps_versions(&self) -> bool {
        match self {
            Self::Vault(_) | Self::Aws(_) => true,
            // It is told which is wanted; what it makes of it is its own.
            Self::Exec(exec) => exec.output == Printed::Json,
            Self::Sops(_) | Self::Files(_) | Self::Env(_) | Self::Kubernetes(_) => false,
        }
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

/// Files on this machine.
#[derive(Debug, Clone)]
pub struct Files {
    /// The folder that holds them.
    pub folder: String,
}

/// Variables of the environment.
#[derive(Debug, Clone)]
pub struct Env {
    /// What stands before the name of every variable; empty for nothing.
    pub prefix: String,
}

/// A program that prints secrets.
#[derive(Debug, Clone)]
pub struct Exec {
    /// The program and its first arguments.
    pub command: Vec<String>,
    /// The variables of the environment that it gets.
    pub env: Vec<String>,
    /// How long it may run for one secret.
    pub timeout: Option<Duration>,
    /// What it prints.
    pub output: Printed,
}

/// What a program prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Printed {
    /// A JSON object of texts, or one JSON text.
    Json,
    /// The value itself, without the line break at its end.
    Text,
    /// The value itself, byte by byte.
    Bytes,
}

/// A cluster that lives on.
#[derive(Debug, Clone)]
pub struct Kubernetes {
    /// The context that leads there.
    pub context: String,
    /// The kubeconfig; the usual ones if not given.
    pub kubeconfig: Option<String>,
    /// The namespace of paths that name none.
    pub namespace: Option<String>,
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
    Token {
        /// The token, or the wrapping token that holds it.
        token: Plain,
        /// Whether it is a wrapping token.
        wrapped: bool,
    },
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
    /// With the token of a ServiceAccount.
    Kubernetes {
        /// Where the method is mounted.
        mount: String,
        /// The role.
        role: String,
        /// The account's token; that of the pod that this runs in if not given.
        token: Option<Given>,
    },
    /// With a signed token.
    Jwt {
        /// Where the method is mounted.
        mount: String,
        /// The role.
        role: Option<String>,
        /// The token.
        token: Given,
    },
    /// With a user and a password.
    UserPass {
        /// Where the method is mounted.
        mount: String,
        /// The user.
        username: String,
        /// The password.
        password: Plain,
    },
    /// With a client certificate.
    Certificate {
        /// Where the method is mounted.
        mount: String,
        /// The role.
        name: Option<String>,
        /// The file of the certificate.
        certificate: String,
        /// The file of its private key.
        key: String,
    },
    /// Not at all: an agent at the address does.
    Agent,
}

/// A value that is not in the runbook.
#[derive(Debug, Clone)]
pub enum Given {
    /// In this variable of the environment.
    Env(String),
    /// In this file.
    File(String),
}
