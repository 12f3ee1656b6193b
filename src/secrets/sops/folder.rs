//! The folder with the files: which of them a path names, and nothing outside.

use std::io;
use std::path::{Component, Path, PathBuf};

use crate::secrets::store::nearest;
use crate::secrets::{Error, ErrorKind};

/// How many bytes a file may have: what becomes a Secret has 1 MiB at most, and is larger once it is encrypted.
const LARGEST: u64 = 8 << 20;
/// How many names are looked at for one that is alike.
const NAMES: usize = 10_000;

/// A folder with files, of a store.
#[derive(Debug)]
pub(super) struct Folder {
    /// The folder.
    pub(super) path: PathBuf,
    /// How people call it: `source platform at 1f2e3d` or `/etc/dr/sops`.
    pub(super) called: String,
    /// The store's name.
    pub(super) store: String,
}

/// A file that was read.
#[derive(Debug)]
pub(super) struct Read {
    /// Where it is, links followed.
    pub(super) path: PathBuf,
    /// What it holds. Values in it may be open.
    pub(super) text: zeroize::Zeroizing<Vec<u8>>,
}

impl Folder {
    /// Proves that it is there.
    pub(super) fn check(&self) -> Result<(), Error> {
        match std::fs::metadata(&self.path) {
            Ok(found) if found.is_dir() => Ok(()),
            Ok(_) => Err(self.wrong("is a file, and its files are read from a folder")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::new(
                ErrorKind::MissingPath,
                format!("store {} has no folder {}", self.store, self.called),
            )
            .hint(format!(
                "correct `path`, `source` or `folder` of the store {}",
                self.store
            ))),
            Err(error) => Err(self.wrong(&format!("cannot be read: {error}"))),
        }
    }

    /// Reads the file at a path. Links are followed as long as they stay inside.
    pub(super) fn read(&self, path: &str) -> Result<Read, Error> {
        self.check()?;
        let file = self.file(path)?;
        let failed = |error: io::Error| {
            Error::new(
                ErrorKind::Answer,
                format!("{path} in store {} cannot be read: {error}", self.store),
            )
            .hint(format!("check the rights of {}", self.path.join(path).display()))
        };
        let root = self.path.canonicalize().map_err(failed)?;
        let found = match file.canonicalize() {
            Ok(found) => found,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Err(self.missing(path));
            }
            Err(error) => return Err(failed(error)),
        };
        if !found.starts_with(&root) {
            return Err(Error::new(
                ErrorKind::Configuration,
                format!("{path} in store {} is a link to somewhere else", self.store),
            )
            .because(format!("it leads out of {}", self.called))
            .hint("put the file itself there"));
        }
        let about = std::fs::metadata(&found).map_err(failed)?;
        if about.is_dir() {
            return Err(Error::new(
                ErrorKind::MissingPath,
                format!("{path} in store {} is a folder", self.store),
            )
            .hint("name a file in it: each file is one secret"));
        }
        // Anything else, such as a pipe, might never end.
        if !about.is_file() {
            return Err(failed(io::Error::other("it is no file")));
        }
        if about.len() > LARGEST {
            return Err(Error::new(
                ErrorKind::Configuration,
                format!("{path} in store {} has {} MB", self.store, about.len() / 1_000_000),
            )
            .because("a Secret of Kubernetes holds 1 MiB at the most"));
        }
        let text = zeroize::Zeroizing::new(std::fs::read(&found).map_err(failed)?);
        Ok(Read { path: found, text })
    }

    fn file(&self, path: &str) -> Result<PathBuf, Error> {
        let parts = Path::new(path).components();
        let is_inside = parts.clone().all(|part| matches!(part, Component::Normal(_)));
        if path.is_empty() || !is_inside || path.contains('\0') {
            return Err(Error::new(
                ErrorKind::Configuration,
                format!("{path:?} is no path of a file in store {}", self.store),
            )
            .hint(format!(
                "write it as it is within {}, such as `payments.yaml`",
                self.called
            )));
        }
        Ok(self.path.join(path))
    }

    fn missing(&self, path: &str) -> Error {
        let error = Error::new(
            ErrorKind::MissingPath,
            format!("store {} has no file {path}", self.store),
        )
        .because(format!("its files are those of {}", self.called));
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let names = names(&self.path.join(above));
        match nearest(name, &names) {
            Some(near) if above.is_empty() => error.hint(format!("did you mean {near}?")),
            Some(near) => error.hint(format!("did you mean {above}/{near}?")),
            None if names.is_empty() => error.hint("the folder that it would be in holds no files"),
            None => {
                let shown: Vec<_> = names.iter().take(10).map(String::as_str).collect();
                error.hint(format!("beside it there are {}", shown.join(", ")))
            }
        }
    }

    fn wrong(&self, what: &str) -> Error {
        Error::new(
            ErrorKind::Configuration,
            format!("store {}: {} {what}", self.store, self.called),
        )
    }
}

/// Returns the names of the files in a folder, sorted; none where it cannot be listed.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries
        .take(NAMES)
        .filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_dir()));
    let mut names: Vec<_> = files
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(path: &Path) -> Folder {
        Folder {
            path: path.to_owned(),
            called: "the folder".into(),
            store: "sops".into(),
        }
    }

    #[test]
    fn only_files_inside_are_read_and_a_near_name_is_offered() {
        let home = tempfile::tempdir().unwrap();
        let inside = home.path().join("files");
        std::fs::create_dir_all(inside.join("prod")).unwrap();
        std::fs::write(inside.join("prod/payments.yaml"), "a: b").unwrap();
        std::fs::write(home.path().join("other.yaml"), "outside").unwrap();
        std::os::unix::fs::symlink("../other.yaml", inside.join("out.yaml")).unwrap();
        std::os::unix::fs::symlink("prod/payments.yaml", inside.join("in.yaml")).unwrap();
        let folder = folder(&inside);
        for path in ["prod/payments.yaml", "in.yaml"] {
            assert_eq!(*folder.read(path).unwrap().text, *b"a: b", "{path}");
        }
        for (path, kind, words) in [
            ("../other.yaml", ErrorKind::Configuration, "is no path of a file"),
            ("/etc/passwd", ErrorKind::Configuration, "is no path of a file"),
            ("", ErrorKind::Configuration, "is no path of a file"),
            ("out.yaml", ErrorKind::Configuration, "is a link to somewhere else"),
            ("prod", ErrorKind::MissingPath, "is a folder"),
            (
                "prod/payment.yaml",
                ErrorKind::MissingPath,
                "did you mean prod/payments.yaml?",
            ),
            ("in.yml", ErrorKind::MissingPath, "did you mean in.yaml?"),
            ("lost/a.yaml", ErrorKind::MissingPath, "holds no files"),
        ] {
            let error = folder.read(path).unwrap_err();
            let said = format!("{error} {:?}", error.hints());
            assert!(error.kind() == kind && said.contains(words), "{path}: {said}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = folder(Path::new("/nowhere/at/all")).read("a.yaml").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MissingPath);
        assert_eq!(error.to_string(), "store sops has no folder the folder");
    }
}
