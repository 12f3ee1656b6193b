//! The checked runbook. Every reference in it resolves; every duration, address and name is valid.

use std::collections::BTreeMap;
use std::time::Duration;

use url::Url;

use super::super::check::is_commit;
use super::super::table::SEALED_KEYS;
use super::stores::Store;

/// A checked runbook.
#[derive(Debug, Clone)]
pub struct Runbook {
    /// Its name, a DNS label.
    pub name: String,
    /// The cluster to restore onto.
    pub target: Target,
    /// The Git repositories, by name.
    pub sources: BTreeMap<String, Source>,
    /// Where secrets live, in the order written.
    pub stores: Vec<Store>,
    /// The agent that brings the platform up from Git.
    pub agent: Agent,
    /// What to restore from the stores, by name, in the order of names.
    pub secrets: BTreeMap<String, SecretSpec>,
    /// Where `secrets capture` keeps the manifest of what it has written: a store and a path in it.
    pub capture: Option<(String, String)>,
    /// The clusters that the agent drives, by name.
    pub clusters: BTreeMap<String, Cluster>,
    /// The apps from which the rest follows, in order.
    pub roots: Vec<Root>,
    /// Who orders what comes up.
    pub order: Order,
    /// What the user wants done in between.
    pub steps: Vec<ExtraStep>,
    /// What is accepted of single apps, by the app's name.
    pub apps: BTreeMap<String, App>,
    /// When the recovery clock stops.
    pub done: Done,
}

/// The cluster to restore onto.
#[derive(Debug, Clone)]
pub struct Target {
    /// The context of the kubeconfig. `None`: it must be named on the command line.
    pub context: Option<String>,
    /// What must be found there.
    pub expect: Expect,
    /// Namespaces in which workloads of others are expected, on a cluster that is else empty.
    pub namespaces: Vec<String>,
    /// UIDs and servers that must never be restored onto.
    pub never: Vec<String>,
    /// The cluster that this one takes the place of.
    pub replaces: Option<Replaces>,
    /// The recovery time objective.
    pub rto: Option<Duration>,
}

/// What must be found on the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Nothing of ours: no agent's resources, no bound volumes, no foreign workloads.
    Empty,
    /// A platform that is taken over as it is.
    Adopt,
}

/// The cluster that the target takes the place of.
#[derive(Debug, Clone)]
pub struct Replaces {
    /// Its API server.
    pub server: Url,
}

/// A Git repository, read only.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its address as written: `https://…`, `http://…`, `ssh://…` or `user@host:path`.
    pub git: String,
    /// What to take from it.
    pub revision: Revision,
    /// Whether that was chosen on the command line, in place of what the file says.
    pub is_chosen: bool,
    /// The secret that grants access, a name in [`Runbook::secrets`].
    pub credentials: Option<String>,
    /// Other addresses of the same repository, tried in order.
    pub mirrors: Vec<String>,
}

/// What to take from a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revision {
    /// A branch or tag that may move.
    Follow(String),
    /// A full commit hash.
    Pinned(String),
}

impl Runbook {
    /// Returns the source that a store reads from, if it is in one.
    pub fn source_of(&self, store: &str) -> Option<&str> {
        let store = self.stores.iter().find(|known| known.name == store)?;
        store.kind.source()
    }

    /// Whether a secret may be read from a source.
    pub fn reads_from_sources(&self) -> bool {
        let mut places = self.secrets.values().flat_map(|spec| &spec.from);
        places.any(|from| self.source_of(&from.store).is_some())
    }

    /// Whether a secret opens a source, and so must be read before.
    pub fn opens_a_source(&self, secret: &str) -> bool {
        let mut sources = self.sources.values();
        sources.any(|source| source.credentials.as_deref() == Some(secret))
    }
}

impl Revision {
    /// Takes a revision as it is written: a full hash is pinned, all else may move.
    pub fn of(text: &str) -> Self {
        if is_commit(text) {
            Self::Pinned(text.to_lowercase())
        } else {
            Self::Follow(text.to_owned())
        }
    }

    /// Returns it as it is written.
    pub fn text(&self) -> &str {
        match self {
            Self::Follow(text) | Self::Pinned(text) => text,
        }
    }
}

/// A value that is written in the runbook, or named there and read from the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plain {
    /// As written.
    Literal(String),
    /// The value of this variable.
    Env(String),
}

/// The agent that brings the platform up from Git.
#[derive(Debug, Clone)]
pub struct Agent {
    /// Which.
    pub kind: AgentKind,
    /// Where its install manifests are.
    pub from: InSource,
    /// Its namespace.
    pub namespace: String,
    /// The digest that the rendered install must have (`sha256:…`), if it is pinned.
    pub digest: Option<String>,
    /// Values files for a Helm chart, relative to the chart's folder, in order.
    pub values: Vec<String>,
    /// The release name for a Helm chart.
    pub release: String,
}

/// The kinds of agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentKind {
    /// Argo CD.
    Argocd,
    /// Flux. Understood, not yet restored.
    Flux,
}

/// A path in a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InSource {
    /// The source's name.
    pub source: String,
    /// The file or folder, relative to the repository's root, without `..`.
    pub path: String,
}

/// A secret to restore.
#[derive(Debug, Clone)]
pub struct SecretSpec {
    /// What it becomes in the cluster.
    pub shape: SecretShape,
    /// Where to read it, in order; the first that has it is taken. Never empty.
    pub from: Vec<From>,
    /// Values that are no secret and are added to, or put over, what the store holds.
    pub set: BTreeMap<String, String>,
    /// Whether a recovery goes on without it.
    pub optional: bool,
    /// The place of its name, for findings that come to light later: line and column from 1.
    pub place: (usize, usize),
}

/// What a stored secret becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretShape {
    /// One of Argo CD's own: `repository`, `repo-creds`, `repository-write`, `repo-write-creds`, `scm-creds`, `cluster`,
    /// or `argocd-secret`; or one of its settings, which become ConfigMaps: `ssh-known-hosts`, `tls-certs`, `gpg-keys`.
    Argocd(String),
    /// The keys of Sealed Secrets: a Secret for each pair that the store holds, under the name that the pair bears there.
    SealedKeys {
        /// The namespace of their controller.
        namespace: String,
    },
    /// Any other Secret.
    Kubernetes {
        /// Its namespace.
        namespace: String,
        /// Its name; the runbook's name for it unless given.
        name: Option<String>,
        /// Its type, such as `Opaque`.
        kind: String,
        /// Its labels.
        labels: BTreeMap<String, String>,
        /// Its annotations.
        annotations: BTreeMap<String, String>,
        /// Whether nobody can change its values any more.
        immutable: bool,
    },
}

impl SecretShape {
    /// Returns the word for it: `argocd/…`, `sealed-secrets/keys`, or the type of a Secret, such as `Opaque`.
    pub fn word(&self) -> String {
        match self {
            Self::Argocd(shape) => format!("argocd/{shape}"),
            Self::SealedKeys { .. } => SEALED_KEYS.to_owned(),
            Self::Kubernetes { kind, .. } => kind.clone(),
        }
    }

    /// Returns the namespace that it names; none is named of Argo CD's own.
    pub fn namespace(&self) -> Option<&str> {
        match self {
            Self::Argocd(_) => None,
            Self::SealedKeys { namespace } | Self::Kubernetes { namespace, .. } => Some(namespace),
        }
    }
}

/// Where a secret is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct From {
    /// The store's name.
    pub store: String,
    /// The path or name in it.
    pub path: String,
    /// The version, if it is pinned.
    pub version: Option<String>,
    /// Key in the cluster → how its value is made of what the store holds. Empty: all keys, as they are.
    pub keys: BTreeMap<String, Taken>,
}

/// How a value is made of what a store holds under a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// The value of a key, or what is in it.
    Key {
        /// The key in the store.
        key: String,
        /// Where in the value, which then is JSON (RFC 6901).
        field: Option<String>,
        /// Whether what is there is base64.
        base64: bool,
    },
    /// Text with values of keys in it.
    Template(Vec<Part>),
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text as it is.
    Text(String),
    /// The value of a key in the store.
    Key(String),
}

/// A cluster that the agent drives.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// What became of it.
    pub state: ClusterState,
    /// Its cluster secret, a name in [`Runbook::secrets`].
    pub secret: Option<String>,
    /// The context that leads to a rebuilt one.
    pub context: Option<String>,
    /// Where the agent reaches a rebuilt one; where the kubeconfig leads unless given.
    pub server: Option<Url>,
    /// What must be found on a rebuilt one.
    pub expect: Expect,
    /// Labels of its cluster secret.
    pub labels: BTreeMap<String, String>,
    /// Annotations of its cluster secret.
    pub annotations: BTreeMap<String, String>,
}

/// What became of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClusterState {
    /// It lives on.
    Survives,
    /// It was built anew.
    Rebuilt,
    /// It is not there.
    Absent,
}

/// An app from which the rest follows.
#[derive(Debug, Clone)]
pub struct Root {
    /// Its name in the runbook.
    pub id: String,
    /// The file or folder that holds it.
    pub from: InSource,
}

/// Who orders what comes up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The agent, which creates and syncs the apps.
    #[default]
    Agent,
    /// The graph: an app that brings no others is created when all that it needs is ready.
    Graph,
}

/// Something that the user wants done in between.
#[derive(Debug, Clone)]
pub struct ExtraStep {
    /// Its name.
    pub id: String,
    /// The root or step after which it comes.
    pub after: Option<String>,
    /// The root or step before which it comes.
    pub before: Option<String>,
    /// What to do.
    pub action: ExtraAction,
}

/// What an extra step does.
#[derive(Debug, Clone)]
pub enum ExtraAction {
    /// Waits for something to be so.
    Check(Check),
    /// Asks a person.
    Approve(Approval),
    /// Runs a program.
    Run(Program),
    /// Applies manifests.
    Apply(InSource),
}

/// What a person is asked.
#[derive(Debug, Clone)]
pub struct Approval {
    /// The question.
    pub prompt: String,
    /// The word that has to be typed; the step's id unless given.
    pub confirm: Option<String>,
    /// How long an answer is waited for.
    pub timeout: Option<Duration>,
}

/// A program to run.
#[derive(Debug, Clone)]
pub struct Program {
    /// The program and its arguments. Never empty.
    pub command: Vec<String>,
    /// The source in whose checkout it runs.
    pub source: Option<String>,
    /// The variables that it gets from the environment.
    pub env: Vec<String>,
    /// How long it may run.
    pub timeout: Option<Duration>,
    /// Whether it may be run again without harm.
    pub repeatable: bool,
    /// How often it is run again after it failed.
    pub retries: u64,
}

/// Something that is to be so.
#[derive(Debug, Clone)]
pub enum Check {
    /// An address answers.
    Http {
        /// The address.
        url: Url,
        /// The status it answers with.
        status: u16,
    },
    /// An object has a condition or phase.
    Condition {
        /// The object's kind; with its group, `Kind.group`, where more than one kind bears the name.
        kind: String,
        /// Its namespace; empty for cluster-scoped ones.
        namespace: String,
        /// Its name.
        name: String,
        /// The condition type that is `True`, or the phase.
        is: String,
    },
}

/// What is accepted of one app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Health words that count as ready, such as `Suspended`.
    pub allow: Vec<String>,
    /// Whether it is left out altogether.
    pub ignore: bool,
    /// Whether a sync of it that has run hooks may be begun again, and they with it.
    pub rerun_hooks: bool,
    /// Whether it is synced once though it has no automated sync.
    pub sync: bool,
    /// Why. Never empty.
    pub reason: String,
}

/// When the recovery clock stops.
#[derive(Debug, Clone, Default)]
pub struct Done {
    /// The apps that must be ready; empty: all.
    pub critical: Vec<String>,
    /// The checks that must pass.
    pub checks: Vec<Check>,
}
