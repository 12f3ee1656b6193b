//! The types of secret.

use super::key::Key;
use super::{agent, cluster, repository};

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
}

impl Shape {
    /// All types.
    pub const ALL: [Self; 7] = [
        Self::Repository,
        Self::RepoCreds,
        Self::RepositoryWrite,
        Self::RepoWriteCreds,
        Self::ScmCreds,
        Self::Cluster,
        Self::Agent,
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
        }
    }

    /// Reads the word, with or without `argocd/` in front.
    pub fn of(word: &str) -> Option<Self> {
        let word = word.strip_prefix("argocd/").unwrap_or(word);
        Self::ALL.into_iter().find(|shape| shape.word() == word)
    }

    /// Returns the keys that Argo CD reads from it; empty where any key may be referred to.
    pub fn keys(self) -> &'static [Key] {
        match self {
            Self::Repository | Self::RepositoryWrite => repository::REPOSITORY,
            Self::RepoCreds | Self::RepoWriteCreds => repository::CREDENTIALS,
            Self::ScmCreds => &[],
            Self::Cluster => cluster::KEYS,
            Self::Agent => agent::KEYS,
        }
    }

    /// Returns the key of that name.
    pub fn key(self, name: &str) -> Option<&'static Key> {
        self.keys().iter().find(|key| key.name == name)
    }
}
