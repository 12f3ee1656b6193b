//! Lays the files of a commit out in a folder, as they are: no filters, no line-ending changes, nothing of Git's own.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Component, Path, PathBuf};

use git2::{FileMode, ObjectType, Repository, Tree};

/// How many symbolic links are followed for one path; the system's own bound.
const HOPS: usize = 40;

/// Why the files could not be laid out.
pub(super) enum Problem {
    /// These lead out of the folder.
    LeadsOut(Vec<String>),
    /// A file cannot be written.
    Folder(PathBuf, std::io::Error),
    /// An object is missing or broken.
    Object(git2::Error),
}

/// Writes the files of a tree below `folder`, which must be empty. `beat` is called for each.
///
/// Returns the submodules, which are left as empty folders.
pub(super) fn lay_out(
    repository: &Repository,
    tree: &Tree<'_>,
    folder: &Path,
    beat: &dyn Fn(),
) -> Result<Vec<PathBuf>, Problem> {
    let mut found = Found::default();
    collect(repository, tree, Path::new(""), &mut found)?;
    let outside: Vec<String> = found
        .links
        .keys()
        .filter(|link| leads_out(link, &found.links))
        .map(|link| format!("{} → {}", link.display(), found.links[link].display()))
        .chain(found.forbidden.iter().map(|path| path.display().to_string()))
        .collect();
    if !outside.is_empty() {
        return Err(Problem::LeadsOut(outside));
    }
    for path in found.folders.iter().chain(&found.submodules) {
        let path = folder.join(path);
        fs::create_dir(&path).map_err(|error| Problem::Folder(path, error))?;
    }
    for (path, object, mode) in &found.files {
        beat();
        let blob = repository.find_blob(*object).map_err(Problem::Object)?;
        let path = folder.join(path);
        fs::write(&path, blob.content())
            .and_then(|()| fs::set_permissions(&path, Permissions::from_mode(*mode)))
            .map_err(|error| Problem::Folder(path, error))?;
    }
    for (link, target) in &found.links {
        let path = folder.join(link);
        symlink(target, &path).map_err(|error| Problem::Folder(path, error))?;
    }
    Ok(found.submodules)
}

/// What a tree holds, before anything is written.
#[derive(Default)]
struct Found {
    folders: Vec<PathBuf>,
    files: Vec<(PathBuf, git2::Oid, u32)>,
    links: BTreeMap<PathBuf, PathBuf>,
    submodules: Vec<PathBuf>,
    forbidden: Vec<PathBuf>,
}

fn collect(repository: &Repository, tree: &Tree<'_>, prefix: &Path, found: &mut Found) -> Result<(), Problem> {
    for entry in tree {
        let name = entry.name_bytes();
        let path = prefix.join(OsStr::from_bytes(name));
        if is_forbidden(name) {
            found.forbidden.push(path);
            continue;
        }
        match (entry.kind(), entry.filemode()) {
            (Some(ObjectType::Tree), _) => {
                let below = repository.find_tree(entry.id()).map_err(Problem::Object)?;
                found.folders.push(path.clone());
                collect(repository, &below, &path, found)?;
            }
            (Some(ObjectType::Commit), _) => found.submodules.push(path),
            (_, mode) if mode == i32::from(FileMode::Link) => {
                let blob = repository.find_blob(entry.id()).map_err(Problem::Object)?;
                found
                    .links
                    .insert(path, PathBuf::from(OsStr::from_bytes(blob.content())));
            }
            (_, mode) => {
                let executable = mode == i32::from(FileMode::BlobExecutable);
                found
                    .files
                    .push((path, entry.id(), if executable { 0o755 } else { 0o644 }));
            }
        }
    }
    Ok(())
}

/// Whether a name would leave its folder, or make Git take the folder for a repository.
fn is_forbidden(name: &[u8]) -> bool {
    name.is_empty() || name == b"." || name == b".." || name.contains(&b'/') || name.eq_ignore_ascii_case(b".git")
}

/// Whether a symbolic link leads out of the tree, or never ends; other links on its way are followed.
fn leads_out(link: &Path, links: &BTreeMap<PathBuf, PathBuf>) -> bool {
    let mut place = link.parent().map(Path::to_owned).unwrap_or_default();
    let mut ahead: Vec<Component<'_>> = links[link].components().rev().collect();
    let mut hops = 0;
    while let Some(component) = ahead.pop() {
        match component {
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return true,
            Component::ParentDir => {
                if !place.pop() {
                    return true;
                }
            }
            Component::Normal(name) => {
                place.push(name);
                if let Some(target) = links.get(&place) {
                    hops += 1;
                    if hops > HOPS {
                        return true;
                    }
                    place.pop();
                    ahead.extend(target.components().rev());
                }
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out(links: &[(&str, &str)]) -> Vec<String> {
        let links: BTreeMap<PathBuf, PathBuf> = links.iter().map(|(link, to)| (link.into(), to.into())).collect();
        let leading = links.keys().filter(|link| leads_out(link, &links));
        leading.map(|link| link.display().to_string()).collect()
    }

    #[test]
    fn links_within_the_tree_are_kept() {
        assert!(out(&[("a/b", "../c"), ("d", "a/b"), ("e", "./missing"), ("f/g/h", "../../a")]).is_empty());
    }

    #[test]
    fn links_that_leave_the_tree_are_found_however_they_hide() {
        assert_eq!(out(&[("a", "/etc/passwd")]), ["a"]);
        assert_eq!(out(&[("a/b", "../../x")]), ["a/b"]);
        // `deep` is a link to the root, so that `deep/..` is outside although it looks harmless.
        assert_eq!(out(&[("a/deep", ".."), ("x", "a/deep/../y")]), ["x"]);
        assert_eq!(out(&[("a", "b"), ("b", "a")]), ["a", "b"]);
    }

    #[test]
    fn names_of_git_itself_are_refused() {
        for name in [".git", ".GIT", "..", ".", "", "a/b"] {
            assert!(is_forbidden(name.as_bytes()), "{name}");
        }
        assert!(!is_forbidden(b".gitignore"));
    }
}
