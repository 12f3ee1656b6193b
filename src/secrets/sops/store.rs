//! The store itself.

use std::fmt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use tokio::sync::OnceCell;

use super::document::{self, Document, Unread, Value};
use super::folder::{Folder, Read};
use super::format::Format;
use super::keys::Keys;
use super::metadata::Metadata;
use super::mixed;
use super::native::{self, Undone};
use super::program::Program;
use super::rules::Rules;
use super::settings::{AgeKey, Place, Settings};
use super::trouble::{Trouble, origin};
use super::values;
use crate::redact::{Redactor, Secret};
use crate::secrets::private_file::{self, PrivateFile};
use crate::secrets::{Error, ErrorKind, Seen, Store, Stored};

/// Files that SOPS has encrypted, as a [`Store`]: a secret's path is the file's, and its keys are the file's.
pub struct Sops {
    settings: Settings,
    redactor: Redactor,
    /// The age keys, once they were asked for; or why there are none, so that they are asked for once.
    keys: OnceCell<Result<Option<Keys>, Error>>,
}

/// Why a file was not decrypted here.
enum Declined {
    /// Nobody would.
    Refused(Error),
    /// The program may; the words say why we do not.
    Beyond(String),
}

impl Sops {
    /// Makes a store of its settings. Nothing is read yet.
    pub fn new(settings: Settings, redactor: &Redactor) -> Self {
        Self {
            settings,
            redactor: redactor.clone(),
            keys: OnceCell::new(),
        }
    }

    fn folder(&self) -> Result<Folder, Error> {
        let path = self.settings.path.trim_matches('/');
        let below = |root: &Path| {
            if path.is_empty() {
                root.to_owned()
            } else {
                root.join(path)
            }
        };
        let (place, called) = match &self.settings.place {
            Place::Folder(folder) => (below(folder), below(folder).display().to_string()),
            Place::Source { name, fetched } => {
                let root = fetched
                    .folder(name)
                    .ok_or_else(|| self.wrong(&format!("the source {name} that it reads from is not fetched yet")))?;
                let inside = below(root);
                // Where a source keeps its files may be a link, and a link may lead anywhere.
                let is_inside = |found: PathBuf| root.canonicalize().is_ok_and(|root| found.starts_with(root));
                if inside.canonicalize().is_ok_and(|found| !is_inside(found)) {
                    return Err(self.wrong(&format!("{path} in source {name} leads out of it")));
                }
                let called = if path.is_empty() {
                    format!("source {name}")
                } else {
                    format!("{path} in source {name}")
                };
                (inside, called)
            }
        };
        Ok(Folder {
            path: place,
            called,
            store: self.settings.name.clone(),
        })
    }

    /// Returns the age keys, read once.
    async fn keys(&self) -> Result<Option<&Keys>, Error> {
        let read = async {
            let Some(key) = &self.settings.age_key else {
                return Ok(None);
            };
            let text = self.key_text(key).await?;
            let keys = Keys::read(&text, &self.redactor).map_err(|why| {
                let from = origin(key);
                self.wrong(&format!("its age key {from} cannot be used"))
                    .because(why)
                    .hint("it is what `age-keygen` prints: a line that begins with AGE-SECRET-KEY-1")
            })?;
            Ok(Some(keys))
        };
        let keys: &Result<Option<Keys>, Error> = self.keys.get_or_init(|| read).await;
        keys.as_ref().map(Option::as_ref).map_err(Clone::clone)
    }

    async fn key_text(&self, key: &AgeKey) -> Result<Secret, Error> {
        match key {
            AgeKey::Given { key, .. } => Ok(key.clone()),
            AgeKey::File(path) => {
                let (name, path) = (self.settings.name.clone(), path.clone());
                let read = move || {
                    let file = PrivateFile {
                        store: &name,
                        role: "its age key ",
                        // The secret itself is not missing.
                        missing: ErrorKind::Configuration,
                        folder: path.parent().unwrap_or(&path),
                    };
                    file.read(&path).map(|(key, _)| key)
                };
                private_file::aside(&self.settings.name, read).await
            }
            AgeKey::Store { store, path, key } => {
                let stored = store.read(path, None).await.map_err(|error| {
                    let why = Error::new(
                        error.kind(),
                        format!("store {}: its age key cannot be had: {error}", self.settings.name),
                    );
                    let why = error.causes().iter().fold(why, Error::because);
                    error.hints().iter().fold(why, Error::hint)
                })?;
                let names: Vec<&str> = stored.data.keys().map(String::as_str).collect();
                let chosen = match (key, names.as_slice()) {
                    (Some(key), _) => stored.data.get(key),
                    (None, [only]) => stored.data.get(*only),
                    (None, _) => None,
                };
                chosen.cloned().ok_or_else(|| {
                    let place = format!("{path} in store {}", store.name());
                    let missing = key.as_ref().map_or_else(
                        || {
                            format!(
                                "{place} has not one key, and the store {} does not say which",
                                self.settings.name
                            )
                        },
                        |key| format!("{place} has no key {key}"),
                    );
                    Error::new(ErrorKind::MissingKey, missing)
                        .because(format!("its keys are {}", names.join(", ")))
                        .hint(format!(
                            "name one as `key` under `age-key` of the store {}",
                            self.settings.name
                        ))
                })
            }
        }
    }

    async fn decrypted(&self, path: &str) -> Result<(Value, Option<Metadata>), Error> {
        let read = self.folder()?.read(path)?;
        let (trouble, format) = (self.trouble(path), Format::of(path));
        let document = match Document::read(&read.text, format) {
            Ok(document) => document,
            Err(Unread::Unsure(why)) => {
                let tree = self.by_program(&read, path, &why).await?;
                let file = document::shape(&read.text, format);
                mixed::check(file.as_ref(), &tree, format).map_err(|mixed| trouble.mixed(&mixed))?;
                return Ok((tree, None));
            }
            Err(unread) => return Err(trouble.unread(unread, format)),
        };
        let tree = match self.here(&document, path).await {
            Ok(tree) => tree,
            Err(Declined::Refused(error)) => return Err(error),
            Err(Declined::Beyond(why)) => self.by_program(&read, path, &why).await?,
        };
        mixed::check(Some(&document.tree), &tree, format).map_err(|mixed| trouble.mixed(&mixed))?;
        Ok((tree, Some(document.metadata)))
    }

    /// Decrypts a file here.
    async fn here(&self, document: &Document, path: &str) -> Result<Value, Declined> {
        let (trouble, metadata) = (self.trouble(path), &document.metadata);
        let beyond = |why: &str| Declined::Beyond(why.to_owned());
        if metadata.is_shared {
            return Err(beyond("more than one key is needed to open it (`key_groups`)"));
        }
        if metadata.version.starts_with(['0', '1', '2']) {
            return Err(Declined::Beyond(format!(
                "it was written by SOPS {}, which is too old to be read here",
                metadata.version
            )));
        }
        let rules = Rules::of(&metadata.selection).map_err(beyond)?;
        let others = metadata.others.join(", ");
        let Some(keys) = self.keys().await.map_err(Declined::Refused)? else {
            return Err(if metadata.others.is_empty() && !metadata.age.is_empty() {
                Declined::Refused(trouble.no_key(metadata))
            } else {
                Declined::Beyond(format!("it is encrypted for {others}"))
            });
        };
        let Some(data_key) = keys.open(&metadata.age) else {
            return Err(if !metadata.others.is_empty() {
                Declined::Beyond(format!("no age key of ours opens it, and it is encrypted for {others}"))
            } else if keys.foreign > 0 {
                beyond("it is opened by a plug-in of age, if at all")
            } else {
                Declined::Refused(trouble.not_for_us(metadata, keys))
            });
        };
        native::decrypt(document, &data_key, &rules).map_err(|undone| match undone {
            Undone::Tampered(how) => Declined::Refused(trouble.tampered(&how)),
            Undone::Unsure(why) => Declined::Beyond(why),
        })
    }

    /// Lets the program decrypt a file; `why` says why we do not.
    async fn by_program(&self, read: &Read, path: &str, why: &str) -> Result<Value, Error> {
        let keys = self.keys().await?;
        let program = Program {
            settings: &self.settings,
            age_key: keys.map(|keys| &keys.text),
            redactor: &self.redactor,
        };
        if !program.is_there() {
            return Err(self.trouble(path).no_program(why));
        }
        let decrypted = program.decrypt(&read.path, Format::of(path)).await;
        decrypted.map_err(|failed| self.trouble(path).program(failed, why))
    }

    fn trouble<'store>(&'store self, path: &'store str) -> Trouble<'store> {
        Trouble {
            settings: &self.settings,
            path,
        }
    }

    fn wrong(&self, what: &str) -> Error {
        Error::new(
            ErrorKind::Configuration,
            format!("store {}: {what}", self.settings.name),
        )
    }
}

/// Returns when a file was written, as it says.
fn written(metadata: Option<&Metadata>) -> Option<jiff::Timestamp> {
    metadata?.last_modified.parse().ok()
}

#[async_trait]
impl Store for Sops {
    fn name(&self) -> &str {
        &self.settings.name
    }

    async fn check(&self) -> Result<(), Error> {
        self.folder()?.check()?;
        self.keys().await.map(|_| ())
    }

    async fn read(&self, path: &str, version: Option<&str>) -> Result<Stored, Error> {
        if version.is_some() {
            return Err(self.trouble(path).version());
        }
        let (tree, metadata) = self.decrypted(path).await?;
        let data = values::of(tree, Format::of(path)).map_err(|why| self.trouble(path).values(why))?;
        Ok(Stored {
            data,
            version: None,
            written: written(metadata.as_ref()),
        })
    }

    /// Tells what a file says of itself: its keys are not encrypted. Where it is encrypted for age alone, one of our keys must be
    /// among those for whom it is.
    async fn look(&self, path: &str, version: Option<&str>) -> Result<Seen, Error> {
        let trouble = self.trouble(path);
        if version.is_some() {
            return Err(trouble.version());
        }
        let read = self.folder()?.read(path)?;
        let format = Format::of(path);
        let document = match Document::read(&read.text, format) {
            Ok(document) => document,
            Err(Unread::Unsure(_)) => return self.read(path, None).await.map(|stored| stored.seen()),
            Err(unread) => return Err(trouble.unread(unread, format)),
        };
        let (tree, metadata) = (&document.tree, &document.metadata);
        mixed::check(Some(tree), tree, format).map_err(|mixed| trouble.mixed(&mixed))?;
        if metadata.others.is_empty() && !metadata.is_shared {
            match self.keys().await? {
                None => return Err(trouble.no_key(metadata)),
                Some(keys) if keys.foreign == 0 && !keys.own_one_of(&metadata.age) => {
                    return Err(trouble.not_for_us(metadata, keys));
                }
                Some(_) => {}
            }
        }
        Ok(Seen {
            version: None,
            written: written(Some(metadata)),
            keys: values::keys(tree, format),
            readable: false,
        })
    }
}

impl fmt::Debug for Sops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sops")
            .field("name", &self.settings.name)
            .finish_non_exhaustive()
    }
}
