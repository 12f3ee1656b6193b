//! What is known of a secret without its values: the metadata of KV version 2.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::json;
use vaultrs::api::kv2::requests::ReadSecretMetadataRequest;
pub(super) use vaultrs::api::kv2::responses::ReadSecretMetadataResponse as Metadata;

use super::client::Vault;
use super::denied::{Right, data_path};
use super::mount::{KvVersion, Mount};
use super::transport::Call;
use crate::secrets::parallel::{Down, read_each};
use crate::secrets::store::IN_FLIGHT;
use crate::secrets::{Error, Seen, Wanted};

/// What is known of a secret.
struct Looked {
    seen: Seen,
    /// Where it is, if only its metadata was read.
    unread: Option<(Mount, String)>,
}

/// What the server says that we may do, by path. To ask takes a right that the policy `default` gives.
type Rights = BTreeMap<String, Vec<String>>;

impl Vault {
    /// Looks at secrets, and asks at once whether we may read those whose metadata was enough.
    pub(super) async fn look_at_all(&self, wanted: &[Wanted<'_>]) -> Vec<Result<Seen, Error>> {
        let down = Down::default();
        let looks = wanted
            .iter()
            .map(|wanted| self.look_at(&down, wanted.path, wanted.version));
        let looked = read_each(looks.collect(), IN_FLIGHT).await;
        let rights = self.rights(looked.iter().flatten()).await;
        let judged = looked.into_iter().map(async |looked| match looked {
            Ok(looked) => self.may_read(looked, &rights).await,
            Err(error) => Err(error),
        });
        read_each(judged.collect(), IN_FLIGHT).await
    }

    /// Looks at one secret, and asks whether we may read it.
    pub(super) async fn look_at_one(&self, path: &str, version: Option<&str>) -> Result<Seen, Error> {
        let looked = self.look_at(&Down::default(), path, version).await?;
        let rights = self.rights([&looked].into_iter()).await;
        self.may_read(looked, &rights).await
    }

    /// Looks at a secret: at its metadata where that tells, else by reading and forgetting it.
    async fn look_at(&self, down: &Down, path: &str, version: Option<&str>) -> Result<Looked, Error> {
        if let Some(looked) = self.in_turn(down, self.told(path, version)).await? {
            return Ok(looked);
        }
        let stored = self.read_unless(down, path, version).await?;
        Ok(Looked {
            seen: stored.seen(),
            unread: None,
        })
    }

    /// Returns what the metadata tells of a version; nothing where it does not tell, and reading has to.
    ///
    /// That is so of KV version 1 and of whole folders, where the metadata is denied, and where a version has a time of deletion:
    /// whether that has come is the server's to say.
    async fn told(&self, path: &str, version: Option<&str>) -> Result<Option<Looked>, Error> {
        if path.ends_with('/') {
            return Ok(None);
        }
        let version = version.map(|version| self.number(path, version)).transpose()?;
        let (mount, inner) = self.place(path).await?;
        if mount.version != KvVersion::Two {
            return Ok(None);
        }
        let answer = self.ask(&metadata_of(&mount, &inner)).await?;
        if answer.status == 404 {
            return Err(self.missing(&mount, &inner).await);
        }
        let metadata = answer.data::<Metadata>();
        let seen = metadata.and_then(|metadata| of_version(&metadata, version));
        Ok(seen.map(|seen| Looked {
            seen,
            unread: Some((mount, inner)),
        }))
    }

    /// Asks in one request what we may do with all that was not read; nothing where that is not told.
    async fn rights(&self, looked: impl Iterator<Item = &Looked>) -> Rights {
        let unread = looked.filter_map(|looked| looked.unread.as_ref());
        let paths: BTreeSet<String> = unread
            .map(|(mount, path)| data_path(mount, path, mount.version))
            .collect();
        if paths.is_empty() {
            return Rights::new();
        }
        let call = Call::post("sys/capabilities-self", &json!({ "paths": paths }));
        let answer = self.ask(&call).await.ok();
        answer.and_then(|answer| answer.data()).unwrap_or_default()
    }

    /// Says whether we may read what was looked at.
    ///
    /// # Errors
    /// Where the server says that we may not: what can be seen and not read is of no use to a restore.
    async fn may_read(&self, looked: Looked, rights: &Rights) -> Result<Seen, Error> {
        let Looked { seen, unread } = looked;
        let Some((mount, path)) = unread else {
            return Ok(seen);
        };
        let Some(ours) = rights.get(&data_path(&mount, &path, mount.version)) else {
            return Ok(seen);
        };
        if ours.iter().any(|right| matches!(right.as_str(), "read" | "root")) {
            return Ok(Seen { readable: true, ..seen });
        }
        let said = format!("asked what we may do there, it says: {}", ours.join(", "));
        Err(self.denied_to(Right::Read, &mount, &path, said).await)
    }
}

/// Asks for the metadata of a secret.
pub(super) fn metadata_of(mount: &Mount, path: &str) -> Call {
    Call::of(&ReadSecretMetadataRequest {
        mount: mount.path.trim_end_matches('/').to_owned(),
        path: path.to_owned(),
    })
}

fn of_version(metadata: &Metadata, version: Option<u64>) -> Option<Seen> {
    let version = version.unwrap_or(metadata.current_version);
    let one = metadata.versions.get(&version.to_string())?;
    (!one.destroyed && one.deletion_time.is_empty()).then(|| Seen {
        version: Some(version.to_string()),
        written: one.created_time.parse::<Timestamp>().ok(),
        keys: None,
        readable: false,
    })
}
