//! The server: start, stop, seal.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};

use super::Namespace;
use crate::authority::Authority;
use crate::process::log_tail;
use crate::server::Server;
use crate::{Error, Folder, Port, Process, Programs, Result};

/// How long OpenBao may take to start, or to become active after it was unsealed; two seconds are usual.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running OpenBao with a KV version 2 mount at `secret/` and a version 1 mount at `kv1/`.
pub struct OpenBao {
    process: Server,
    program: PathBuf,
    address: String,
    authority: Option<PathBuf>,
    root: Namespace,
    unseal_key: String,
    // Held, so that nobody else is given the ports while the server is stopped.
    _ports: [Port; 2],
    folder: Folder,
}

impl OpenBao {
    /// Starts one that speaks plain HTTP.
    pub async fn start() -> Result<Self> {
        Self::begin(false).await
    }

    /// Starts one that speaks HTTPS by a certificate of its own authority; see [`OpenBao::authority`].
    pub async fn start_with_tls() -> Result<Self> {
        Self::begin(true).await
    }

    /// Its address, such as `http://127.0.0.1:20001`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The file (PEM) with the authority that a client must trust; nothing without TLS.
    pub fn authority(&self) -> Option<&Path> {
        self.authority.as_deref()
    }

    /// The files (PEM) with the certificate and the key of a client, which its authority has signed; only where it speaks TLS.
    pub fn client(&self) -> (PathBuf, PathBuf) {
        (self.folder.join("client.crt"), self.folder.join("client.key"))
    }

    /// The root namespace, for whose root token nothing is denied.
    pub fn root(&self) -> &Namespace {
        &self.root
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        log_tail(&self.folder.join("log"), usize::MAX)
    }

    /// Seals it: it answers, and gives nothing away.
    pub async fn seal(&mut self) -> Result<()> {
        self.root.post("sys/seal", &json!({})).await?;
        self.await_health(503).await
    }

    /// Unseals it and waits until it serves.
    pub async fn unseal(&mut self) -> Result<()> {
        let key = json!({"key": self.unseal_key});
        self.root.post("sys/unseal", &key).await?;
        self.await_health(200).await
    }

    /// Stops it; nothing listens on its port afterwards. What it stores stays.
    pub async fn stop(&mut self) -> Result<()> {
        self.process.stop().await
    }

    /// Makes it hang: its port takes connections, and nothing is answered.
    pub fn freeze(&self) {
        self.process.freeze();
    }

    /// Starts it again at the same address. It is sealed then, as any OpenBao after its machine rebooted.
    pub async fn start_again(&mut self) -> Result<()> {
        self.stop().await?;
        self.spawn()?;
        self.await_health(503).await
    }

    async fn begin(tls: bool) -> Result<Self> {
        let program = Programs::find()?.built("bao")?;
        let folder = Folder::new("openbao")?;
        let ports = [Port::free()?, Port::free()?];
        let authority = tls.then(|| trusted(&folder)).transpose()?;
        let scheme = if tls { "https" } else { "http" };
        let address = format!("{scheme}://127.0.0.1:{}", ports[0]);
        let configuration = configuration(&address, &ports, &folder, tls);
        std::fs::create_dir(folder.join("data"))
            .and_then(|()| std::fs::write(folder.join("server.json"), configuration))
            .map_err(Error::io("write the configuration of OpenBao"))?;
        let mut bao = Self {
            process: Server::default(),
            program,
            root: Namespace::root(&address, authority.as_deref())?,
            address,
            authority,
            unseal_key: String::new(),
            _ports: ports,
            folder,
        };
        bao.spawn()?;
        bao.await_health(501).await?;
        bao.initialise().await?;
        bao.unseal().await?;
        bao.root.mount_kv("secret", 2).await?;
        bao.root.mount_kv("kv1", 1).await?;
        bao.root.enable_app_roles().await?;
        Ok(bao)
    }

    fn spawn(&mut self) -> Result<()> {
        let mut command = Command::new(&self.program);
        command
            .arg("server")
            .arg("-config")
            .arg(self.folder.join("server.json"))
            .current_dir(self.folder.path());
        self.process
            .runs(Process::spawn("openbao", command, &self.folder.join("log"))?);
        Ok(())
    }

    /// One key share is enough here; that is not what the tests are about.
    async fn initialise(&mut self) -> Result<()> {
        let shares = json!({"secret_shares": 1, "secret_threshold": 1});
        let answer = self.root.post("sys/init", &shares).await?;
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        self.unseal_key = text(&answer["keys"][0]);
        self.root = self.root.with_token(&text(&answer["root_token"]));
        Ok(())
    }

    /// Waits until the health page answers with the status `code`.
    async fn await_health(&mut self, code: u16) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let mut pause = Duration::from_millis(10);
        while self.root.health().await != Some(code) {
            self.process.still_running()?;
            if Instant::now() > deadline {
                return Err(Error::TooSlow {
                    what: format!("health code {code} of OpenBao"),
                    after: PATIENCE,
                    log: log_tail(&self.folder.join("log"), 20),
                });
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(100));
        }
        Ok(())
    }
}

/// Puts the certificate of an authority and that of a server for this machine into `folder`, and one of a client; returns the file
/// of the first.
fn trusted(folder: &Folder) -> Result<PathBuf> {
    let authority = Authority::new("OpenBao of the testbed")?;
    let client = authority.client("recovery", &[])?;
    std::fs::write(folder.join("client.crt"), client.certificate)
        .and_then(|()| std::fs::write(folder.join("client.key"), client.key))
        .map_err(Error::io("write a client certificate"))?;
    authority.write_server(&["localhost", "127.0.0.1"], folder.path())
}

/// Storage is raft with one member, the only kind that keeps data on disk without another server.
fn configuration(address: &str, ports: &[Port; 2], folder: &Folder, tls: bool) -> String {
    let mut listener = json!({
        "address": format!("127.0.0.1:{}", ports[0]),
        "cluster_address": format!("127.0.0.1:{}", ports[1]),
        "tls_disable": !tls,
    });
    if tls {
        listener["tls_cert_file"] = json!(folder.join("server.crt"));
        listener["tls_key_file"] = json!(folder.join("server.key"));
    }
    json!({
        "ui": false,
        "api_addr": address,
        "cluster_addr": format!("https://127.0.0.1:{}", ports[1]),
        "storage": {"raft": {
            "path": folder.join("data"),
            "node_id": "testbed",
            // Elections after one second instead of five.
            "performance_multiplier": "1",
        }},
        "listener": {"tcp": listener},
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);
    const READ_DR: &str = r#"path "secret/data/dr/*" { capabilities = ["read"] }"#;

    #[tokio::test]
    async fn both_kv_versions_keep_what_is_put() {
        let bao = OpenBao::start().await.unwrap();
        let root = bao.root();
        assert_eq!(
            root.put("secret/dr/repo", [("password", "one")]).await.unwrap(),
            Some(1)
        );
        assert_eq!(
            root.put("secret/dr/repo", [("password", "two")]).await.unwrap(),
            Some(2)
        );
        assert_eq!(root.put("kv1/dr/repo", [("password", "three")]).await.unwrap(), None);
        let second = root.get("secret/data/dr/repo").await.unwrap();
        assert_eq!(second["data"]["data"]["password"], "two");
        let first = root.get("secret/data/dr/repo?version=1").await.unwrap();
        assert_eq!(first["data"]["data"]["password"], "one");
        let unversioned = root.get("kv1/dr/repo").await.unwrap();
        assert_eq!(unversioned["data"]["password"], "three");
        root.delete("secret/dr/repo").await.unwrap();
        let gone = root.get("secret/data/dr/repo").await.unwrap_err().to_string();
        assert!(gone.contains("404") && gone.contains("deletion_time"), "{gone}");
    }

    #[tokio::test]
    async fn a_role_reads_what_its_policy_grants_and_no_more() {
        let bao = OpenBao::start().await.unwrap();
        let root = bao.root();
        root.put("secret/dr/repo", [("password", "one")]).await.unwrap();
        root.put("secret/private/repo", [("password", "two")]).await.unwrap();
        root.policy("read-dr", READ_DR).await.unwrap();
        let role = root.app_role("recovery", &["read-dr"], DAY).await.unwrap();
        let login = json!({"role_id": role.role_id, "secret_id": role.secret_id});
        let answer = root.post("auth/approle/login", &login).await.unwrap();
        let reader = root.with_token(answer["auth"]["client_token"].as_str().unwrap());
        reader.get("secret/data/dr/repo").await.unwrap();
        let denied = reader.get("secret/data/private/repo").await.unwrap_err();
        assert!(denied.to_string().contains("403"), "{denied}");
    }

    #[tokio::test]
    async fn a_token_ends_when_its_time_is_over() {
        let bao = OpenBao::start().await.unwrap();
        let root = bao.root();
        root.policy("read-dr", READ_DR).await.unwrap();
        let token = root.create_token(&["read-dr"], Duration::from_secs(1)).await.unwrap();
        let reader = root.with_token(&token);
        reader.get("auth/token/lookup-self").await.unwrap();
        let over = Instant::now() + Duration::from_secs(10);
        while reader.get("auth/token/lookup-self").await.is_ok() {
            assert!(Instant::now() < over, "the token still works");
            sleep(Duration::from_millis(50)).await;
        }
    }

    #[tokio::test]
    async fn a_revoked_token_is_refused() {
        let bao = OpenBao::start().await.unwrap();
        let root = bao.root();
        root.put("secret/dr/repo", [("password", "one")]).await.unwrap();
        root.policy("read-dr", READ_DR).await.unwrap();
        let token = root.create_token(&["read-dr"], DAY).await.unwrap();
        let reader = root.with_token(&token);
        reader.get("secret/data/dr/repo").await.unwrap();
        root.revoke(&token).await.unwrap();
        let denied = reader.get("secret/data/dr/repo").await.unwrap_err();
        assert!(denied.to_string().contains("403"), "{denied}");
    }

    #[tokio::test]
    async fn a_namespace_has_secrets_of_its_own() {
        let bao = OpenBao::start().await.unwrap();
        let team = bao.root().create_namespace("team").await.unwrap();
        let prod = team.create_namespace("prod").await.unwrap();
        assert_eq!(prod.name(), "team/prod");
        prod.put("secret/dr/repo", [("password", "one")]).await.unwrap();
        prod.get("secret/data/dr/repo").await.unwrap();
        bao.root().get("team/prod/secret/data/dr/repo").await.unwrap();
        bao.root().get("secret/data/dr/repo").await.unwrap_err();
    }

    #[tokio::test]
    async fn sealing_and_stopping_lose_nothing() {
        let mut bao = OpenBao::start_with_tls().await.unwrap();
        assert!(bao.address().starts_with("https://127.0.0.1:"));
        bao.root().put("secret/dr/repo", [("password", "one")]).await.unwrap();
        bao.seal().await.unwrap();
        let sealed = bao.root().get("secret/data/dr/repo").await.unwrap_err();
        assert!(sealed.to_string().contains("503"), "{sealed}");
        bao.stop().await.unwrap();
        assert_eq!(bao.root().health().await, None);
        bao.start_again().await.unwrap();
        bao.unseal().await.unwrap();
        bao.root().get("secret/data/dr/repo").await.unwrap();
    }
}
