//! Reads a file that holds a secret: only where nobody but us and root could have read it or put it there.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use jiff::Timestamp;
use rustix::io::Errno;
use zeroize::Zeroizing;

use super::private_mode::{Open, We};
use super::{Error, ErrorKind};
use crate::redact::Secret;

/// The longest file that is read, in bytes. No Secret holds more.
const LONGEST: u64 = 1 << 20;
/// How a mounted Secret is kept private, and can be read all the same.
const MOUNTED: &str = "where it is a mounted Secret: `defaultMode: 0400` in its volume, and where the pod does not run as root, an `fsGroup` in its `securityContext`";

/// A file that a store reads, and how its errors begin.
pub(super) struct PrivateFile<'store> {
    /// The store's name.
    pub(super) store: &'store str,
    /// What the file is to the store, such as `its age key `; empty where that goes without saying.
    pub(super) role: &'static str,
    /// The folder in which to look where it is not there.
    pub(super) folder: &'store Path,
    /// What kind of error it is where it is not there.
    pub(super) missing: ErrorKind,
}

impl PrivateFile<'_> {
    /// Reads it, and when it was last written.
    pub(super) fn read(&self, path: &Path) -> Result<(Secret, Option<Timestamp>), Error> {
        let failed = |error: io::Error| self.unreadable(path, &error);
        // A pipe would be waited for without end, so it is not even opened.
        self.proper(path, &path.metadata().map_err(failed)?)?;
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        // What was opened may be another file than the one that was looked at.
        self.proper(path, &metadata)?;
        // One more than there should be: a buffer that has to grow leaves what it held behind.
        let room = usize::try_from(metadata.len()).unwrap_or_default() + 1;
        let mut value = Zeroizing::new(Vec::with_capacity(room));
        file.take(LONGEST + 1).read_to_end(&mut value).map_err(failed)?;
        if value.len() as u64 > LONGEST {
            return Err(self.too_long(path));
        }
        let written = metadata.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
        Ok((Secret::new(std::mem::take(&mut *value)), written))
    }

    /// Refuses what is no file, what is too long, and what others could read or put there.
    fn proper(&self, path: &Path, metadata: &Metadata) -> Result<(), Error> {
        let place = path.display();
        if !metadata.is_file() {
            return Err(self
                .wrong(format!("{place} is neither a file nor a folder"))
                .hint("name a plain file"));
        }
        if metadata.len() > LONGEST {
            return Err(self.too_long(path));
        }
        let (mode, owner, we) = (metadata.permissions().mode() & 0o7777, metadata.uid(), We::now());
        match we.finds_open(mode, owner, metadata.gid()) {
            None => Ok(()),
            Some(Open::ByMode) => Err(self
                .wrong(format!("{place} is open to others than its owner (mode {mode:04o})"))
                .because("whoever has an account on this machine may have read it or put it there")
                .hint(format!("chmod 600 {place}"))
                .hint(MOUNTED)),
            Some(Open::ToOwner) => Err(self
                .wrong(format!("{place} belongs to user {owner}, and we are user {}", we.user))
                .because("whoever owns a file can change it at any time")
                .hint(format!("chown {} {place}", we.user))),
        }
    }

    fn too_long(&self, path: &Path) -> Error {
        self.wrong(format!(
            "{} is longer than 1 MiB, and no Secret holds more",
            path.display()
        ))
        .hint("what is that long is no secret: keep it elsewhere, and only the key to it here")
    }

    fn wrong(&self, what: impl std::fmt::Display) -> Error {
        self.error(ErrorKind::Configuration, what)
    }

    fn error(&self, kind: ErrorKind, what: impl std::fmt::Display) -> Error {
        Error::new(kind, format!("store {}: {}{what}", self.store, self.role))
    }

    /// Says why a file or a folder cannot be read.
    pub(super) fn unreadable(&self, path: &Path, error: &io::Error) -> Error {
        let place = path.display();
        let (kind, words, hint) = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => (
                self.missing,
                "is not there",
                format!(
                    "put it there, or correct the path; is what holds it mounted? `ls -l {}`",
                    self.folder.display()
                ),
            ),
            io::ErrorKind::PermissionDenied => (
                ErrorKind::Denied,
                "may not be read by us",
                format!(
                    "`ls -ld {place}` tells whose it is: chown it to the user that runs this, and chmod it to 600, a folder to 700"
                ),
            ),
            io::ErrorKind::IsADirectory | io::ErrorKind::InvalidFilename => (
                ErrorKind::Configuration,
                "is no file that can be read",
                "correct the path".to_owned(),
            ),
            _ if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => (
                ErrorKind::Configuration,
                "leads by its links to itself",
                format!("`namei -l {place}` shows where: put the file itself there"),
            ),
            _ => (
                ErrorKind::Answer,
                "cannot be read",
                "check the disk or the server that it lies on".to_owned(),
            ),
        };
        let error = self
            .error(kind, format!("{place} {words}"))
            .because(error.to_string())
            .hint(hint);
        if kind == ErrorKind::Denied {
            error.hint(MOUNTED)
        } else {
            error
        }
    }
}

/// Does work on files where it holds up nobody else.
pub(super) async fn aside<T: Send + 'static>(
    store: &str,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| {
        Err(Error::new(
            ErrorKind::Answer,
            format!("store {store}: the reading ended in a panic; this is a mistake in gitops-dr"),
        ))
    })
}
