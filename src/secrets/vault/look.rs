//! What is known of a secret without its values: the metadata of KV version 2.

use jiff::Timestamp;
use vaultrs::api::kv2::requests::ReadSecretMetadataRequest;
pub(super) use vaultrs::api::kv2::responses::ReadSecretMetadataResponse as Metadata;

use super::client::Vault;
use super::mount::{KvVersion, Mount};
use super::transport::Call;
use crate::secrets::{Error, Seen};

impl Vault {
    /// Returns what the metadata tells of a version; nothing where it does not tell, and reading has to.
    ///
    /// That is so of KV version 1 and of whole folders, where the metadata is denied, and where a version has a time of deletion:
    /// whether that has come is the server's to say.
    pub(super) async fn seen(&self, path: &str, version: Option<&str>) -> Result<Option<Seen>, Error> {
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
        Ok(answer
            .data::<Metadata>()
            .and_then(|metadata| of_version(&metadata, version)))
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
    })
}
