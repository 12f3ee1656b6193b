//! `argocd-secret`: Argo CD's own keys.

use super::key::{Form, Key};
use super::{Data, has, webhook};
use crate::platform::secret::Report;
use crate::redact::Secret;

/// The keys that Argo CD itself reads. Any other may be named by `$key` in `argocd-cm`.
pub(super) const KEYS: &[Key] = &[
    Key::secret("admin.password", Form::Bcrypt),
    Key::public("admin.passwordMtime", Form::Time),
    Key::secret("server.secretkey", Form::Text),
    Key::secret("tls.crt", Form::Certificate),
    Key::secret("tls.key", Form::PrivateKey),
    Key::secret("webhook.github.secret", Form::Text),
    Key::secret("webhook.gitlab.secret", Form::Text),
    Key::secret("webhook.bitbucket.uuid", Form::Text),
    Key::secret("webhook.bitbucketserver.secret", Form::Text),
    Key::secret("webhook.gogs.secret", Form::Text),
    Key::public("webhook.azuredevops.username", Form::Text),
    Key::secret("webhook.azuredevops.password", Form::Text),
];

/// Whether a key is none that could be a misspelling: one of a local account, or one as `dex.github.clientSecret`.
pub(super) fn is_free(name: &str) -> bool {
    name.starts_with("accounts.") || name.starts_with("dex.") || name.starts_with("oidc.")
}

/// Checks what keys say together, and those of local accounts.
pub(super) fn check(data: &Data, report: &mut Report<'_>) {
    match data.get("server.secretkey") {
        Some(key) if key.is_empty() => {
            report
                .error(
                    "secret/server-secretkey",
                    "`server.secretkey` is empty, and Argo CD does not work with an empty one",
                )
                .help("store the one that the lost Argo CD had, or leave the key out to have a new one made");
        }
        None => {
            report
                .warning(
                    "secret/server-secretkey",
                    "`server.secretkey` is not stored: a new one will be made, and every session and API token signed with the old one ends",
                )
                .help("store the value of the living Argo CD's `argocd-secret`");
        }
        Some(_) => {}
    }
    if has(data, "tls.crt") != has(data, "tls.key") {
        report
            .error("secret/half-a-pair", "`tls.crt` and `tls.key` only work together")
            .help("add the other one, or leave both out");
    }
    webhook::check(data, report);
    for (name, value) in data {
        if name.starts_with("accounts.") {
            check_account(name, value, report);
        }
    }
}

fn check_account(name: &str, value: &Secret, report: &mut Report<'_>) {
    let form = match name.rsplit('.').next() {
        Some("password") => Form::Bcrypt,
        Some("passwordMtime") => Form::Time,
        Some("tokens") => {
            if !value.is_empty() && !is_token_list(value) {
                report
                    .error(
                        "secret/malformed",
                        format!("`{name}` is not a JSON list of tokens, each with `id` and `iat`"),
                    )
                    .help("take it from the living Argo CD's `argocd-secret` as it is");
            }
            return;
        }
        _ => {
            report
                .warning("secret/unknown-key", format!("`{name}` is not read by Argo CD"))
                .help("an account has `accounts.NAME.password`, `.passwordMtime` and `.tokens`");
            return;
        }
    };
    if let Some(fault) = form.fault(value) {
        report
            .error("secret/malformed", format!("`{name}` {}", fault.what))
            .help(fault.help);
    }
}

fn is_token_list(value: &Secret) -> bool {
    value
        .expose_str()
        .and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok())
        .is_some_and(|list| {
            list.is_null()
                || list.as_array().is_some_and(|tokens| {
                    tokens
                        .iter()
                        .all(|token| token["id"].is_string() && token["iat"].is_i64())
                })
        })
}
