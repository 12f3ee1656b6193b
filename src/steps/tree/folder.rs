//! A checkout as generators see it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::platform::argocd::sets::Folder;

/// The largest file that a generator reads.
const LARGEST: u64 = 5_000_000;

/// The files of a commit, which never change.
pub(in crate::steps) struct Laid(pub(in crate::steps) PathBuf);

impl Folder for Laid {
    fn directories(&self) -> Result<Vec<String>, String> {
        let mut found = Vec::new();
        self.walk(&self.0, &mut |name, is_folder| {
            let is_hidden = name.rsplit('/').next().is_some_and(|last| last.starts_with('.'));
            if is_folder && !is_hidden {
                found.push(name.to_owned());
            }
            is_folder && !is_hidden
        })?;
        Ok(found)
    }

    fn files(&self) -> Result<Vec<String>, String> {
        let mut found = Vec::new();
        self.walk(&self.0, &mut |name, is_folder| {
            if !is_folder {
                found.push(name.to_owned());
            }
            is_folder
        })?;
        Ok(found)
    }

    fn read(&self, file: &str) -> Result<String, String> {
        let path = self.0.join(file);
        let told = |error: std::io::Error| format!("{file} cannot be read: {error}");
        // A link may stand for a file; fetching has seen to it that none leads out.
        let length = fs::metadata(&path).map_err(told)?.len();
        if length > LARGEST {
            return Err(format!(
                "{file} has {length} bytes, and no more than {LARGEST} are read"
            ));
        }
        fs::read_to_string(path).map_err(told)
    }
}

impl Laid {
    /// Goes through all names in their order; `enter` says of each whether to look into it. Links are no folders.
    fn walk(&self, folder: &Path, enter: &mut impl FnMut(&str, bool) -> bool) -> Result<(), String> {
        let told = |error: std::io::Error| format!("{} cannot be read: {error}", folder.display());
        let mut entries = fs::read_dir(folder)
            .map_err(told)?
            .collect::<Result<Vec<_>, _>>()
            .map_err(told)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let is_folder = entry.file_type().map_err(told)?.is_dir();
            let name = path.strip_prefix(&self.0).unwrap_or(&path).display().to_string();
            if enter(&name, is_folder) {
                self.walk(&path, enter)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_folders_are_not_among_the_folders_but_their_files_are_files() {
        let root = tempfile::tempdir().unwrap();
        for file in ["apps/cart/a.yaml", "apps/.hidden/deep/b.yaml", "c.yaml"] {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x: 1").unwrap();
        }
        let laid = Laid(root.path().to_owned());
        assert_eq!(laid.directories().unwrap(), ["apps", "apps/cart"]);
        assert_eq!(
            laid.files().unwrap(),
            ["apps/.hidden/deep/b.yaml", "apps/cart/a.yaml", "c.yaml"]
        );
        assert_eq!(laid.read("c.yaml").unwrap(), "x: 1");
        assert!(laid.read("d.yaml").unwrap_err().starts_with("d.yaml cannot be read: "));
    }
}
