//! The keys of `argocd-secret` by which Argo CD knows who may tell it of a push.
//!
//! Sources, of Argo CD 3.2.11: `util/settings/settings.go` takes each value byte by byte, unless it begins with `$` and names another key;
//! `util/webhook/webhook.go` gives it to `go-playground/webhooks` 6.4.0, which compares it with what the host sends: an HMAC (GitHub,
//! Gogs, Bitbucket Server), the token itself (GitLab), the identifier of the hook (Bitbucket) or a login (Azure DevOps). What is empty is
//! compared with nothing, but for GitLab's token.

use super::{Data, has, text};
use crate::platform::secret::Report;
use crate::redact::Secret;

const GITLAB: &str = "webhook.gitlab.secret";
const AZURE: [&str; 2] = ["webhook.azuredevops.username", "webhook.azuredevops.password"];
const ALONE: [&str; 5] = [
    "webhook.github.secret",
    GITLAB,
    "webhook.bitbucket.uuid",
    "webhook.bitbucketserver.secret",
    "webhook.gogs.secret",
];

/// Checks what deliveries are compared with. Nothing of it keeps a platform from coming back, so there are warnings alone: without
/// deliveries Argo CD still looks every three minutes.
pub(super) fn check(data: &Data, report: &mut Report<'_>) {
    for name in ALONE {
        if data.get(name).is_some_and(Secret::is_empty) {
            let taken = if name == GITLAB {
                "takes only deliveries that bear no token, and these from anybody"
            } else {
                "takes deliveries from anybody"
            };
            report
                .warning(
                    "secret/empty-webhook",
                    format!("`{name}` is empty: Argo CD then {taken}"),
                )
                .help("store what the Git host signs with, or leave the key out if there are no deliveries");
        }
    }
    let [has_user, has_password] = AZURE.map(|name| has(data, name));
    if has_user != has_password {
        report
            .warning(
                "secret/half-a-pair",
                format!(
                    "`{}` and `{}` are compared together: with one of them missing only deliveries pass that leave it empty, too",
                    AZURE[0], AZURE[1]
                ),
            )
            .help("add the other one, or leave both out");
    }
    for name in ALONE.into_iter().chain(AZURE) {
        let Some(value) = text(data, name) else { continue };
        if let Some(named) = value.strip_prefix('$') {
            // What is behind a colon is in a Secret of its own.
            if !named.contains(':') && !data.contains_key(named) {
                report
                    .warning(
                        "secret/webhook-reference",
                        format!("`{name}` begins with `$`, so that Argo CD takes it for the name of another key, which is not stored: no delivery passes"),
                    )
                    .help("store the key that it names beside it, or have a value that does not begin with `$`");
            }
        } else if value != value.trim() {
            report
                .warning(
                    "secret/white-space",
                    format!("`{name}` begins or ends in white space, which Argo CD compares, too: no delivery passes"),
                )
                .help("take it away, a newline at the end most likely; what the Git host signs with has none");
        }
    }
}
