//! Which cluster, and how to reach it.

use std::path::PathBuf;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use kube::client::ClientBuilder;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use tokio_util::sync::CancellationToken;

use super::error::{Error, ErrorKind};
use super::guard::Guard;
use super::kinds::Kinds;
use super::pace::Pace;
use super::pause::Pausing;
use super::request::first_words;
use super::skew::Ahead;
use super::wait::SILENCE;
use crate::object::ObjectRef;
use crate::redact::Secret;

/// Which cluster to talk to.
#[derive(Debug, Clone)]
pub struct Target {
    /// The kubeconfig file; the usual ones if not given.
    pub kubeconfig: Option<PathBuf>,
    /// The context. Never guessed: `current-context` is what somebody did last.
    pub context: String,
}

/// What identifies a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The context of the kubeconfig.
    pub context: String,
    /// The API server's address.
    pub server: String,
    /// The UID of the namespace `kube-system`: it lives and dies with the cluster.
    pub uid: String,
    /// The server's version.
    pub version: String,
}

/// How a connection knows that a server is the right one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trust {
    /// The CA that signed its certificate (PEM); the system's own where not given.
    pub authority: Option<String>,
    /// Whether its certificate is not looked at.
    pub insecure: bool,
    /// The name in its certificate, where it is not that of the address.
    pub server_name: Option<String>,
}

/// A connection to one cluster.
#[derive(Clone)]
pub struct Cluster {
    pub(super) client: Client,
    identity: Identity,
    trust: Trust,
    pub(super) kinds: Arc<RwLock<Arc<Kinds>>>,
    pub(super) ahead: Ahead,
    pub(super) guard: Arc<Guard>,
    pub(super) pace: Arc<Pace>,
    /// Whether an apply takes over the fields that another manager owns.
    pub(super) forces: bool,
    /// Once cancelled, no request is begun any more.
    pub(super) halt: CancellationToken,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

impl Cluster {
    /// Connects and learns who the cluster is and which kinds it serves. Only reads.
    pub async fn connect(target: &Target) -> Result<Self, Error> {
        Self::reach(load(target).await?, &target.context).await
    }

    /// The same with a kubeconfig (JSON) that is in no file, and the context of it.
    pub async fn connect_by(kubeconfig: &Secret, context: &str) -> Result<Self, Error> {
        let unusable = |why: &str| Error::new(ErrorKind::Kubeconfig, "the credentials cannot be used").because(why);
        // The texts of these errors may quote what they were made from.
        let kubeconfig: Kubeconfig =
            serde_json::from_slice(kubeconfig.expose()).map_err(|_| unusable("they are not what a client reads"))?;
        let options = KubeConfigOptions {
            context: Some(context.to_owned()),
            ..KubeConfigOptions::default()
        };
        let config = Config::from_custom_kubeconfig(kubeconfig, &options)
            .await
            .map_err(|_| unusable("a certificate, a key or an address in them is malformed"))?;
        Self::reach(config, context).await
    }

    async fn reach(mut config: Config, context: &str) -> Result<Self, Error> {
        let trust = Trust {
            authority: config.root_cert.as_deref().map(pem),
            insecure: config.accept_invalid_certs,
            server_name: config.tls_server_name.clone(),
        };
        let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        // A server that does not answer is to be known within seconds, not after the system's own minutes.
        config.connect_timeout = Some(Duration::from_secs(5));
        // A watch ends by itself before this; what is silent for longer is a connection that nobody holds any more.
        config.read_timeout = Some(SILENCE);
        // Requests are made again in one place only, `request`.
        config.default_retry = false;
        let reach = format!("reach the API server {server}");
        let pace = Arc::new(Pace::default());
        let client = ClientBuilder::try_from(config)
            .map_err(|error| Error::of(&reach, &error))?
            .with_layer(&Pausing::new(Arc::clone(&pace)))
            .build();
        let version = first_words(&reach, || client.apiserver_version()).await?.git_version;
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let identify = "read the namespace kube-system, which identifies the cluster";
        let system = first_words(identify, || namespaces.get_metadata("kube-system")).await?;
        let kinds = first_words("ask which kinds are served", || Kinds::all(&client)).await?;
        Ok(Self {
            client,
            identity: Identity {
                context: context.to_owned(),
                server,
                uid: system.metadata.uid.unwrap_or_default(),
                version,
            },
            trust,
            kinds: Arc::new(RwLock::new(Arc::new(kinds))),
            ahead: Ahead::default(),
            guard: Arc::default(),
            pace,
            forces: false,
            halt: CancellationToken::new(),
        })
    }

    /// Returns the same connection for work that may be told to stop: from then on it begins no request, and waits for nothing
    /// more. What is in flight ends.
    #[must_use]
    pub fn until_stopped(&self, halt: CancellationToken) -> Self {
        Self { halt, ..self.clone() }
    }

    /// Returns the same connection for work that takes over the fields that other managers own, where `forces` says so.
    #[must_use]
    pub fn forcing(&self, forces: bool) -> Self {
        Self { forces, ..self.clone() }
    }

    /// Returns how many requests that apply may be in flight now: it adapts to how the server bears them.
    pub fn at_once(&self) -> usize {
        self.pace.limit()
    }

    /// A connection to a server that a test plays, which is said to be the cluster `uid`.
    #[cfg(test)]
    pub(super) fn of_test(client: Client, uid: &str) -> Self {
        Self {
            identity: Identity {
                context: "test".into(),
                server: "https://test".into(),
                uid: uid.into(),
                version: String::new(),
            },
            trust: Trust::default(),
            kinds: Arc::default(),
            ahead: Ahead::default(),
            guard: Arc::default(),
            pace: Arc::default(),
            forces: false,
            halt: CancellationToken::new(),
            client,
        }
    }

    /// The cluster `uid`, which answers to nothing.
    #[cfg(test)]
    pub(crate) fn deaf(uid: &str) -> Self {
        let service = tower::service_fn(|_: http::Request<kube::client::Body>| async {
            Err::<http::Response<kube::client::Body>, _>(std::io::Error::from(std::io::ErrorKind::ConnectionRefused))
        });
        Self::of_test(Client::new(service, "default"), uid)
    }

    /// Returns how this connection knows that the server is the right one.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Returns who the cluster is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Returns the resource of a kind and whether it is namespaced.
    pub(super) fn known(&self, api_version: &str, kind: &str) -> Result<(ApiResource, bool), Error> {
        self.resource(api_version, kind).ok_or_else(|| {
            Error::new(
                ErrorKind::UnknownKind,
                format!("the cluster serves no kind {kind} of {api_version}"),
            )
            .hint("is the CRD that defines it part of the install, or of an earlier root?")
        })
    }

    /// Returns a handle for the objects of a kind.
    pub(super) fn api(&self, api_version: &str, kind: &str, namespace: &str) -> Result<Api<DynamicObject>, Error> {
        let (resource, namespaced) = self.known(api_version, kind)?;
        Ok(if namespaced && !namespace.is_empty() {
            Api::namespaced_with(self.client.clone(), namespace, &resource)
        } else {
            Api::all_with(self.client.clone(), &resource)
        })
    }

    /// Returns a handle for one object's kind and namespace.
    pub(super) fn api_of(&self, id: &ObjectRef) -> Result<Api<DynamicObject>, Error> {
        self.api(&id.api_version(), &id.kind, &id.namespace)
    }

    /// Returns an object as it is, or `None` where there is none.
    pub async fn get(&self, id: &ObjectRef) -> Result<Option<serde_json::Value>, Error> {
        let api = self.api_of(id)?;
        let found = self.attempt(&format!("read {id}"), || api.get_opt(&id.name)).await?;
        Ok(found.map(|object| serde_json::to_value(object).unwrap_or_default()))
    }

    /// Returns the objects of a kind in a namespace that bear a label, `key=value`.
    pub async fn labelled(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        label: &str,
    ) -> Result<Vec<serde_json::Value>, Error> {
        let api = self.api(api_version, kind, namespace)?;
        let chosen = ListParams::default().labels(label);
        let list = self.attempt(&format!("list {kind}s"), || api.list(&chosen)).await?;
        let objects = list.items.into_iter();
        Ok(objects
            .map(|object| serde_json::to_value(object).unwrap_or_default())
            .collect())
    }

    /// Returns the names of the objects of a kind in a namespace that bear a label, `key=value`. Only their metadata is asked for.
    pub async fn labelled_names(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        label: &str,
    ) -> Result<Vec<String>, Error> {
        let api = self.api(api_version, kind, namespace)?;
        let chosen = ListParams::default().labels(label);
        let list = self
            .attempt(&format!("list {kind}s"), || api.list_metadata(&chosen))
            .await?;
        let names = list.items.into_iter().filter_map(|item| item.metadata.name);
        Ok(names.collect())
    }
}

/// Writes certificates as PEM text.
fn pem(certificates: &[Vec<u8>]) -> String {
    let mut text = String::new();
    for certificate in certificates {
        let encoded = STANDARD.encode(certificate);
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        for line in encoded.as_bytes().chunks(64) {
            text.extend(line.iter().copied().map(char::from));
            text.push('\n');
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    text
}

async fn load(target: &Target) -> Result<Config, Error> {
    let kubeconfig = match &target.kubeconfig {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    }
    .map_err(|error| unusable(&error, target))?;
    if !kubeconfig.contexts.iter().any(|context| context.name == target.context) {
        let known: Vec<_> = kubeconfig
            .contexts
            .iter()
            .map(|context| context.name.as_str())
            .collect();
        let error = Error::new(
            ErrorKind::Kubeconfig,
            format!("the kubeconfig has no context `{}`", target.context),
        );
        return Err(if known.is_empty() {
            error.hint(format!(
                "{} has no contexts at all: name another file with --kubeconfig or KUBECONFIG",
                file(target)
            ))
        } else {
            error.hint(format!("{} has: {}", file(target), known.join(", ")))
        });
    }
    let options = KubeConfigOptions {
        context: Some(target.context.clone()),
        ..KubeConfigOptions::default()
    };
    Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| unusable(&error, target))
}

/// Says why a kubeconfig cannot be used, without the lines around the trouble: they may hold a key or a token.
fn unusable(error: &KubeconfigError, target: &Target) -> Error {
    let message = format!("the kubeconfig cannot be used: {}", file(target));
    match error {
        KubeconfigError::Parse(inner) => {
            let place = inner
                .location()
                .map(|place| format!(" at line {}, column {}", place.line(), place.column()))
                .unwrap_or_default();
            Error::new(ErrorKind::Kubeconfig, message).because(format!("it is not valid YAML{place}"))
        }
        KubeconfigError::ReadConfig(io, path) => {
            let (text, path) = (io.to_string(), path.display().to_string());
            let cause = if text.contains(&path) {
                text
            } else {
                format!("{path}: {text}")
            };
            Error::new(ErrorKind::Kubeconfig, message).because(cause)
        }
        other => Error::new(ErrorKind::Kubeconfig, message).because(other.to_string()),
    }
    .hint("name the file with --kubeconfig or KUBECONFIG")
}

/// Returns the kubeconfig as its user would name it.
fn file(target: &Target) -> String {
    let variable = || std::env::var("KUBECONFIG").ok().filter(|value| !value.is_empty());
    match &target.kubeconfig {
        Some(path) => path.display().to_string(),
        None => variable().unwrap_or_else(|| "~/.kube/config".to_owned()),
    }
}
