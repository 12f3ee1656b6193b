//! The store itself.

use async_trait::async_trait;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Namespace, Secret as KubernetesSecret};
use kube::api::{Api, ObjectMeta};
use tokio::sync::OnceCell;

use super::connect::{Connection, connect};
use super::said::{Asked, explain};
use super::settings::Settings;
use crate::redact::{Redactor, Secret};
use crate::secrets::store::unversioned;
use crate::secrets::{Error, ErrorKind, Home, Seen, Store, Stored};

/// A cluster as a [`Store`]: a path is the name of a Secret, or its namespace and name. It is only ever read.
pub struct Kubernetes {
    settings: Settings,
    redactor: Redactor,
    /// The connection; or that its login took too long, so that no other read waits for the same.
    connection: OnceCell<Result<Connection, Error>>,
}

impl Kubernetes {
    /// Makes the store. Nothing is read or sent yet.
    pub fn new(settings: Settings, redactor: &Redactor) -> Self {
        Self {
            settings,
            redactor: redactor.clone(),
            connection: OnceCell::new(),
        }
    }

    async fn connection(&self) -> Result<&Connection, Error> {
        let first = || async {
            match connect(&self.settings, &self.redactor).await {
                Err(error) if error.kind() != ErrorKind::TooLong => Err(error),
                known => Ok(known),
            }
        };
        let known = self.connection.get_or_try_init(first).await?;
        known.as_ref().map_err(Clone::clone)
    }

    /// Returns the UID of the namespace `kube-system`, by which a cluster is known; none where we may not read it, which most may
    /// not.
    async fn uid(&self) -> Result<Option<String>, Error> {
        let connection = self.connection().await?;
        let namespaces: Api<Namespace> = Api::all(connection.client.clone());
        match namespaces.get_metadata("kube-system").await {
            Ok(system) => Ok(system.metadata.uid),
            // Whoever is told so was let in, but for those whom nobody knows.
            Err(kube::Error::Api(status)) if status.code == 403 && !status.message.contains("system:anonymous") => {
                Ok(None)
            }
            Err(kube::Error::Api(status)) if status.code == 403 => Err(Error::new(
                ErrorKind::Login,
                format!(
                    "store {}: the context {} names no login",
                    self.settings.name, self.settings.context
                ),
            )
            .hint("give its user a token or a certificate in the kubeconfig")),
            Err(error) => Err(explain(&error, &self.settings, connection, None, &self.redactor)),
        }
    }

    /// Finds a Secret by its path.
    async fn secret<'path>(
        &'path self,
        path: &'path str,
        version: Option<&str>,
    ) -> Result<(&'path Connection, Api<KubernetesSecret>, Asked<'path>), Error> {
        unversioned(&self.settings.name, "a Secret", path, version)?;
        let connection = self.connection().await?;
        let (namespace, name) = match path.split_once('/') {
            Some((namespace, name)) => (namespace, name),
            None => (connection.namespace.as_str(), path),
        };
        if !is_name(namespace) || !is_name(name) {
            return Err(Error::new(
                ErrorKind::Configuration,
                format!("store {}: {path:?} is no path of a Secret", self.settings.name),
            )
            .hint("write it as NAME or as NAMESPACE/NAME"));
        }
        let api = Api::namespaced(connection.client.clone(), namespace);
        Ok((connection, api, Asked { namespace, name }))
    }
}

#[async_trait]
impl Store for Kubernetes {
    fn name(&self) -> &str {
        &self.settings.name
    }

    async fn check(&self) -> Result<(), Error> {
        self.uid().await.map(drop)
    }

    async fn read(&self, path: &str, version: Option<&str>) -> Result<Stored, Error> {
        let (connection, api, asked) = self.secret(path, version).await?;
        let found = api
            .get(asked.name)
            .await
            .map_err(|error| explain(&error, &self.settings, connection, Some(&asked), &self.redactor))?;
        let data = found.data.unwrap_or_default().into_iter();
        Ok(Stored {
            data: data.map(|(key, value)| (key, Secret::new(value.0))).collect(),
            version: None,
            written: written(&found.metadata),
        })
    }

    /// Asks for the metadata alone: no value leaves the cluster. The names of the keys are not in it. The right to `get` is one for
    /// both, so whoever may look may read.
    async fn look(&self, path: &str, version: Option<&str>) -> Result<Seen, Error> {
        let (connection, api, asked) = self.secret(path, version).await?;
        let found = api
            .get_metadata(asked.name)
            .await
            .map_err(|error| explain(&error, &self.settings, connection, Some(&asked), &self.redactor))?;
        Ok(Seen {
            version: None,
            written: written(&found.metadata),
            keys: None,
            readable: true,
        })
    }

    async fn home(&self) -> Result<Option<Home>, Error> {
        let server = self.connection().await?.server.clone();
        // The address is known also of a cluster that does not answer or does not let us in, and tells a lot by itself.
        let uid = self.uid().await.unwrap_or_default();
        Ok(Some(Home { server, uid }))
    }
}

impl std::fmt::Debug for Kubernetes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kubernetes")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// Returns when somebody last wrote to an object, by the record of who owns its fields; when it was made where there is none.
fn written(metadata: &ObjectMeta) -> Option<Timestamp> {
    let managers = metadata.managed_fields.iter().flatten();
    let last = managers
        .filter_map(|manager| manager.time.as_ref())
        .map(|time| time.0)
        .max();
    last.or_else(|| metadata.creation_timestamp.as_ref().map(|time| time.0))
}

/// Whether a text can be a name: it becomes a part of an address.
fn is_name(name: &str) -> bool {
    let is_letter =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, '-' | '.');
    !name.is_empty()
        && name.len() <= 253
        && name.chars().all(is_letter)
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_kubernetes_takes_for_one() {
        for (name, is_one) in [
            ("repo", true),
            ("repo.v1-a", true),
            ("", false),
            ("Repo", false),
            ("..", false),
            ("a/b", false),
            ("a?b", false),
        ] {
            assert_eq!(is_name(name), is_one, "{name}");
        }
    }
}
