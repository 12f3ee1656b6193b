//! The morning after: an empty cluster, and beside it what outlived the old one: a secret store and a Git server.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::openbao::AppRole;
use crate::{Bed, BedOptions, Error, Folder, GitServer, GitServerOptions, OpenBao, Programs, Result};

/// The context of the kubeconfig that leads to the new cluster.
pub const CONTEXT: &str = "shop-new";

/// A runbook for a platform of one repository, whose Argo CD is installed from it: what tests and the bench begin with, and change.
pub const RUNBOOK: &str = r#"
apiVersion: gitops-dr/v1
kind: Runbook
name: small
target: {context: shop-new, expect: empty, rto: 10m}
sources:
  platform: {git: "https://git.example.com/shop/platform.git", revision: main, credentials: repo-platform}
stores:
  - vault: {address: "https://vault.example.com:8200", auth: {approle: {role-id: {env: VAULT_ROLE_ID}, secret-id: {env: VAULT_SECRET_ID}}}}
agent: {argocd: {from: {source: platform, path: bootstrap/argocd}}}
secrets:
  repo-platform: {as: argocd/repository, from: [{vault: dr/repo-platform}]}
  argocd-secret: {as: argocd/argocd-secret, from: [{vault: dr/argocd-secret}]}
roots:
  - {id: root, source: platform, path: clusters/prod/root.yaml}
"#;

/// The address of the Git server in examples; replaced by the real one in all that is pushed or written.
const GIT: &str = "https://git.example.com";
/// The address of the store in examples; replaced likewise.
const VAULT: &str = "https://vault.example.com:8200";

/// What there is after an outage.
pub struct Outage {
    /// The new cluster.
    pub bed: Bed,
    /// The store, with a KV mount `dr` and an AppRole that may read it.
    pub vault: OpenBao,
    /// The Git server.
    pub git: GitServer,
    role: AppRole,
    folder: Folder,
}

impl Outage {
    /// Starts everything, side by side.
    pub async fn start() -> Result<Self> {
        let options = BedOptions {
            context: CONTEXT.to_owned(),
            ..BedOptions::default()
        };
        let git = GitServerOptions {
            ssh: true,
            ..GitServerOptions::default()
        };
        let (bed, (vault, role), git) = tokio::try_join!(Bed::start(options), store(), GitServer::start(git))?;
        Ok(Self {
            bed,
            vault,
            git,
            role,
            folder: Folder::new("outage")?,
        })
    }

    /// Replaces the addresses of examples by those of the servers here.
    pub fn localised(&self, text: &str) -> String {
        let git = self.git.address();
        text.replace(GIT, &git).replace(VAULT, self.vault.address())
    }

    /// Writes a runbook, with the addresses of the servers here, and returns its path.
    pub fn runbook(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        std::fs::write(&path, self.localised(text)).map_err(Error::io("write the runbook"))?;
        Ok(path)
    }

    /// Returns the files of a folder, with the addresses of the servers here, ready to be committed.
    pub fn files(&self, folder: &Path) -> Result<Vec<(PathBuf, String)>> {
        let mut files = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(next) = folders.pop() {
            let failed = |error| Error::io(format!("read {}", next.display()))(error);
            for entry in std::fs::read_dir(&next).map_err(failed)? {
                let path = entry.map_err(failed)?.path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).map_err(Error::io(format!("read {}", path.display())))?;
                let name = path.strip_prefix(folder).unwrap_or(&path).to_owned();
                files.push((name, self.localised(&text)));
            }
        }
        files.sort();
        Ok(files)
    }

    /// Returns what the tool's user has in the environment: the kubeconfig, and what logs in to the store.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("KUBECONFIG", self.bed.kubeconfig().display().to_string()),
            ("VAULT_ROLE_ID", self.role.role_id.clone()),
            ("VAULT_SECRET_ID", self.role.secret_id.clone()),
        ]
    }
}

async fn store() -> Result<(OpenBao, AppRole)> {
    let vault = OpenBao::start().await?;
    let root = vault.root();
    root.mount_kv("dr", 2).await?;
    root.policy("recovery", "path \"dr/data/*\" { capabilities = [\"read\"] }")
        .await?;
    let role = root
        .app_role("recovery", &["recovery"], Duration::from_hours(1))
        .await?;
    Ok((vault, role))
}

/// Returns the manifests with which Argo CD's core installs itself, as its release has them.
pub fn core_install() -> Result<String> {
    let path = Programs::find()?.shared("argocd/core-install.yaml")?;
    std::fs::read_to_string(&path).map_err(Error::io(format!("read {}", path.display())))
}
