//! How to get into a repository that is no source of the runbook: as Argo CD will, with the secrets that are restored.

use std::collections::BTreeMap;

use crate::git::Access;
use crate::platform::argocd::address;
use crate::platform::argocd::secret::{Data, field};
use crate::recipe::covers;
use crate::runbook::{Runbook, SecretShape};
use crate::steps::Restored;

/// Returns the login that Argo CD chooses for a repository (`util/db/repository.go`): that of its own secret, or else of the
/// credentials for all below an address that its own is below, the longest first. Without one it is asked without a login.
pub(super) fn access(
    runbook: &Runbook,
    secrets: &BTreeMap<String, Restored>,
    repository: &str,
) -> Result<Access, String> {
    let Some((name, data)) = chosen(runbook, secrets, repository) else {
        return Ok(Access::default());
    };
    Access::from_repository_secret(data).map_err(|error| format!("the secret {name} does not open it: {error}"))
}

fn chosen<'held>(
    runbook: &Runbook,
    secrets: &'held BTreeMap<String, Restored>,
    repository: &str,
) -> Option<(&'held str, &'held Data)> {
    let wanted = address::normal(repository);
    let of = |shape: &'static str| {
        secrets.iter().filter_map(move |(name, restored)| {
            let spec = runbook.secrets.get(name)?;
            let is_one = matches!(&spec.shape, SecretShape::Argocd(known) if known == shape);
            let url = address::normal(field(&restored.data, "url")?);
            is_one.then_some((url, name.as_str(), &restored.data))
        })
    };
    let own = of("repository").find(|(url, _, data)| *url == wanted && logs_in(data));
    let shared = || {
        of("repo-creds")
            .filter(|(url, _, _)| covers(url, &wanted))
            .max_by_key(|(url, _, _)| url.len())
    };
    // One without a login may still say that the certificate is not looked at.
    let bare = || of("repository").find(|(url, _, _)| *url == wanted);
    own.or_else(shared).or_else(bare).map(|(_, name, data)| (name, data))
}

fn logs_in(data: &Data) -> bool {
    [
        "username",
        "password",
        "bearerToken",
        "sshPrivateKey",
        "tlsClientCertData",
        "githubAppPrivateKey",
        "gcpServiceAccountKey",
    ]
    .iter()
    .any(|key| data.get(*key).is_some_and(|value| !value.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Secret;
    use crate::runbook;

    #[test]
    fn the_login_is_the_one_that_argo_cd_chooses() {
        let text = "apiVersion: gitops-dr/v1\nkind: Runbook\nname: shop\ntarget: {context: new}\n\
            sources:\n  platform: {git: \"https://h/p.git\", revision: main}\n\
            stores:\n  - vault: {address: \"https://v\", auth: {token: {env: T}}}\n\
            agent: {argocd: {from: {source: platform, path: argocd}}}\n\
            secrets:\n  own: {as: argocd/repository, from: [{vault: a}]}\n  bare: {as: argocd/repository, from: [{vault: b}]}\n\
            \x20 all: {as: argocd/repo-creds, from: [{vault: c}]}\n  team: {as: argocd/repo-creds, from: [{vault: d}]}\n\
            roots:\n  - {id: apps, source: platform, path: apps}\n";
        let runbook = runbook::parse("shop.yaml", text).0.unwrap();
        let held = |url: &str, password: &str| {
            let pairs = [("url", url), ("password", password)];
            let data = pairs.iter().filter(|(_, value)| !value.is_empty());
            Restored {
                data: data
                    .map(|(key, value)| ((*key).to_owned(), Secret::from(*value)))
                    .collect(),
                store: "vault".to_owned(),
                path: "x".to_owned(),
            }
        };
        let secrets = BTreeMap::from([
            ("own".to_owned(), held("https://h/team/own.git", "1")),
            ("bare".to_owned(), held("https://h/team/bare", "")),
            ("all".to_owned(), held("https://h", "2")),
            ("team".to_owned(), held("https://h/team", "3")),
        ]);
        for (repository, expected) in [
            ("https://H/team/own", Some("own")),
            ("https://h/team/bare.git", Some("team")),
            ("https://h/team/other", Some("team")),
            ("https://h/others/x", Some("all")),
            ("https://elsewhere/x", None),
            ("https://h.evil.net/x", None),
            ("https://h/teams/x", Some("all")),
        ] {
            let found = chosen(&runbook, &secrets, repository).map(|(name, _)| name);
            assert_eq!(found, expected, "{repository}");
        }
    }
}
