//! Writes a secret, as a new version of KV version 2.
//!
//! It hits the server of the store that the runbook names. What keeps it from writing over what it does not know is the server's own
//! comparison (`cas`): a version is written only where the newest one is the one that it is to take the place of. KV version 1 cannot
//! compare and keeps nothing of what is written over, so nothing is ever written there.
//! Held by the tests of `tests/integration/vault/write.rs`.
//!
//! Source: <https://openbao.org/api-docs/secret/kv/kv-v2/#create-update-secret>.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::Value;

use super::client::Vault;
use super::denied::{Right, data_path, stanza};
use super::mount::{KvVersion, Mount};
use super::transport::{Answer, Call};
use crate::redact::{Redactor, Secret};
use crate::secrets::writer::{knowing, moved, writable};
use crate::secrets::{Error, ErrorKind, Stored, Writer};

/// What the server says where the newest version is another one; it answers 400 to much else.
const OTHER: &str = "check-and-set parameter did not match";

/// One secret to write.
struct Writing<'run> {
    mount: Mount,
    /// Its path in there.
    inner: String,
    data: BTreeMap<&'run str, &'run str>,
    /// Knows the values too.
    redactor: Redactor,
}

#[async_trait]
impl Writer for Vault {
    async fn write(&self, path: &str, data: &BTreeMap<String, Secret>, over: Option<&str>) -> Result<String, Error> {
        let texts = writable(&self.name, path, data)?;
        let over = over.map(|over| self.number(path, over)).transpose()?;
        let (mount, inner) = self.place(path).await?;
        let writing = Writing {
            mount,
            inner,
            data: texts,
            redactor: knowing(&self.redactor, data),
        };
        self.has_versions(&writing).await?;
        // That nothing was ever there is number 0.
        match self.compared(&writing, over.unwrap_or_default()).await? {
            Ok(version) => Ok(version),
            Err(refusal) => self.unlike(&writing, over, &refusal).await,
        }
    }
}

impl Vault {
    /// Writes unless the newest version is another one than `newest`; gives that refusal back.
    async fn compared(&self, writing: &Writing<'_>, newest: u64) -> Result<Result<String, Answer>, Error> {
        let (mount, path) = (&writing.mount, writing.inner.as_str());
        let body = Body {
            options: Options { cas: newest },
            data: &writing.data,
        };
        let call = Call::secret(
            data_path(mount, path, mount.version),
            &body,
            Some(writing.redactor.clone()),
        );
        let answer = self.ask(&call).await.map_err(|error| self.unknown(writing, error))?;
        match answer.status {
            200 => {
                let version = answer.data::<Value>().and_then(|data| data["version"].as_u64());
                let version = version.ok_or_else(|| self.unknown(writing, self.not_understood(mount, path, &answer)));
                version.map(|version| Ok(version.to_string()))
            }
            400 if answer.words(&self.redactor).contains(OTHER) => Ok(Err(answer)),
            403 => {
                let said = answer.quote(&self.redactor);
                Err(self.denied_to(Right::Write, mount, path, said).await)
            }
            _ => Err(self.not_understood(mount, path, &answer)),
        }
    }

    /// Looks at what is there instead of what was expected. What was deleted is written over where nothing was to be there: its number
    /// goes on counting. Where the very same is there as the next version, an earlier try has come through whose answer did not.
    async fn unlike(&self, writing: &Writing<'_>, over: Option<u64>, refusal: &Answer) -> Result<String, Error> {
        let found = self.newest(writing).await;
        match (&found, over) {
            (Found::Deleted(newest), None) => match self.compared(writing, *newest).await? {
                Ok(version) => Ok(version),
                Err(refusal) => Err(self.moved(writing, over, &self.newest(writing).await, &refusal)),
            },
            (Found::There(newest, stored), _) if *newest == over.unwrap_or_default() + 1 && writing.is_what(stored) => {
                Ok(newest.to_string())
            }
            _ => Err(self.moved(writing, over, &found, refusal)),
        }
    }

    /// Finds the newest version, as far as we may.
    async fn newest(&self, writing: &Writing<'_>) -> Found {
        let number = |stored: &Stored| stored.version.as_ref()?.parse().ok();
        match self.find_v2(&writing.mount, &writing.inner, None).await {
            Ok(Ok(stored)) => number(&stored).map_or(Found::Unseen, |number| Found::There(number, stored)),
            Ok(Err(gone)) => Found::Deleted(gone.version),
            Err(error) if error.kind() == ErrorKind::MissingPath => Found::Nothing,
            Err(_) => Found::Unseen,
        }
    }

    /// Refuses where the server cannot compare.
    async fn has_versions(&self, writing: &Writing<'_>) -> Result<(), Error> {
        let (mount, path) = (&writing.mount, writing.inner.as_str());
        match mount.version {
            KvVersion::Two => Ok(()),
            KvVersion::One => Err(self
                .wrong(format!(
                    "{} is of KV version 1: nothing is written there, since it keeps nothing of what is written over",
                    mount.path
                ))
                .hint(format!(
                    "let it keep versions: `bao kv enable-versioning{} {}`",
                    self.namespace_flag(),
                    mount.path
                ))
                .hint("or name a path in a mount of KV version 2")),
            KvVersion::Unknown => {
                let error = Error::new(
                    ErrorKind::Denied,
                    format!(
                        "store {} would not say where {}{path} is mounted, so nothing is written there",
                        self.name, mount.path
                    ),
                );
                let error = match self.identity().await {
                    Some(identity) => error.because(format!("we are {identity}")),
                    None => error,
                };
                Err(error
                    .hint(format!(
                        "add to one of its policies{}: {}",
                        self.namespace_words(),
                        stanza(Right::Write, mount, path, KvVersion::Two)
                    ))
                    .hint(format!(
                        "if nothing is mounted at {}, correct the path (`bao secrets list`)",
                        mount.path
                    )))
            }
        }
    }

    fn moved(&self, writing: &Writing<'_>, over: Option<u64>, found: &Found, refusal: &Answer) -> Error {
        let place = format!("{}{}", writing.mount.path, writing.inner);
        let found = match found {
            Found::There(number, _) => format!("version {number} is there"),
            Found::Deleted(number) => format!("version {number}, the newest, was deleted"),
            Found::Nothing => "nothing is there".to_owned(),
            Found::Unseen => "another is the newest, which we may not read".to_owned(),
        };
        let over = over.map(|over| over.to_string());
        let error = moved(&format!("{place} in store {}", self.name), over.as_deref(), &found)
            .because(refusal.quote(&self.redactor));
        error.hint(format!(
            "see what is there (`bao kv metadata get{} {place}`) and who wrote it, and run this again",
            self.namespace_flag()
        ))
    }

    /// Says how to see what came of a write that was not answered.
    fn unknown(&self, writing: &Writing<'_>, error: Error) -> Error {
        match error.kind() {
            ErrorKind::Unreachable | ErrorKind::Answer => error.hint(format!(
                "whether it was written is not known: `bao kv metadata get{} {}{}` shows the newest version; to run this again does no harm",
                self.namespace_flag(),
                writing.mount.path,
                writing.inner
            )),
            _ => error,
        }
    }
}

/// What is the newest version.
enum Found {
    There(u64, Stored),
    /// It was deleted or destroyed.
    Deleted(u64),
    Nothing,
    /// We may not see it.
    Unseen,
}

impl Writing<'_> {
    fn is_what(&self, stored: &Stored) -> bool {
        let texts = stored
            .data
            .iter()
            .map(|(key, value)| (key.as_str(), value.expose_str()));
        texts.eq(self.data.iter().map(|(key, text)| (*key, Some(*text))))
    }
}

/// What is sent.
#[derive(Serialize)]
struct Body<'run> {
    options: Options,
    data: &'run BTreeMap<&'run str, &'run str>,
}

#[derive(Serialize)]
struct Options {
    /// The number of the version that must be the newest one.
    cas: u64,
}
