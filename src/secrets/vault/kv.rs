//! Reads the KV engine, version 1 and 2.

use serde_json::Value;
use vaultrs::api::EndpointResult;
use vaultrs::api::kv1::requests::GetSecretRequest;
use vaultrs::api::kv1::responses::GetSecretResponse;
use vaultrs::api::kv2::requests::ReadSecretRequest;
use vaultrs::api::kv2::responses::{ReadSecretResponse, SecretVersionMetadata};

use super::client::Vault;
use super::mount::{KvVersion, Mount};
use super::transport::{Answer, Call};
use crate::secrets::texts::texts;
use crate::secrets::{Error, ErrorKind, Stored};

impl Vault {
    /// Reads the secret at `path`, which begins with its mount.
    pub(super) async fn read_kv(&self, path: &str, version: Option<&str>) -> Result<Stored, Error> {
        let version = version.map(|version| self.number(path, version)).transpose()?;
        let (mount, inner) = self.place(path).await?;
        self.read_in(&mount, &inner, version).await
    }

    /// Finds the mount of a secret, and its path in there.
    pub(super) async fn place(&self, path: &str) -> Result<(Mount, String), Error> {
        let path = path.trim_matches('/');
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(self
                .wrong(format!("{path:?} is no path of a secret"))
                .hint("write it as MOUNT/PATH, such as secret/dr/repo"));
        }
        let mount = self.mount_of(path).await?;
        match path.strip_prefix(&mount.path).filter(|inner| !inner.is_empty()) {
            Some(inner) => {
                let inner = inner.to_owned();
                Ok((mount, inner))
            }
            None => Err(self
                .wrong(format!("{path} names a mount and no secret in it"))
                .hint("write it as MOUNT/PATH, such as secret/dr/repo")),
        }
    }

    /// Reads the secret at a path in a mount.
    pub(super) async fn read_in(&self, mount: &Mount, inner: &str, version: Option<u64>) -> Result<Stored, Error> {
        match mount.version {
            KvVersion::One => self.read_v1(mount, inner, version).await,
            KvVersion::Two => self.read_v2(mount, inner, version).await,
            KvVersion::Unknown => self.read_either(mount, inner, version).await,
        }
    }

    pub(super) fn number(&self, path: &str, version: &str) -> Result<u64, Error> {
        version.parse().ok().filter(|number| *number > 0).ok_or_else(|| {
            self.wrong(format!(
                "{path} is pinned to version {version:?}, and versions are whole numbers from 1 on"
            ))
            .hint("`bao kv metadata get` lists them")
        })
    }

    async fn read_v1(&self, mount: &Mount, path: &str, version: Option<u64>) -> Result<Stored, Error> {
        if version.is_some() {
            return Err(self
                .wrong(format!(
                    "{}{path} is pinned to a version, and KV version 1 keeps none",
                    mount.path
                ))
                .hint(format!(
                    "leave `version` out, or upgrade the mount (`bao kv enable-versioning {}`)",
                    mount.path
                )));
        }
        let answer = self.ask(&v1(mount, path)).await?;
        match answer.status {
            200 => self.stored_v1(mount, path, &answer),
            403 => Err(self.denied(mount, path, &answer).await),
            404 => Err(self.missing(mount, path).await),
            _ => Err(self.not_understood(mount, path, &answer)),
        }
    }

    async fn read_v2(&self, mount: &Mount, path: &str, version: Option<u64>) -> Result<Stored, Error> {
        let found = self.find_v2(mount, path, version).await?;
        found.map_err(|gone| self.gone(mount, path, &gone))
    }

    /// Reads a version of a secret, or what is told of one that was deleted or destroyed.
    pub(super) async fn find_v2(
        &self,
        mount: &Mount,
        path: &str,
        version: Option<u64>,
    ) -> Result<Result<Stored, SecretVersionMetadata>, Error> {
        let answer = self.ask(&v2(mount, path, version)).await?;
        match answer.status {
            200 => self.stored_v2(mount, path, &answer).map(Ok),
            403 => Err(self.denied(mount, path, &answer).await),
            // A version that is gone answers 404 as well, with a body that tells of it.
            404 => match (parse_v2(&answer), version) {
                (Some(gone), _) => Ok(Err(gone.metadata)),
                (None, Some(version)) => Err(self.missing_version(mount, path, version).await?),
                (None, None) => Err(self.missing(mount, path).await),
            },
            _ => Err(self.not_understood(mount, path, &answer)),
        }
    }

    /// Reads where the server would not say which version the mount is: the newer one first.
    async fn read_either(&self, mount: &Mount, path: &str, version: Option<u64>) -> Result<Stored, Error> {
        let newer = self.ask(&v2(mount, path, version)).await?;
        match (newer.status, parse_v2(&newer)) {
            (200, Some(_)) => return self.stored_v2(mount, path, &newer),
            (404, Some(gone)) => return Err(self.gone(mount, path, &gone.metadata)),
            _ => {}
        }
        if let Some(version) = version {
            return Err(match newer.status {
                403 => self.denied(mount, path, &newer).await,
                _ => self.missing_version(mount, path, version).await?,
            });
        }
        let older = self.ask(&v1(mount, path)).await?;
        match (newer.status, older.status) {
            (_, 200) => self.stored_v1(mount, path, &older),
            (403, _) => Err(self.denied(mount, path, &newer).await),
            (_, 403) => Err(self.denied(mount, path, &older).await),
            _ => Err(self.missing(mount, path).await),
        }
    }

    fn stored_v1(&self, mount: &Mount, path: &str, answer: &Answer) -> Result<Stored, Error> {
        let Some(GetSecretResponse {
            data: Value::Object(data),
            ..
        }) = answer.parse()
        else {
            return Err(self.not_understood(mount, path, answer));
        };
        self.stored(mount, path, data, None)
    }

    fn stored_v2(&self, mount: &Mount, path: &str, answer: &Answer) -> Result<Stored, Error> {
        let Some(ReadSecretResponse {
            data: Value::Object(data),
            metadata,
        }) = parse_v2(answer)
        else {
            return Err(self.not_understood(mount, path, answer));
        };
        self.stored(mount, path, data, Some(&metadata))
    }

    fn stored(
        &self,
        mount: &Mount,
        path: &str,
        data: serde_json::Map<String, Value>,
        metadata: Option<&SecretVersionMetadata>,
    ) -> Result<Stored, Error> {
        let values = texts(data).map_err(|key| {
            Error::new(
                ErrorKind::NotText,
                format!(
                    "{key} of {}{path} in store {} is a number too long to be read exactly",
                    mount.path, self.name
                ),
            )
            .hint("store it as text, in quotes")
        })?;
        Ok(Stored {
            data: values,
            version: metadata.map(|metadata| metadata.version.to_string()),
            written: metadata.and_then(|metadata| metadata.created_time.parse().ok()),
        })
    }

    pub(super) fn wrong(&self, what: impl std::fmt::Display) -> Error {
        Error::new(ErrorKind::Configuration, format!("store {}: {what}", self.name))
    }

    pub(super) fn not_understood(&self, mount: &Mount, path: &str, answer: &Answer) -> Error {
        Error::new(
            ErrorKind::Answer,
            format!(
                "store {} gave an answer for {}{path} that is not understood",
                self.name, mount.path
            ),
        )
        .because(answer.quote(&self.redactor))
        .hint("check its log, and any proxy or load balancer in front of it")
    }
}

fn v1(mount: &Mount, path: &str) -> Call {
    Call::of(&GetSecretRequest {
        mount: mount.path.trim_end_matches('/').to_owned(),
        path: path.to_owned(),
    })
}

fn v2(mount: &Mount, path: &str, version: Option<u64>) -> Call {
    Call::of(&ReadSecretRequest {
        mount: mount.path.trim_end_matches('/').to_owned(),
        path: path.to_owned(),
        version,
    })
}

fn parse_v2(answer: &Answer) -> Option<ReadSecretResponse> {
    answer.parse::<EndpointResult<ReadSecretResponse>>()?.data
}
