//! Links that lead out of a repository.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::Error;
use super::turn::Halt;

/// Which repositories were looked through already, and the link that was found.
#[derive(Default)]
pub(super) struct Checked(Mutex<HashMap<PathBuf, Option<String>>>);

impl Checked {
    /// Refuses a repository that holds a link which leads out of it. Argo CD renders nothing of such a one
    /// (`CheckOutOfBoundsSymlinks`), and a program that follows it would read this machine's files.
    pub(super) fn check(&self, root: &Path, halt: &Halt) -> Result<(), Error> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(root).cloned();
        let found = if let Some(found) = known {
            found
        } else {
            let found = leading_out(root, root, halt)?;
            let mut checked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            checked.insert(root.to_owned(), found.clone());
            found
        };
        match found {
            None => Ok(()),
            Some(link) => Err(Error::Refused(format!("the link `{link}` leads out of the repository"))),
        }
    }
}

/// Finds a link below a folder that leads out of `root`.
pub(super) fn leading_out(root: &Path, folder: &Path, halt: &Halt) -> Result<Option<String>, Error> {
    halt.check()?;
    let unreadable = |source| Error::Unreadable {
        path: folder.to_owned(),
        source,
    };
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(unreadable)?);
        if kind.is_symlink() {
            let target = std::fs::read_link(&path).map_err(unreadable)?;
            if leads_out(root, folder, &target) {
                return Ok(Some(path.strip_prefix(root).unwrap_or(&path).display().to_string()));
            }
        } else if kind.is_dir()
            && let Some(found) = leading_out(root, &path, halt)?
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Whether a link's text leads out, also where it comes back: every step counts.
fn leads_out(root: &Path, folder: &Path, target: &Path) -> bool {
    let mut at = folder.to_owned();
    for step in target.components() {
        match step {
            Component::Prefix(_) | Component::RootDir => return true,
            Component::CurDir => {}
            Component::ParentDir => {
                at.pop();
            }
            Component::Normal(name) => at.push(name),
        }
        if !at.starts_with(root) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_leads_out_is_found_wherever_it_is() {
        for (target, expected) in [
            ("b", None),
            ("../b", None),
            ("../../b", None),
            ("missing/x", None),
            ("../../../b", Some("a/b/link")),
            ("../../../top/a", Some("a/b/link")),
            ("/etc/passwd", Some("a/b/link")),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path().join("top");
            std::fs::create_dir_all(root.join("a/b")).unwrap();
            std::os::unix::fs::symlink(target, root.join("a/b/link")).unwrap();
            let found = leading_out(&root, &root, &Halt::default()).unwrap();
            assert_eq!(found.as_deref(), expected, "{target}");
        }
    }
}
