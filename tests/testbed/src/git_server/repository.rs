//! One repository on a server: who may read it, and commits into it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Error, Folder, Result};

/// The branch that every repository has.
const BRANCH: &str = "main";

/// 2026-01-01T00:00:00Z, the date of the first commit; each further one is a minute later. Equal content has equal
/// commits, whenever a test runs.
const FIRST_DATE: u64 = 1_767_225_600;

/// A bare repository on a [`super::GitServer`].
pub struct Repository {
    bare: PathBuf,
    work: Folder,
    addresses: Addresses,
    user: String,
    password: String,
    private_key: Option<String>,
    commits: AtomicU64,
}

pub(super) struct Addresses {
    pub(super) http: String,
    pub(super) https: Option<String>,
    pub(super) ssh: Option<String>,
}

impl Repository {
    /// Its URL over HTTP.
    pub fn url_http(&self) -> &str {
        &self.addresses.http
    }

    /// Its URL over HTTPS; nothing if the server speaks none.
    pub fn url_https(&self) -> Option<&str> {
        self.addresses.https.as_deref()
    }

    /// Its URL over SSH; nothing if the server speaks none.
    pub fn url_ssh(&self) -> Option<&str> {
        self.addresses.ssh.as_deref()
    }

    /// The user for HTTP; empty for a public repository.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The password for HTTP; empty for a public repository.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The private key for SSH, in OpenSSH's format; nothing if the server speaks none.
    pub fn private_key(&self) -> Option<&str> {
        self.private_key.as_deref()
    }

    /// The bare repository on disk.
    pub fn path(&self) -> &Path {
        &self.bare
    }

    /// Commits `files`, pairs of path and content, on top of what is there. Returns the commit.
    pub async fn commit<P, C>(&self, message: &str, files: impl IntoIterator<Item = (P, C)>) -> Result<String>
    where
        P: AsRef<Path>,
        C: AsRef<[u8]>,
    {
        for (path, content) in files {
            let file = self.work.join(path);
            file.parent()
                .map_or(Ok(()), std::fs::create_dir_all)
                .and_then(|()| std::fs::write(&file, content))
                .map_err(Error::io(format!("write {}", file.display())))?;
        }
        self.record(message).await
    }

    /// Commits `folder` with all in it, links as links, on top of what is there. Returns the commit.
    pub async fn commit_folder(&self, message: &str, folder: &Path) -> Result<String> {
        copy(folder, self.work.path()).map_err(Error::io(format!("copy the folder {}", folder.display())))?;
        self.record(message).await
    }

    /// Commits the removal of files. Returns the commit.
    pub async fn remove(&self, message: &str, files: &[&str]) -> Result<String> {
        for file in files {
            std::fs::remove_file(self.work.join(file)).map_err(Error::io(format!("remove {file}")))?;
        }
        self.record(message).await
    }

    /// Makes `main` point at the older `commit`, as a force push does; the next commit goes on top of it.
    pub async fn force_back_to(&self, commit: &str) -> Result<()> {
        self.git(&["update-ref", &format!("refs/heads/{BRANCH}"), commit])
            .await?;
        self.git(&["--work-tree=.", "reset", "--quiet", "--hard"])
            .await
            .map(drop)
    }

    /// The commit that `main` points at.
    pub async fn head(&self) -> Result<String> {
        self.git(&["rev-parse", "--verify", BRANCH]).await
    }

    pub(super) async fn create(
        bare: PathBuf,
        addresses: Addresses,
        user: &str,
        password: &str,
        private_key: Option<String>,
    ) -> Result<Self> {
        let repository = Self {
            work: Folder::new("work")?,
            bare,
            addresses,
            user: user.to_owned(),
            password: password.to_owned(),
            private_key,
            commits: AtomicU64::new(0),
        };
        std::fs::create_dir_all(&repository.bare).map_err(Error::io("make a repository"))?;
        repository
            .git(&["init", "--quiet", "--bare", "--initial-branch", BRANCH])
            .await?;
        Ok(repository)
    }

    async fn record(&self, message: &str) -> Result<String> {
        let commit = ["commit", "--quiet", "--allow-empty", "--message", message];
        self.git(&["--work-tree=.", "add", "--all", "--force", "."]).await?;
        self.git(&[&["--work-tree=."], &commit[..]].concat()).await?;
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.head().await
    }

    /// Runs git on the bare repository, in the folder that commits are made of, apart from all settings of this machine.
    async fn git(&self, arguments: &[&str]) -> Result<String> {
        let date = FIRST_DATE + 60 * self.commits.load(Ordering::Relaxed);
        let date = format!("{date} +0000");
        let mut command = tokio::process::Command::new("git");
        command.args(arguments).current_dir(self.work.path());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("GIT_") {
                command.env_remove(name);
            }
        }
        let output = command
            .env("GIT_DIR", &self.bare)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_AUTHOR_NAME", "Testbed")
            .env("GIT_AUTHOR_EMAIL", "testbed@example.com")
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_NAME", "Testbed")
            .env("GIT_COMMITTER_EMAIL", "testbed@example.com")
            .env("GIT_COMMITTER_DATE", &date)
            .output()
            .await
            .map_err(Error::io("run git"))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
        let text = String::from_utf8_lossy(&output.stderr);
        Err(Error::Other(format!("git {}: {text}", arguments.join(" "))))
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy(&entry.path(), &target)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(std::fs::read_link(entry.path())?, target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
