//! One server: its transports, and the repositories on it.

use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::prelude::{BASE64_STANDARD as BASE64, Engine};

use super::repository::{Addresses, Repository};
use super::ssh::SshServer;
use super::web::WebServer;
use crate::authority::Authority;
use crate::{Error, Folder, Result};

/// How a [`GitServer`] is reached, besides HTTP.
#[derive(Clone, Debug)]
pub struct GitServerOptions {
    /// The host name in the URLs; `127.0.0.1` by default. Another one must lead here for whoever clones.
    pub host: String,
    /// Whether it serves HTTPS as well, by a certificate of its own authority.
    pub https: bool,
    /// Whether it serves SSH as well; that needs sshd on this machine.
    pub ssh: bool,
}

impl Default for GitServerOptions {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            https: false,
            ssh: false,
        }
    }
}

/// A running Git server.
pub struct GitServer {
    options: GitServerOptions,
    web: WebServer,
    ssh: Option<SshServer>,
    authority: Option<PathBuf>,
    folder: Folder,
}

impl GitServer {
    /// Starts one without repositories.
    pub async fn start(options: GitServerOptions) -> Result<Self> {
        let folder = Folder::new("git")?;
        for name in ["repositories", "passwords", "public", "keys"] {
            std::fs::create_dir(folder.join(name)).map_err(Error::io("make a folder of the Git server"))?;
        }
        let authority = if options.https {
            Some(trusted(&options.host, &folder)?)
        } else {
            None
        };
        let ssh = if options.ssh {
            Some(SshServer::start(folder.path()).await?)
        } else {
            None
        };
        Ok(Self {
            web: WebServer::start(folder.path(), options.https).await?,
            ssh,
            options,
            authority,
            folder,
        })
    }

    /// Creates an empty repository such as `shop/platform`, which `user` with `password` may clone over HTTP and a key of
    /// its own over SSH.
    pub async fn create(&self, name: &str, user: &str, password: &str) -> Result<Repository> {
        let file = self.place("passwords", name)?;
        // A digest, since a plain password would end at its first colon. SHA-1 is what nginx reads, and guards nothing here.
        let digest = BASE64.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes()));
        std::fs::write(&file, format!("{user}:{{SHA}}{digest}\n"))
            .map_err(Error::io("write the password of a repository"))?;
        self.repository(name, user, password).await
    }

    /// Creates an empty repository that everybody may clone over HTTP.
    pub async fn create_public(&self, name: &str) -> Result<Repository> {
        let file = self.place("public", name)?;
        std::fs::write(&file, "").map_err(Error::io("make a repository public"))?;
        self.repository(name, "", "").await
    }

    /// The file (PEM) with the authority that a client of the HTTPS side must trust; nothing without HTTPS.
    pub fn authority(&self) -> Option<&Path> {
        self.authority.as_deref()
    }

    /// The lines of a `known_hosts` file for the SSH side; nothing without SSH.
    pub fn known_hosts(&self) -> Option<String> {
        let ssh = self.ssh.as_ref()?;
        Some(ssh.known_hosts(&self.options.host))
    }

    /// The log of all requests over HTTP and HTTPS: address, user, time, request, status.
    pub fn requests(&self) -> String {
        std::fs::read_to_string(self.folder.join("access.log")).unwrap_or_default()
    }

    /// Stops it; nothing listens on its ports afterwards. The repositories stay and take commits.
    pub async fn stop(&mut self) -> Result<()> {
        if let Some(ssh) = &mut self.ssh {
            ssh.stop().await?;
        }
        self.web.stop().await
    }

    /// Starts it again, with the same URLs.
    pub async fn start_again(&mut self) -> Result<()> {
        self.stop().await?;
        if let Some(ssh) = &mut self.ssh {
            ssh.run().await?;
        }
        self.web.run().await
    }

    async fn repository(&self, name: &str, user: &str, password: &str) -> Result<Repository> {
        let private_key = match &self.ssh {
            Some(ssh) => Some(ssh.admit(name).await?),
            None => None,
        };
        let host = &self.options.host;
        let addresses = Addresses {
            http: format!("http://{host}:{}/{name}.git", self.web.http()),
            https: self.web.https().map(|port| format!("https://{host}:{port}/{name}.git")),
            ssh: self
                .ssh
                .as_ref()
                .map(|ssh| format!("ssh://{}@{host}:{}/{name}.git", ssh.user(), ssh.port())),
        };
        let bare = self.folder.join("repositories").join(format!("{name}.git"));
        Repository::create(bare, addresses, user, password, private_key).await
    }

    /// The file for the repository `name` in one of the folders that say who may read it.
    fn place(&self, folder: &str, name: &str) -> Result<PathBuf> {
        let file = self.folder.join(folder).join(format!("{name}.git"));
        let parent = file.parent().unwrap_or(self.folder.path());
        std::fs::create_dir_all(parent).map_err(Error::io("make a folder of the Git server"))?;
        Ok(file)
    }
}

/// Puts the certificate of an authority and that of a server called `host` into `folder`; returns the file of the former.
fn trusted(host: &str, folder: &Folder) -> Result<PathBuf> {
    Authority::new("Git server of the testbed")?.write_server(&[host, "localhost", "127.0.0.1"], folder.path())
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Output};

    use super::*;

    const ALL: fn() -> GitServerOptions = || GitServerOptions {
        https: true,
        ssh: true,
        ..GitServerOptions::default()
    };

    /// `git ls-remote` of the head, in an environment that knows nothing but `env`.
    fn head_of(url: &str, env: &[(&str, &str)]) -> Output {
        Command::new("git")
            .args(["ls-remote", url, "refs/heads/main"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("GIT_TERMINAL_PROMPT", "0")
            .envs(env.iter().copied())
            .output()
            .unwrap()
    }

    fn with_password(url: &str, user: &str, password: &str) -> String {
        url.replacen("://", &format!("://{user}:{password}@"), 1)
    }

    fn shows(output: &Output, commit: &str) -> bool {
        output.status.success() && String::from_utf8_lossy(&output.stdout).starts_with(commit)
    }

    fn complaint(output: &Output) -> String {
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    #[tokio::test]
    async fn over_http_each_repository_opens_to_its_own_password() {
        let server = GitServer::start(GitServerOptions::default()).await.unwrap();
        let platform = server.create("shop/platform", "robot", "one").await.unwrap();
        let apps = server.create("shop/apps", "robot", "two").await.unwrap();
        let commit = platform.commit("first", [("app.yaml", "a: 1\n")]).await.unwrap();
        apps.commit("first", [("app.yaml", "a: 2\n")]).await.unwrap();

        let url = platform.url_http();
        assert!(shows(&head_of(&with_password(url, "robot", "one"), &[]), &commit));
        let wrong = complaint(&head_of(&with_password(url, "robot", "two"), &[]));
        assert!(wrong.contains("Authentication failed"), "{wrong}");
        let nobody = complaint(&head_of(url, &[]));
        assert!(nobody.contains("could not read Username"), "{nobody}");
        let missing = complaint(&head_of(&url.replace("platform", "plattform"), &[]));
        assert!(missing.contains("not found"), "{missing}");
        assert!(server.requests().contains("robot"));
    }

    #[tokio::test]
    async fn a_password_may_hold_any_sign() {
        let server = GitServer::start(GitServerOptions::default()).await.unwrap();
        let platform = server.create("platform", "robot", "a:b@c/d \"e\" %41").await.unwrap();
        let commit = platform.commit("first", [("a.yaml", "a: 1\n")]).await.unwrap();
        let url = with_password(platform.url_http(), "robot", "a%3Ab%40c%2Fd%20%22e%22%20%2541");
        assert!(shows(&head_of(&url, &[]), &commit));
    }

    #[tokio::test]
    async fn a_public_repository_opens_to_everybody() {
        let server = GitServer::start(GitServerOptions::default()).await.unwrap();
        let charts = server.create_public("charts").await.unwrap();
        let commit = charts.commit("first", [("Chart.yaml", "name: a\n")]).await.unwrap();
        assert!(shows(&head_of(charts.url_http(), &[]), &commit));
    }

    #[tokio::test]
    async fn https_is_trusted_by_its_authority_only() {
        let server = GitServer::start(ALL()).await.unwrap();
        let platform = server.create("platform", "robot", "one").await.unwrap();
        let commit = platform.commit("first", [("a.yaml", "a: 1\n")]).await.unwrap();
        let url = with_password(platform.url_https().unwrap(), "robot", "one");
        let authority = server.authority().unwrap().to_str().unwrap();
        assert!(shows(&head_of(&url, &[("GIT_SSL_CAINFO", authority)]), &commit));
        let untrusted = complaint(&head_of(&url, &[]));
        assert!(untrusted.contains("certificate"), "{untrusted}");
    }

    #[tokio::test]
    async fn over_ssh_each_repository_opens_to_its_own_key() {
        let server = GitServer::start(ALL()).await.unwrap();
        let platform = server.create("shop/platform", "robot", "one").await.unwrap();
        let apps = server.create("shop/apps", "robot", "two").await.unwrap();
        let commit = platform.commit("first", [("a.yaml", "a: 1\n")]).await.unwrap();
        apps.commit("first", [("a.yaml", "a: 2\n")]).await.unwrap();

        let own = ssh_command(&server, &platform);
        let url = platform.url_ssh().unwrap();
        assert!(shows(&head_of(url, &[("GIT_SSH_COMMAND", &own.1)]), &commit));
        let other = ssh_command(&server, &apps);
        let refused = complaint(&head_of(url, &[("GIT_SSH_COMMAND", &other.1)]));
        assert!(refused.contains("repository not found"), "{refused}");
    }

    /// Writes key and known hosts to files, and returns them with the ssh command that uses nothing else.
    fn ssh_command(server: &GitServer, repository: &Repository) -> (Folder, String) {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new("ssh-client").unwrap();
        let (key, hosts) = (folder.join("key"), folder.join("known_hosts"));
        std::fs::write(&key, repository.private_key().unwrap()).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&hosts, server.known_hosts().unwrap()).unwrap();
        let command = format!(
            "ssh -F none -i {} -o IdentitiesOnly=yes -o UserKnownHostsFile={} -o StrictHostKeyChecking=yes -o BatchMode=yes",
            key.display(),
            hosts.display()
        );
        (folder, command)
    }

    #[tokio::test]
    async fn a_stopped_server_comes_back_at_the_same_urls() {
        let mut server = GitServer::start(ALL()).await.unwrap();
        let charts = server.create_public("charts").await.unwrap();
        charts.commit("first", [("a.yaml", "a: 1\n")]).await.unwrap();
        server.stop().await.unwrap();
        complaint(&head_of(charts.url_http(), &[]));
        let second = charts.commit("second", [("b.yaml", "b: 1\n")]).await.unwrap();
        server.start_again().await.unwrap();
        assert!(shows(&head_of(charts.url_http(), &[]), &second));
    }

    #[tokio::test]
    async fn commits_are_the_same_at_every_run() {
        let server = GitServer::start(GitServerOptions::default()).await.unwrap();
        let one = server.create_public("one").await.unwrap();
        let two = server.create_public("two").await.unwrap();
        let first = one.commit("first", [("a/b.yaml", "a: 1\n")]).await.unwrap();
        assert_eq!(two.commit("first", [("a/b.yaml", "a: 1\n")]).await.unwrap(), first);
        let second = one.remove("second", &["a/b.yaml"]).await.unwrap();
        assert_ne!(second, first);
        one.force_back_to(&first).await.unwrap();
        assert_eq!(one.head().await.unwrap(), first);
        let third = one.commit("third", [("c.yaml", "c: 1\n")]).await.unwrap();
        assert_ne!(third, second);
    }
}
