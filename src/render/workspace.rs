//! A copy of a repository in which a program may write.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::Error;
use super::renderer::Ground;
use super::turn::{Halt, Turn};

/// How many bytes are copied at the most.
const MOST: u64 = 256 << 20;

/// A copy of a repository in a temporary folder.
pub(super) struct Workspace {
    /// The same place as in the repository, below the copy.
    pub(super) ground: Ground,
    _folder: TempDir,
}

impl Workspace {
    /// Copies the folder of an app alone; what is beside it and above it are links into the repository, which programs only
    /// read.
    pub(super) async fn of_folder(turn: &Turn<'_>, ground: &Ground) -> Result<Self, Error> {
        Self::make(turn, ground, |ground, root, halt| {
            let (mut from, mut to) = (ground.root.clone(), root.to_owned());
            let steps = ground.place.strip_prefix(&ground.root).unwrap_or(Path::new(""));
            for step in steps {
                for entry in fs::read_dir(&from)? {
                    let entry = entry?;
                    if entry.file_name() != step {
                        std::os::unix::fs::symlink(entry.path(), to.join(entry.file_name()))?;
                    }
                }
                from.push(step);
                to.push(step);
                fs::create_dir(&to)?;
            }
            copy(&from, &to, &mut 0, halt)
        })
        .await
    }

    /// Copies the whole repository, for programs that write in other folders too.
    pub(super) async fn of_all(turn: &Turn<'_>, ground: &Ground) -> Result<Self, Error> {
        Self::make(turn, ground, |ground, root, halt| {
            copy(&ground.root, root, &mut 0, halt)
        })
        .await
    }

    async fn make(
        turn: &Turn<'_>,
        ground: &Ground,
        fill: impl FnOnce(&Ground, &Path, &Halt) -> io::Result<()> + Send + 'static,
    ) -> Result<Self, Error> {
        let ground = ground.clone();
        let made = turn.aside(move |halt| {
            let unreadable = |source| Error::Unreadable {
                path: ground.place.clone(),
                source,
            };
            let folder = tempfile::tempdir().map_err(unreadable)?;
            let root = folder.path().canonicalize().map_err(unreadable)?.join("repository");
            fs::create_dir(&root).map_err(unreadable)?;
            fill(&ground, &root, halt).map_err(unreadable)?;
            let place = root.join(ground.place.strip_prefix(&ground.root).unwrap_or(Path::new("")));
            let ground = Ground {
                root,
                place,
                path: ground.path.clone(),
            };
            Ok(Self {
                ground,
                _folder: folder,
            })
        });
        made.await
    }
}

fn copy(from: &Path, to: &Path, sum: &mut u64, halt: &Halt) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        halt.check().map_err(io::Error::other)?;
        let entry = entry?;
        let (kind, to): (_, PathBuf) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path())?, to)?;
        } else if kind.is_dir() {
            fs::create_dir(&to)?;
            copy(&entry.path(), &to, sum, halt)?;
        } else if kind.is_file() {
            *sum += entry.metadata()?.len();
            if *sum > MOST {
                return Err(io::Error::other(format!("it holds more than {} MB", MOST >> 20)));
            }
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}
