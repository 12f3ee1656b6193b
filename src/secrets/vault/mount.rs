//! Finds where a path's mount ends and which KV version it is.

use serde::Deserialize;

use super::client::Vault;
use super::transport::Call;
use crate::secrets::{Error, ErrorKind};

/// A KV engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount {
    /// Its path with the closing slash: `secret/`.
    pub(super) path: String,
    pub(super) version: KvVersion,
}

/// The two dialects of the KV engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KvVersion {
    One,
    Two,
    /// The server would not say.
    Unknown,
}

#[derive(Deserialize)]
struct Answered {
    data: Described,
}

#[derive(Deserialize)]
struct Described {
    path: String,
    #[serde(rename = "type")]
    kind: String,
    options: Option<Options>,
}

#[derive(Deserialize)]
struct Options {
    version: Option<String>,
}

impl Vault {
    /// Finds the mount that holds a path, by the token's own rights. Where the server will not say, the mount is taken to
    /// be the first part of the path, of unknown version.
    pub(super) async fn mount_of(&self, path: &str) -> Result<Mount, Error> {
        // Held over the question: of many reads in one mount, one asks. Mounts never lie inside one another.
        let mut known = self.mounts.lock().await;
        if let Some(mount) = known.iter().find(|mount| path.starts_with(&mount.path)) {
            return Ok(mount.clone());
        }
        let answer = self.ask(&Call::get(format!("sys/internal/ui/mounts/{path}"))).await?;
        self.check_namespace(&answer)?;
        let described = answer.is_success().then(|| answer.parse::<Answered>()).flatten();
        let Some(Answered { data }) = described else {
            return Ok(guess(path));
        };
        let version = match (
            data.kind.as_str(),
            data.options.and_then(|options| options.version).as_deref(),
        ) {
            ("kv", Some("2")) => KvVersion::Two,
            ("kv" | "generic", _) => KvVersion::One,
            (kind, _) => {
                return Err(Error::new(
                    ErrorKind::Configuration,
                    format!(
                        "store {}: {path} lies in {}, a {kind} engine and no KV store",
                        self.name, data.path
                    ),
                )
                .hint("name a path in a KV engine (`bao secrets list` shows them)"));
            }
        };
        let mount = Mount {
            path: data.path,
            version,
        };
        known.push(mount.clone());
        Ok(mount)
    }
}

fn guess(path: &str) -> Mount {
    let first = path.split('/').next().unwrap_or_default();
    Mount {
        path: format!("{first}/"),
        version: KvVersion::Unknown,
    }
}
