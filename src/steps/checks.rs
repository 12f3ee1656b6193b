//! The health checks by which the live agent judges. Only reads.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::World;
use crate::cluster::{Cluster, Error};
use crate::engine::Context;
use crate::event::Failure;
use crate::health::lua::Checks;
use crate::object::ObjectRef;
use crate::platform::argocd::checks::{FOLDER, of_bundle, of_settings};

/// How deep in a source the folder of a release is looked for.
const DEPTH: usize = 4;

/// Reads the checks of the agent of this run once, and tells what of them cannot be used. It needs the sources and the plan.
///
/// Where they cannot be read the recovery goes on: they say how well a live object is, and the agent's own verdict decides.
pub(super) async fn learn(world: &World, context: &Context) -> Result<(), Failure> {
    let sources = World::need(&world.checkouts, "where the sources are")?;
    let folders = sources
        .iter()
        .map(|(name, checkout)| (name.clone(), checkout.directory.clone()));
    let namespace = &world.runbook()?.agent.namespace;
    let version = &world.prepared()?.version;
    let cluster = world.cluster_until_stopped(context)?;
    let (checks, notices) = match read_checks(&cluster, namespace, version, folders.collect()).await {
        Ok(read) => read,
        Err(error) if error.is_final() => return Err(error.into()),
        Err(error) => {
            context.notice(format!(
                "{error}: {}. Health checks of its own that Argo CD has are not known here.",
                error.causes().join(": ")
            ));
            return Ok(());
        }
    };
    for notice in notices {
        context.notice(notice);
    }
    let _ = world.checks.set(Arc::new(checks));
    Ok(())
}

/// Reads the scripts of the live `argocd-cm`, and those that come with the agent's version where a source (name and
/// folder) holds a release's `resource_customizations`.
///
/// Returns the checks with what has to be said: which cannot be used, and which are not looked at. None of it ends a
/// recovery, since then the agent's own verdict still counts.
pub async fn read_checks(
    cluster: &Cluster,
    namespace: &str,
    version: &str,
    sources: Vec<(String, PathBuf)>,
) -> Result<(Checks, Vec<String>), Error> {
    let mut notices = Vec::new();
    let id = ObjectRef::new("v1", "ConfigMap", namespace, "argocd-cm");
    let settings = cluster.get(&id).await?;
    let settings = of_settings(settings.as_ref()).unwrap_or_else(|error| {
        notices.push(format!(
            "{error}. Argo CD reconciles nothing while it is so; its own health checks are not known here."
        ));
        BTreeMap::default()
    });
    let version = version.to_owned();
    let found = tokio::task::spawn_blocking(move || bundle(&sources, &version));
    let (files, told) = found.await.unwrap_or_default();
    notices.extend(told);
    let checks = Checks::new(settings, of_bundle(files));
    let broken = checks.broken();
    notices.extend(
        broken
            .iter()
            .map(|broken| format!("{broken}. Argo CD cannot use it either.")),
    );
    Ok((checks, notices))
}

/// Returns the files of the first source that holds a release's scripts, and what is to be said of the others.
fn bundle(sources: &[(String, PathBuf)], version: &str) -> (Vec<(String, String)>, Vec<String>) {
    let mut told = Vec::new();
    for (name, root) in sources {
        let Some(folder) = find(root) else { continue };
        // Beside it a release says which one it is; a folder that was copied alone says nothing, and is believed.
        let of = fs::read_to_string(folder.with_file_name("VERSION")).unwrap_or_default();
        if !of.trim().is_empty() && of.trim() != version {
            let of = of.trim();
            told.push(format!(
                "source {name} holds the health checks of Argo CD {of}, and {version} is installed: they are not used"
            ));
            continue;
        }
        match scripts(&folder) {
            Ok(files) => return (files, told),
            Err(error) => told.push(format!("the health checks in source {name} cannot be read: {error}")),
        }
    }
    (Vec::new(), told)
}

/// Finds the folder of a release's scripts, the nearest to the root. Links are not followed.
fn find(root: &Path) -> Option<PathBuf> {
    let mut folders = VecDeque::from([(root.to_owned(), 0)]);
    while let Some((folder, depth)) = folders.pop_front() {
        if folder.file_name().is_some_and(|name| name == FOLDER) {
            return Some(folder);
        }
        if depth < DEPTH {
            let mut below: Vec<_> = below(&folder).ok()?.0;
            below.sort();
            folders.extend(below.into_iter().map(|folder| (folder, depth + 1)));
        }
    }
    None
}

/// Reads the files below the folder of a release's scripts that are called `health.lua`, with their paths below it.
fn scripts(root: &Path) -> io::Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let (more, found) = below(&folder)?;
        folders.extend(more);
        for file in found.iter().filter(|file| file.ends_with("health.lua")) {
            if let Some(path) = file.strip_prefix(root).ok().and_then(Path::to_str) {
                files.push((path.to_owned(), fs::read_to_string(file)?));
            }
        }
    }
    Ok(files)
}

/// Returns the folders and the files of a folder.
fn below(folder: &Path) -> io::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let (mut folders, mut files) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            folders.push(entry.path());
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok((folders, files))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn read(sources: &[(&str, &tempfile::TempDir)]) -> (Vec<String>, Vec<String>) {
        let of = |(name, root): &(&str, &tempfile::TempDir)| ((*name).to_owned(), root.path().to_owned());
        let (files, told) = bundle(&sources.iter().map(of).collect::<Vec<_>>(), "3.2.11");
        (files.into_iter().map(|(path, _)| path).collect(), told)
    }

    #[test]
    fn the_scripts_of_a_release_are_found_where_a_source_holds_them() {
        let without = source(&[("apps/health.lua", "no"), ("VERSION", "1")]);
        let alone = source(&[
            ("vendor/argo-cd/resource_customizations/a.io/A/health.lua", "x"),
            ("vendor/argo-cd/resource_customizations/a.io/A/health_test.yaml", "x"),
            (
                "vendor/argo-cd/resource_customizations/a.io/A/actions/b/action.lua",
                "x",
            ),
        ]);
        assert_eq!(
            read(&[("apps", &without), ("argo", &alone)]),
            (vec!["a.io/A/health.lua".to_owned()], vec![])
        );
        assert_eq!(read(&[("apps", &without)]), (vec![], vec![]));
    }

    #[test]
    fn the_scripts_of_another_release_are_not_used_and_that_is_said() {
        let of = |version| {
            source(&[
                ("VERSION", version),
                ("resource_customizations/a.io/A/health.lua", version),
            ])
        };
        let (other, same) = (of("3.5.1\n"), of("3.2.11\n"));
        let (files, told) = read(&[("other", &other), ("same", &same)]);
        assert_eq!(files, ["a.io/A/health.lua"]);
        assert_eq!(
            told,
            ["source other holds the health checks of Argo CD 3.5.1, and 3.2.11 is installed: they are not used"]
        );
    }
}
