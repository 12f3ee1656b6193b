//! Where sources are on disk, for stores that read from one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// The folders of the sources by their names, which are known once they are fetched. Clones share what they know.
#[derive(Debug, Clone, Default)]
pub struct Fetched(Arc<OnceLock<BTreeMap<String, PathBuf>>>);

impl Fetched {
    /// Tells where the sources are. Only the first word counts.
    pub fn tell(&self, folders: BTreeMap<String, PathBuf>) {
        let _ = self.0.set(folders);
    }

    /// Returns the folder of a source, once it is known.
    pub fn folder(&self, source: &str) -> Option<&Path> {
        self.0.get()?.get(source).map(PathBuf::as_path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_was_made_before_hears_where_its_source_is() {
        let fetched = Fetched::default();
        let of_store = fetched.clone();
        assert_eq!(of_store.folder("platform"), None);
        fetched.tell(BTreeMap::from([("platform".into(), "/cache/platform".into())]));
        assert_eq!(of_store.folder("platform"), Some(Path::new("/cache/platform")));
        assert_eq!(of_store.folder("other"), None);
    }
}
