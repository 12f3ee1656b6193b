//! Files that an app names.

use std::path::{Component, Path, PathBuf};

use super::Error;
use super::job::Job;
use super::renderer::Ground;

/// Finds a file that a chart is told, as Argo CD does (`getResolvedValueFiles` in `reposerver/repository`): in another source
/// where it begins with `$` and that source's `ref`, from the repository's top where it begins with `/`, else from the folder.
/// Variables are replaced. `None` where there is no such file; an error where the source that would hold it cannot be had.
pub(super) fn file(ground: &Ground, job: &Job, written: &str) -> Result<Option<PathBuf>, Error> {
    let (first, rest) = written.split_once('/').unwrap_or((written, ""));
    if let Some(why) = job.missing.get(first) {
        return Err(Error::Unknown(format!(
            "`{written}` is a file of a source that cannot be had: {why}"
        )));
    }
    let found = if let Some(checkout) = job.lent.get(first).filter(|_| first.starts_with('$')) {
        let root = checkout.directory.canonicalize().map_err(|source| Error::Unreadable {
            path: checkout.directory.clone(),
            source,
        })?;
        inside(&root, &root, &job.environment.expand(rest))?
    } else {
        let written = job.environment.expand(written);
        if written.contains("://") {
            return Err(Error::Unknown(format!(
                "`{written}` is a file on a server, which is not fetched"
            )));
        }
        inside(&ground.root, &ground.place, &written)?
    };
    Ok(found.is_file().then_some(found))
}

/// Returns a path, from `root` where it begins with `/` and else from `folder`, if it stays in `root`; it need not exist.
pub(super) fn inside(root: &Path, folder: &Path, path: &str) -> Result<PathBuf, Error> {
    let leads_out = || Error::LeadsOut(path.to_owned());
    let mut found = if path.starts_with('/') { root } else { folder }.to_owned();
    for step in Path::new(path).components() {
        match step {
            Component::Normal(name) => found.push(name),
            Component::ParentDir => {
                found.pop();
            }
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    if !found.starts_with(root) {
        return Err(leads_out());
    }
    match found.canonicalize() {
        Ok(real) if !real.starts_with(root) => Err(leads_out()),
        Ok(real) => Ok(real),
        Err(_) => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::recipe::Environment;
    use crate::render::{Checkout, Cluster, From};

    #[test]
    fn a_file_of_a_source_that_cannot_be_had_is_unknown_rather_than_missing() {
        let folder = tempfile::tempdir().unwrap();
        let ground = Ground::of(folder.path(), "").unwrap();
        let checkout = Checkout {
            directory: folder.path().to_owned(),
            commit: String::new(),
        };
        let job = Job {
            from: From::Folder {
                checkout: checkout.clone(),
                path: ".".to_owned(),
            },
            tool: None,
            name: "shop".to_owned(),
            namespace: "shop".to_owned(),
            environment: Environment::default(),
            lent: BTreeMap::from([("$here".to_owned(), checkout)]),
            missing: BTreeMap::from([("$gone".to_owned(), "nobody answers".to_owned())]),
            cluster: Cluster::default(),
        };
        assert_eq!(file(&ground, &job, "$here/v.yaml").unwrap(), None);
        let error = file(&ground, &job, "$gone/v.yaml").unwrap_err();
        assert!(
            matches!(&error, Error::Unknown(why) if why.ends_with("cannot be had: nobody answers")),
            "{error:?}"
        );
    }

    #[test]
    fn a_path_stays_in_the_repository() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap().join("top");
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        std::fs::write(folder.path().join("secret"), "x").unwrap();
        std::os::unix::fs::symlink("../../secret", root.join("a/link")).unwrap();
        let found = |path: &str| inside(&root, &root.join("a"), path).ok();
        for (path, expected) in [
            ("v.yaml", Some("a/v.yaml")),
            ("/v.yaml", Some("v.yaml")),
            ("../v.yaml", Some("v.yaml")),
            ("b/../../v.yaml", Some("v.yaml")),
            ("../../v.yaml", None),
            ("/../secret", None),
            ("link", None),
        ] {
            assert_eq!(found(path), expected.map(|path| root.join(path)), "{path}");
        }
    }
}
