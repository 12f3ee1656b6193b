//! The repositories of charts, with the logins that the runbook restores.

use std::collections::BTreeMap;

use crate::platform::argocd::secret::{Data, field};
use crate::recipe::covers;
use crate::render::Repository;
use crate::runbook::{Runbook, SecretShape};
use crate::steps::Restored;

/// Returns the repositories of charts that the agent will know: those of secrets with `type: helm` or `oci`, or `enableOCI`.
/// One without a login of its own has that of the credentials for all below an address that its own is below, the longest first.
pub(in crate::steps) fn repositories(runbook: &Runbook, secrets: &BTreeMap<String, Restored>) -> Vec<Repository> {
    let of = |wanted: &'static str| {
        secrets.iter().filter_map(move |(name, restored)| {
            let spec = runbook.secrets.get(name)?;
            let is_wanted = matches!(&spec.shape, SecretShape::Argocd(shape) if shape == wanted);
            (is_wanted && holds_charts(&restored.data))
                .then(|| repository(&restored.data))
                .flatten()
        })
    };
    let shared: Vec<Repository> = of("repo-creds")
        .map(|shared| Repository {
            is_shared: true,
            ..shared
        })
        .collect();
    let mut known: Vec<Repository> = of("repository").collect();
    for one in &mut known {
        let fitting = shared.iter().filter(|shared| covers(&shared.url, &one.url));
        if let Some(login) = fitting.max_by_key(|shared| shared.url.len())
            && one.password.is_none()
        {
            one.username.clone_from(&login.username);
            one.password.clone_from(&login.password);
        }
    }
    known.extend(shared);
    known
}

fn holds_charts(data: &Data) -> bool {
    matches!(field(data, "type"), Some("helm" | "oci")) || field(data, "enableOCI") == Some("true")
}

fn repository(data: &Data) -> Option<Repository> {
    let text = |key| field(data, key).unwrap_or_default().to_owned();
    Some(Repository {
        url: field(data, "url")?.to_owned(),
        name: text("name"),
        username: text("username"),
        password: data.get("password").filter(|password| !password.is_empty()).cloned(),
        authority: None,
        insecure: field(data, "insecure") == Some("true"),
        plain_http: field(data, "insecureOCIForceHttp") == Some("true"),
        is_shared: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Secret;
    use crate::runbook;

    #[test]
    fn a_repository_of_charts_has_its_login_or_the_one_that_it_is_below() {
        let text = "apiVersion: gitops-dr/v1\nkind: Runbook\nname: shop\ntarget: {context: new}\n\
            sources:\n  platform: {git: \"https://h/p.git\", revision: main}\n\
            stores:\n  - vault: {address: \"https://v\", auth: {token: {env: T}}}\n\
            agent: {argocd: {from: {source: platform, path: argocd}}}\n\
            secrets:\n  git: {as: argocd/repository, from: [{vault: a}]}\n  bare: {as: argocd/repository, from: [{vault: b}]}\n\
            \x20 evil: {as: argocd/repository, from: [{vault: e}]}\n  own: {as: argocd/repository, from: [{vault: c}]}\n  all: {as: argocd/repo-creds, from: [{vault: d}]}\n\
            roots:\n  - {id: apps, source: platform, path: apps}\n";
        let runbook = runbook::parse("shop.yaml", text).0.unwrap();
        let held = |pairs: &[(&str, &str)]| Restored {
            data: pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), Secret::from(*value)))
                .collect(),
            store: "vault".to_owned(),
            path: "x".to_owned(),
        };
        let secrets = BTreeMap::from([
            ("git".to_owned(), held(&[("url", "https://h/p.git"), ("password", "1")])),
            (
                "bare".to_owned(),
                held(&[("url", "https://charts/a"), ("type", "helm"), ("name", "a")]),
            ),
            (
                "evil".to_owned(),
                held(&[("url", "https://charts.evil.net/a"), ("type", "helm")]),
            ),
            (
                "own".to_owned(),
                held(&[
                    ("url", "charts.example.com/b"),
                    ("enableOCI", "true"),
                    ("username", "u"),
                    ("password", "2"),
                ]),
            ),
            (
                "all".to_owned(),
                held(&[
                    ("url", "https://charts"),
                    ("type", "helm"),
                    ("username", "s"),
                    ("password", "3"),
                ]),
            ),
        ]);
        let found = repositories(&runbook, &secrets);
        let told: Vec<_> = found
            .iter()
            .map(|one| {
                let password = one.password.as_ref().and_then(Secret::expose_str).unwrap_or_default();
                (one.url.as_str(), one.username.as_str(), password)
            })
            .collect();
        assert_eq!(
            told,
            [
                ("https://charts/a", "s", "3"),
                ("https://charts.evil.net/a", "", ""),
                ("charts.example.com/b", "u", "2"),
                ("https://charts", "s", "3")
            ]
        );
    }
}
