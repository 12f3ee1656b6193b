//! Users of the API server and their kubeconfig files.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kube::Client;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use serde_json::json;

use crate::authority::Identity;
use crate::{Error, Result};

/// A user with the client certificate to prove it, and the server it is valid for.
#[derive(Clone)]
pub struct User {
    pub(super) name: String,
    pub(super) identity: Identity,
    pub(super) server: String,
    pub(super) authority: String,
}

impl User {
    /// The name by which RBAC and the audit log know the user.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address of the API server that the user asks.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// The certificate of the authority that the user trusts, as PEM text.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// The user's certificate and private key, as PEM text.
    pub(crate) fn identity_pem(&self) -> (&str, &str) {
        (&self.identity.certificate, &self.identity.key)
    }

    /// The same user, asking at another address, such as that of a proxy.
    pub(crate) fn at(&self, server: &str) -> Self {
        Self {
            server: server.to_owned(),
            ..self.clone()
        }
    }

    /// A client that acts as this user. It follows no deadline of its own, as watches are long.
    pub async fn client(&self) -> Result<Client> {
        // Two crates of the tree could bring a provider for TLS; saying which is needed once a process, and is no error after that.
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        let failed = |error: String| Error::Other(format!("make a client for {}: {error}", self.name));
        let kubeconfig: Kubeconfig =
            serde_json::from_value(self.document("testbed")).map_err(|error| failed(error.to_string()))?;
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
            .await
            .map_err(|error| failed(error.to_string()))?;
        Client::try_from(config).map_err(Error::kube(format!("make a client for {}", self.name)))
    }

    /// Writes a kubeconfig with one context named `context`, which is the current one.
    pub fn write_kubeconfig(&self, path: &Path, context: &str) -> Result<()> {
        let text = serde_saphyr::to_string(&self.document(context))
            .map_err(|error| Error::Other(format!("write a kubeconfig: {error}")))?;
        std::fs::write(path, text).map_err(Error::io("write a kubeconfig"))
    }

    fn document(&self, context: &str) -> serde_json::Value {
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": context,
            "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
            "clusters": [{"name": context, "cluster": {
                "server": self.server,
                "certificate-authority-data": STANDARD.encode(&self.authority),
            }}],
            // Named by the context, so that several files can be read as one: of two users of one name only the first counts.
            "users": [{"name": context, "user": {
                "client-certificate-data": STANDARD.encode(&self.identity.certificate),
                "client-key-data": STANDARD.encode(&self.identity.key),
            }}],
        })
    }
}
