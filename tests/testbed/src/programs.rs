//! Where the programs of the testbed are on this machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Error, Result};

/// The folders with the programs that `tests/testbed/setup` built.
#[derive(Clone, Debug)]
pub struct Programs {
    bin: PathBuf,
    share: PathBuf,
}

impl Programs {
    /// Takes the folder `bin` from `GITOPS_DR_TESTBED_BIN`, or else the cache of the user; `share` stands beside it.
    pub fn find() -> Result<Self> {
        let bin = match std::env::var_os("GITOPS_DR_TESTBED_BIN") {
            Some(bin) => PathBuf::from(bin),
            None => cache()?.join("bin"),
        };
        let share = bin
            .parent()
            .map_or_else(|| PathBuf::from("share"), |folder| folder.join("share"));
        Ok(Self { bin, share })
    }

    /// The folder with the programs.
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// The path of a program that the setup built, such as `argocd`.
    pub fn built(&self, program: &str) -> Result<PathBuf> {
        present(program, self.bin.join(program))
    }

    /// The path of a file that the setup took from a Go module, such as `argocd/core-install.yaml`.
    pub fn shared(&self, file: &str) -> Result<PathBuf> {
        present(file, self.share.join(file))
    }

    /// The path of a program of this machine, such as `redis-server`, by `PATH` and the folders for system programs.
    pub fn on_path(program: &str) -> Result<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path)
            .chain(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from))
            .map(|folder| folder.join(program))
            .find(|file| file.is_file())
            .ok_or_else(|| Error::MissingProgram {
                program: program.to_owned(),
                looked: "PATH".to_owned(),
            })
    }

    /// A command for one of the programs of the control plane: `etcd`, `kube-apiserver`, ….
    pub fn control_plane(&self, role: &str) -> Result<Command> {
        let mut command = Command::new(self.built("control-plane")?);
        command.arg(role);
        Ok(command)
    }
}

fn present(name: &str, file: PathBuf) -> Result<PathBuf> {
    if file.exists() {
        return Ok(file);
    }
    Err(Error::MissingProgram {
        program: name.to_owned(),
        looked: file.display().to_string(),
    })
}

/// The cache of the testbed, outside of any source tree: building it takes minutes.
fn cache() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os("GITOPS_DR_TESTBED") {
        return Ok(PathBuf::from(folder));
    }
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
        .ok_or_else(|| Error::Other("find the user's cache folder: HOME is not set".to_owned()))?;
    Ok(cache.join("gitops-dr/testbed"))
}
