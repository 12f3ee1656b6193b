//! Charts that were fetched, on this machine.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::super::Error;

/// The charts of one name of one repository. A file is named by the version and the digest of its bytes, against which it is
/// held when it is read.
#[derive(Clone)]
pub(super) struct Store(PathBuf);

impl Store {
    pub(super) fn of(cache: &Path, repository: &str, name: &str) -> Self {
        // The name may have folders in it, and the address may be anything.
        Self(cache.join("charts").join(hex(&[repository, name])))
    }

    /// Returns the bytes of a version; `None` where it is not here, or not as it was written.
    pub(super) fn get(&self, version: &str) -> Option<Vec<u8>> {
        let start = format!("{}-", hex(&[version]));
        for entry in fs::read_dir(&self.0).ok()?.flatten() {
            let name = entry.file_name().into_string().ok()?;
            let Some(digest) = name.strip_prefix(&start).and_then(|rest| rest.strip_suffix(".tgz")) else {
                continue;
            };
            let bytes = fs::read(entry.path()).ok()?;
            if digest_of(&bytes) == digest {
                return Some(bytes);
            }
        }
        None
    }

    /// Returns to which version a range came when it was last resolved.
    pub(super) fn resolved(&self, range: &str) -> Option<String> {
        fs::read_to_string(self.0.join(format!("range-{}", hex(&[range])))).ok()
    }

    /// Keeps a chart, and that a range came to its version.
    pub(super) fn put(&self, range: &str, version: &str, bytes: &[u8]) -> Result<(), Error> {
        write(
            &self.0.join(format!("{}-{}.tgz", hex(&[version]), digest_of(bytes))),
            bytes,
        )?;
        write(&self.0.join(format!("range-{}", hex(&[range]))), version.as_bytes())
    }
}

/// Writes a file that only this user may read, all of it or nothing.
pub(in crate::render) fn write(file: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = file.parent().unwrap_or(file);
    let unwritable = |source| Error::Unreadable {
        path: file.to_owned(),
        source,
    };
    fs::create_dir_all(folder).map_err(unwritable)?;
    let mut written = tempfile::NamedTempFile::new_in(folder).map_err(unwritable)?;
    written.write_all(bytes).map_err(unwritable)?;
    written.persist(file).map_err(|error| unwritable(error.error))?;
    Ok(())
}

/// Returns the digest of bytes.
pub(in crate::render) fn digest_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn hex(parts: &[&str]) -> String {
    let mut digest = digest_of(parts.join("\n").as_bytes());
    digest.truncate(24);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_is_given_back_only_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::of(folder.path(), "https://h/charts", "redis");
        assert_eq!((store.get("1.0.0"), store.resolved("^1")), (None, None));
        store.put("^1", "1.0.0", b"chart").unwrap();
        assert_eq!(store.get("1.0.0").as_deref(), Some(b"chart" as &[u8]));
        assert_eq!(store.resolved("^1").as_deref(), Some("1.0.0"));
        assert_eq!(Store::of(folder.path(), "https://h/other", "redis").get("1.0.0"), None);
        let mut files = fs::read_dir(&store.0).unwrap().flatten().map(|entry| entry.path());
        let file = files.find(|path| path.extension().is_some()).unwrap();
        fs::write(file, b"damaged").unwrap();
        assert_eq!(store.get("1.0.0"), None);
    }
}
