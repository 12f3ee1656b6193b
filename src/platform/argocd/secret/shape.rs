//! The types of secret.

use super::key::{Form, Key};
use super::{agent, cluster, repository, settings};

/// The keys of `ssh-known-hosts`.
const KNOWN_HOSTS: &[Key] = &[Key::public(settings::KNOWN_HOSTS, Form::Text)];

/// A type of secret that Argo CD reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// A repository with its credentials.
    Repository,
    /// Credentials for all repositories whose address starts with theirs.
    RepoCreds,
    /// A repository that the source hydrator writes to.
    RepositoryWrite,
    /// Credentials for writing, for all repositories whose address starts with theirs.
    RepoWriteCreds,
    /// A token for the API of a source code host, referred to by generators.
    ScmCreds,
    /// A cluster that is deployed to.
    Cluster,
    /// Argo CD's own keys, `argocd-secret`.
    Agent,
    /// The SSH servers that it trusts. No secret, but a ConfigMap.
    SshKnownHosts,
    /// The certificates of servers that it trusts. No secret, but a ConfigMap.
    TlsCerts,
    /// Who may sign commits. No secret, but a ConfigMap.
    GpgKeys,
}

impl Shape {
    /// All types.
    pub const ALL: [Self; 10] = [
        Self::Repository,
        Self::RepoCreds,
        Self::RepositoryWrite,
        Self::RepoWriteCreds,
        Self::ScmCreds,
        Self::Cluster,
        Self::Agent,
        Self::SshKnownHosts,
        Self::TlsCerts,
        Self::GpgKeys,
    ];

    /// Returns the word of the label `argocd.argoproj.io/secret-type`; `argocd-secret`, which has none, by its name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Repository => "repository",
            Self::RepoCreds => "repo-creds",
            Self::RepositoryWrite => "repository-write",
            Self::RepoWriteCreds => "repo-write-creds",
            Self::ScmCreds => "scm-creds",
            Self::Cluster => "cluster",
            Self::Agent => "argocd-secret",
            Self::SshKnownHosts => "ssh-known-hosts",
            Self::TlsCerts => "tls-certs",
            Self::GpgKeys => "gpg-keys",
        }
    }

    /// Returns the name of the ConfigMap that it becomes; `None` where it becomes a Secret.
    pub fn config_map(self) -> Option<&'static str> {
        match self {
            Self::SshKnownHosts => Some("argocd-ssh-known-hosts-cm"),
            Self::TlsCerts => Some("argocd-tls-certs-cm"),
            Self::GpgKeys => Some("argocd-gpg-keys-cm"),
            _ => None,
        }
    }

    /// Reads the word, with or without `argocd/` in front.
    pub fn of(word: &str) -> Option<Self> {
        let word = word.strip_prefix("argocd/").unwrap_or(word);
        Self::ALL.into_iter().find(|shape| shape.word() == word)
    }

    /// Returns the keys that Argo CD reads from it; empty where that may be any.
    pub fn keys(self) -> &'static [Key] {
        match self {
            Self::Repository | Self::RepositoryWrite => repository::REPOSITORY,
            Self::RepoCreds | Self::RepoWriteCreds => repository::CREDENTIALS,
            Self::ScmCreds | Self::TlsCerts | Self::GpgKeys => &[],
            Self::SshKnownHosts => KNOWN_HOSTS,
            Self::Cluster => cluster::KEYS,
            Self::Agent => agent::KEYS,
        }
    }

    /// Returns the key of that name.
    pub fn key(self, name: &str) -> Option<&'static Key> {
        self.keys().iter().find(|key| key.name == name)
    }
}
