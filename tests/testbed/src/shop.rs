//! The morning after for `examples/shop`: its repositories on the Git server, its secrets in the store.

use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine as _};

use crate::git_server::Repository;
use crate::outage::core_install;
use crate::{Outage, Result};

/// The passwords and keys of the example; made up, and the same in every run so that a test can search for them.
pub const SECRETS: [(&str, &str); 5] = [
    ("platform", "shop-platform-password-4711"),
    ("apps", "shop-apps-password-0815"),
    ("signing", "shop-signing-key-of-the-old-platform"),
    ("registry", "shop-registry-password-2342"),
    ("payments", "shop-payments-api-key-1337"),
];

/// The example after its outage.
pub struct Shop {
    /// The servers.
    pub outage: Outage,
    /// The repository of the platform.
    pub platform: Repository,
    /// The repository of the apps.
    pub apps: Repository,
    /// The runbook.
    pub runbook: PathBuf,
}

fn secret(name: &str) -> &'static str {
    SECRETS
        .iter()
        .find(|(known, _)| *known == name)
        .map_or("", |(_, value)| value)
}

impl Shop {
    /// Fills the servers with what is in `example`, the folder `examples/shop`.
    pub async fn fill(outage: Outage, example: &Path) -> Result<Self> {
        let platform = outage.git.create("shop/platform", "dr", secret("platform")).await?;
        let mut files = outage.files(&example.join("repositories/platform"))?;
        files.push(("bootstrap/argocd/install.yaml".into(), core_install()?));
        platform.commit("the platform", files).await?;
        let apps = outage.git.create("shop/apps", "dr", secret("apps")).await?;
        apps.commit("the apps", outage.files(&example.join("repositories/apps"))?)
            .await?;

        let store = outage.vault.root();
        for (name, repository) in [("platform", &platform), ("apps", &apps)] {
            let data = [
                ("url", repository.url_http()),
                ("type", "git"),
                ("username", "dr"),
                ("password", secret(name)),
            ];
            store.put(&format!("dr/shop/repo-{name}"), data).await?;
        }
        store
            .put("dr/shop/argocd-secret", [("server.secretkey", secret("signing"))])
            .await?;
        let login = BASE64_STANDARD.encode(format!("shop:{}", secret("registry")));
        let registry = serde_json::json!({"auths": {"registry.example.com": {"auth": login}}});
        store
            .put("dr/shop/registry", [(".dockerconfigjson", registry.to_string())])
            .await?;
        store
            .put("dr/shop/payments-api-key", [("api-key", secret("payments"))])
            .await?;

        let text = std::fs::read_to_string(example.join("runbook.yaml"))
            .map_err(crate::Error::io("read the example's runbook"))?;
        let runbook = outage.runbook("shop.yaml", &text)?;
        Ok(Self {
            outage,
            platform,
            apps,
            runbook,
        })
    }
}
