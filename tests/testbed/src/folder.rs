//! Temporary folders that are removed in any case.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::{Error, Result, keeper};

/// A temporary folder; removed on drop, or by the keeper after the process was killed.
#[derive(Debug)]
pub struct Folder {
    folder: TempDir,
}

impl Folder {
    /// Makes an empty folder whose name starts with `prefix`, readable by its owner only.
    pub fn new(prefix: &str) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix(&format!("gitops-dr-{prefix}-"))
            .tempdir()
            .map_err(Error::io("make a temporary folder"))?;
        keeper::remove_at_end(folder.path())?;
        Ok(Self { folder })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The path of `name` in it.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        open(self.folder.path());
    }
}

/// Gives its owner all rights to `folder` and the folders in it: Argo CD takes them from those of its checkouts, which only root
/// could remove then. What fails here is the keeper's to remove.
fn open(folder: &Path) {
    std::fs::set_permissions(folder, Permissions::from_mode(0o700)).ok();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open(&entry.path());
        }
    }
}
