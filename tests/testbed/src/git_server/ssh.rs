//! SSH: sshd with a host key of its own, and keys that open one repository each.

use std::fs::{File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::{Error, Port, Process, Programs, Result};

/// How long sshd may take to listen; a tenth of a second is usual.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a key may do, whatever its owner asks for: fetch from and push to the repository it was made for. Like `git-shell`,
/// which knows no limit to one repository.
const GATE: &str = r#"#!/bin/sh
program=${SSH_ORIGINAL_COMMAND%% *}
path=${SSH_ORIGINAL_COMMAND#* }
path=${path#\'}; path=${path%\'}; path=${path#/}
case $program in
git-upload-pack | git-receive-pack) ;;
*) echo "this account is for Git only" >&2; exit 128 ;;
esac
if [ "${path%.git}.git" != "$2" ]; then
    echo "repository not found" >&2
    exit 128
fi
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
exec git "${program#git-}" "$1/$2"
"#;

pub(super) struct SshServer {
    process: Option<Process>,
    port: Port,
    host_key: String,
    user: String,
    folder: PathBuf,
}

impl SshServer {
    /// Serves `folder/repositories`; its own files go to `folder/keys`.
    pub(super) async fn start(folder: &Path) -> Result<Self> {
        let keys = folder.join("keys");
        let port = Port::free()?;
        let user = user_name().await?;
        let gate = keys.join("gate");
        std::fs::write(&gate, GATE)
            .and_then(|()| std::fs::set_permissions(&gate, Permissions::from_mode(0o755)))
            .and_then(|()| File::create(keys.join("authorized_keys")).map(drop))
            .and_then(|()| std::fs::write(keys.join("sshd_config"), configuration(&port, &keys)))
            .map_err(Error::io("write the configuration of sshd"))?;
        let host_key = generate_key(&keys.join("host_key")).await?;
        let mut server = Self {
            process: None,
            port,
            host_key,
            user,
            folder: folder.to_path_buf(),
        };
        server.run().await?;
        Ok(server)
    }

    pub(super) fn port(&self) -> &Port {
        &self.port
    }

    /// The account of all clients: the one that runs the tests, for sshd without root can log in nobody else.
    pub(super) fn user(&self) -> &str {
        &self.user
    }

    pub(super) fn known_hosts(&self, host: &str) -> String {
        format!("[{host}]:{} {}\n", self.port, self.host_key)
    }

    /// Makes a key that opens the repository `name`; returns its private part in OpenSSH's format.
    pub(super) async fn admit(&self, name: &str) -> Result<String> {
        let keys = self.folder.join("keys");
        let file = keys.join(name.replace('/', "-"));
        let public = generate_key(&file).await?;
        let line = format!(
            "restrict,command=\"{} {} {name}.git\" {public}\n",
            keys.join("gate").display(),
            self.folder.join("repositories").display(),
        );
        OpenOptions::new()
            .append(true)
            .open(keys.join("authorized_keys"))
            .and_then(|mut file| file.write_all(line.as_bytes()))
            .map_err(Error::io("admit a key"))?;
        std::fs::read_to_string(file).map_err(Error::io("read a key"))
    }

    pub(super) async fn stop(&mut self) -> Result<()> {
        match self.process.take() {
            Some(process) => process.stop().await,
            None => Ok(()),
        }
    }

    pub(super) async fn run(&mut self) -> Result<()> {
        if rustix::process::geteuid().is_root() {
            // sshd as root wants this folder, which the service of the distribution makes at its start.
            std::fs::create_dir_all("/run/sshd").map_err(Error::io("make /run/sshd"))?;
        }
        let mut sshd = Command::new(Programs::on_path("sshd")?);
        sshd.args(["-D", "-e", "-f"]).arg(self.folder.join("keys/sshd_config"));
        let log = self.folder.join("sshd.log");
        let process = self.process.insert(Process::spawn("sshd", sshd, &log)?);
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port.number())).await.is_err() {
            process.still_running()?;
            if Instant::now() > deadline {
                return Err(Error::TooSlow {
                    what: "sshd".to_owned(),
                    after: PATIENCE,
                    log: process.log_tail(20),
                });
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }
}

fn configuration(port: &Port, keys: &Path) -> String {
    let keys = keys.display();
    // sshd refuses an account whose password is locked, as root's often is, unless PAM judges instead. PAM in turn
    // may fail in a container, where there is no session to open.
    let pam = if account_is_locked() { "yes" } else { "no" };
    format!(
        "ListenAddress 127.0.0.1:{port}
HostKey {keys}/host_key
AuthorizedKeysFile {keys}/authorized_keys
PidFile none
UsePAM {pam}
# The temporary folder above belongs to everybody.
StrictModes no
PermitRootLogin forced-commands-only
PasswordAuthentication no
KbdInteractiveAuthentication no
AcceptEnv GIT_PROTOCOL
# An agent clones many repositories at once.
MaxStartups 100
LogLevel VERBOSE
"
    )
}

fn account_is_locked() -> bool {
    rustix::process::geteuid().is_root()
        && std::fs::read_to_string("/etc/shadow")
            .is_ok_and(|shadow| shadow.lines().any(|line| line.starts_with("root:!")))
}

async fn user_name() -> Result<String> {
    let output = tokio::process::Command::new("id")
        .arg("-un")
        .output()
        .await
        .map_err(Error::io("ask for the user's name"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Writes an ed25519 key pair to `file`; returns the public part as `ssh-ed25519 AAAA…`.
async fn generate_key(file: &Path) -> Result<String> {
    let output = tokio::process::Command::new(Programs::on_path("ssh-keygen")?)
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "testbed", "-f"])
        .arg(file)
        .output()
        .await
        .map_err(Error::io("run ssh-keygen"))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(Error::Other(format!("make an SSH key: {text}")));
    }
    let public = std::fs::read_to_string(file.with_extension("pub")).map_err(Error::io("read a public key"))?;
    Ok(public.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
}
