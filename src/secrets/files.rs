//! Files on this machine, such as an encrypted stick that somebody keeps in a safe.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path, PathBuf};

use async_trait::async_trait;
use jiff::Timestamp;

use super::private_file::{self, PrivateFile};
use super::store::unversioned;
use super::{Error, ErrorKind, Store, Stored};
use crate::redact::Secret;

/// A folder of this machine as a [`Store`]: a path is that of a file in it, whose value has no keys, or that of a folder, in which
/// each file is a key, as a mounted Secret has them.
///
/// Links are followed within the folder only. A file that others could read is refused: it is no secret any more.
#[derive(Debug, Clone)]
pub struct Files {
    name: String,
    folder: PathBuf,
}

impl Files {
    /// Makes the store `name` of a folder.
    pub fn new(name: impl Into<String>, folder: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            folder: folder.into(),
        }
    }

    /// Returns the folder as the system knows it, without links.
    fn root(&self) -> Result<PathBuf, Error> {
        let root = self
            .folder
            .canonicalize()
            .map_err(|error| self.unreadable(&self.folder, &error))?;
        if root.is_dir() {
            return Ok(root);
        }
        Err(self
            .wrong(format!("{} is no folder", self.folder.display()))
            .hint("name the folder that holds the files as `folder`"))
    }

    fn read_at(&self, path: &str) -> Result<Stored, Error> {
        let root = self.root()?;
        let relative = Path::new(path);
        let is_inside = relative.components().all(|part| matches!(part, Component::Normal(_)));
        if path.is_empty() || !is_inside {
            return Err(self
                .wrong(format!("{path:?} is no path in a folder"))
                .hint("write it relative to `folder`, without `..`"));
        }
        let found = self.resolved(&root, &root.join(relative))?;
        if found.is_dir() {
            self.keys(&root, &found)
        } else {
            let (value, written) = self.value(&found)?;
            Ok(Stored {
                written,
                ..Stored::whole(value)
            })
        }
    }

    /// Reads each file of a folder as a key. What begins with `..` is how a mounted Secret is exchanged as a whole, and no key;
    /// folders are left out.
    fn keys(&self, root: &Path, folder: &Path) -> Result<Stored, Error> {
        let failed = |error: io::Error| self.unreadable(folder, &error);
        let mut stored = Stored {
            data: BTreeMap::new(),
            version: None,
            written: None,
        };
        for entry in folder.read_dir().map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Ok(key) = entry.file_name().into_string() else {
                return Err(self
                    .wrong(format!("a name in {} is no text", folder.display()))
                    .hint("rename it: a key has letters, digits, `-`, `_` and `.`"));
            };
            if key.starts_with("..") {
                continue;
            }
            let path = self.resolved(root, &entry.path())?;
            if path.is_dir() {
                continue;
            }
            let (value, written) = self.value(&path)?;
            stored.written = stored.written.max(written);
            stored.data.insert(key, value);
        }
        if stored.data.is_empty() {
            return Err(Error::new(
                ErrorKind::MissingPath,
                format!("store {}: the folder {} holds no files", self.name, folder.display()),
            )
            .hint("put each key into it as a file"));
        }
        Ok(stored)
    }

    /// Returns where a path leads, by all its links.
    fn resolved(&self, root: &Path, path: &Path) -> Result<PathBuf, Error> {
        let found = path.canonicalize().map_err(|error| self.unreadable(path, &error))?;
        if found.starts_with(root) {
            return Ok(found);
        }
        Err(self
            .wrong(format!(
                "{} leads out of the folder, to {}",
                path.display(),
                found.display()
            ))
            .hint("copy the file into the folder, or name a folder that holds both"))
    }

    fn value(&self, path: &Path) -> Result<(Secret, Option<Timestamp>), Error> {
        self.private().read(path)
    }

    /// How a file is read.
    fn private(&self) -> PrivateFile<'_> {
        PrivateFile {
            store: &self.name,
            role: "",
            missing: ErrorKind::MissingPath,
            folder: &self.folder,
        }
    }

    fn wrong(&self, what: impl std::fmt::Display) -> Error {
        Error::new(ErrorKind::Configuration, format!("store {}: {what}", self.name))
    }

    fn unreadable(&self, path: &Path, error: &io::Error) -> Error {
        self.private().unreadable(path, error)
    }

    /// Does work on files where it holds up nobody else.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let files = self.clone();
        private_file::aside(&self.name, move || work(&files)).await
    }
}

#[async_trait]
impl Store for Files {
    fn name(&self) -> &str {
        &self.name
    }

    async fn check(&self) -> Result<(), Error> {
        self.aside(|files| {
            let root = files.root()?;
            root.read_dir()
                .map(drop)
                .map_err(|error| files.unreadable(&root, &error))
        })
        .await
    }

    async fn read(&self, path: &str, version: Option<&str>) -> Result<Stored, Error> {
        unversioned(&self.name, "a file", path, version)?;
        let path = path.to_owned();
        self.aside(move |files| files.read_at(path.trim_end_matches('/'))).await
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;
    use crate::secrets::WHOLE;

    /// Returns the value of a file that has no keys.
    fn whole(stored: &Stored) -> &[u8] {
        stored.data[WHOLE].expose()
    }

    fn put(folder: &Path, name: &str, value: &[u8], mode: u32) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, value).unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    async fn refused(folder: &Path, path: &str) -> Error {
        Files::new("stick", folder).read(path, None).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_file_is_read_byte_by_byte_and_a_folder_key_by_key() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        put(root, "age.key", b"AGE\r\n\xff", 0o600);
        put(root, "repo/username", b"dr", 0o400);
        put(root, "repo/..2026/password", b"hunter2", 0o600);
        symlink("..2026", root.join("repo/..data")).unwrap();
        symlink("..data/password", root.join("repo/password")).unwrap();
        put(root, "repo/inner/none", b"", 0o600);
        let store = Files::new("stick", root);
        store.check().await.unwrap();
        assert_eq!(whole(&store.read("age.key", None).await.unwrap()), b"AGE\r\n\xff");
        for path in ["repo", "repo/"] {
            let stored = store.read(path, None).await.unwrap();
            let read: Vec<_> = stored
                .data
                .iter()
                .map(|(key, value)| (key.as_str(), value.expose()))
                .collect();
            assert_eq!(read, [("password", &b"hunter2"[..]), ("username", b"dr")], "{path}");
            assert!(stored.written.is_some());
        }
    }

    #[tokio::test]
    async fn a_file_that_others_may_read_is_refused_with_what_to_run() {
        let folder = tempfile::tempdir().unwrap();
        for mode in [0o604, 0o650, 0o660, 0o622, 0o610, 0o777] {
            put(folder.path(), "key", b"canary", mode);
            let error = refused(folder.path(), "key").await;
            assert_eq!(error.kind(), ErrorKind::Configuration, "{mode:o}");
            let path = folder.path().canonicalize().unwrap().join("key");
            assert!(error.to_string().contains(&format!("(mode {mode:04o})")), "{error}");
            assert_eq!(error.hints()[0], format!("chmod 600 {}", path.display()));
            assert!(!format!("{error:?}").contains("canary"));
        }
        put(folder.path(), "folder/key", b"canary", 0o644);
        let error = refused(folder.path(), "folder").await;
        assert!(error.to_string().contains("folder/key is open to others"), "{error}");
    }

    #[tokio::test]
    async fn nothing_outside_of_the_folder_is_read() {
        let outside = tempfile::tempdir().unwrap();
        put(outside.path(), "key", b"canary", 0o600);
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path();
        let absolute = outside.path().join("key").display().to_string();
        symlink(&absolute, inside.join("link")).unwrap();
        symlink(outside.path(), inside.join("folder")).unwrap();
        fs::create_dir(inside.join("keys")).unwrap();
        symlink(&absolute, inside.join("keys/key")).unwrap();
        for (path, words) in [
            ("link", "leads out of the folder"),
            ("folder/key", "leads out of the folder"),
            ("folder", "leads out of the folder"),
            ("keys", "leads out of the folder"),
            ("../key", "is no path in a folder"),
            ("keys/../../key", "is no path in a folder"),
            (absolute.as_str(), "is no path in a folder"),
            ("", "is no path in a folder"),
            (".", "is no path in a folder"),
        ] {
            let error = refused(inside, path).await;
            assert_eq!(error.kind(), ErrorKind::Configuration, "{path}");
            assert!(error.to_string().contains(words), "{path}: {error}");
        }
    }

    #[tokio::test]
    async fn what_is_not_there_too_long_or_no_file_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        put(root, "long", &vec![0; (1 << 20) + 1], 0o600);
        put(root, "fits", &vec![0; 1 << 20], 0o600);
        fs::create_dir(root.join("empty")).unwrap();
        symlink("nowhere", root.join("dangling")).unwrap();
        symlink("circle", root.join("circle")).unwrap();
        let no_name = "x".repeat(300);
        let socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
        for (path, kind, words) in [
            ("none", ErrorKind::MissingPath, "is not there"),
            ("long/deeper", ErrorKind::MissingPath, "is not there"),
            ("dangling", ErrorKind::MissingPath, "is not there"),
            ("empty", ErrorKind::MissingPath, "holds no files"),
            ("circle", ErrorKind::Configuration, "leads by its links to itself"),
            (&no_name, ErrorKind::Configuration, "is no file that can be read"),
            ("long", ErrorKind::Configuration, "longer than 1 MiB"),
            ("socket", ErrorKind::Configuration, "neither a file nor a folder"),
        ] {
            let error = refused(root, path).await;
            assert_eq!(error.kind(), kind, "{path}: {error}");
            assert!(error.to_string().contains(words), "{path}: {error}");
            assert!(!error.hints().is_empty(), "{path}");
        }
        drop(socket);
        let stored = Files::new("stick", root).read("fits", None).await.unwrap();
        assert_eq!(whole(&stored).len(), 1 << 20);
        let gone = Files::new("stick", root.join("none")).check().await.unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::MissingPath);
        let file = Files::new("stick", root.join("fits")).check().await.unwrap_err();
        assert_eq!(file.kind(), ErrorKind::Configuration);
    }

    #[test]
    fn a_mounted_secret_is_read_where_it_is_for_a_group_of_ours_and_for_nobody_else() {
        // Only root can give a file away.
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), "key", b"hunter2", 0o440);
        let store = Files::new("stick", folder.path());
        assert_eq!(whole(&store.read_at("key").unwrap()), b"hunter2");
        std::os::unix::fs::chown(folder.path().join("key"), None, Some(12_345)).unwrap();
        let error = store.read_at("key").unwrap_err();
        assert!(error.to_string().contains("open to others"), "{error}");
        assert!(error.hints()[1].contains("fsGroup"), "{error:?}");
    }

    #[test]
    fn a_file_of_another_user_is_refused_with_what_to_run() {
        // Only root can give a file away.
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), "key", b"canary", 0o600);
        std::os::unix::fs::chown(folder.path().join("key"), Some(12_345), None).unwrap();
        let error = Files::new("stick", folder.path()).read_at("key").unwrap_err();
        assert!(error.to_string().contains("belongs to user 12345"), "{error}");
        assert!(error.hints()[0].starts_with("chown 0 "), "{error:?}");
    }
}
