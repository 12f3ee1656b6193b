//! `repository`, `repository-write`, `repo-creds`, `repo-write-creds`.

use super::key::{Form, Key, meant};
use super::{Data, Shape, has, text};
use crate::platform::argocd::address;
use crate::platform::secret::Report;
use crate::recipe;

/// The keys of `repository` and `repository-write`.
pub(super) const REPOSITORY: &[Key] = &[
    Key::public("name", Form::Text),
    Key::public("url", Form::Text),
    Key::public("project", Form::Text),
    Key::public("type", Form::Text),
    Key::public("username", Form::Text),
    Key::secret("password", Form::Text),
    Key::secret("bearerToken", Form::Text),
    Key::secret("sshPrivateKey", Form::PrivateKey),
    Key::secret("tlsClientCertData", Form::Certificate),
    Key::secret("tlsClientCertKey", Form::PrivateKey),
    Key::public("githubAppID", Form::Integer),
    Key::public("githubAppInstallationID", Form::Integer),
    Key::secret("githubAppPrivateKey", Form::PrivateKey),
    Key::public("githubAppEnterpriseBaseUrl", Form::Text),
    Key::secret("gcpServiceAccountKey", Form::Json),
    Key::public("azureServicePrincipalClientId", Form::Text),
    Key::secret("azureServicePrincipalClientSecret", Form::Text),
    Key::public("azureServicePrincipalTenantId", Form::Text),
    Key::public("azureActiveDirectoryEndpoint", Form::Text),
    Key::public("useAzureWorkloadIdentity", Form::Boolean),
    // A proxy's address may carry a password.
    Key::secret("proxy", Form::Text),
    Key::public("noProxy", Form::Text),
    Key::public("insecure", Form::Boolean),
    Key::public("insecureIgnoreHostKey", Form::Boolean),
    Key::public("enableLfs", Form::Boolean),
    Key::public("enableOCI", Form::Boolean),
    Key::public("insecureOCIForceHttp", Form::Boolean),
    Key::public("forceHttpBasicAuth", Form::Boolean),
    Key::public("depth", Form::Integer),
    Key::public("webhookManifestCacheWarmDisabled", Form::Boolean),
];

/// The keys of `repo-creds` and `repo-write-creds`. Two of the Azure keys are spelt otherwise than in `repository`.
pub(super) const CREDENTIALS: &[Key] = &[
    Key::public("url", Form::Text),
    Key::public("type", Form::Text),
    Key::public("username", Form::Text),
    Key::secret("password", Form::Text),
    Key::secret("bearerToken", Form::Text),
    Key::secret("sshPrivateKey", Form::PrivateKey),
    Key::secret("tlsClientCertData", Form::Certificate),
    Key::secret("tlsClientCertKey", Form::PrivateKey),
    Key::public("githubAppID", Form::Integer),
    Key::public("githubAppInstallationID", Form::Integer),
    Key::secret("githubAppPrivateKey", Form::PrivateKey),
    Key::public("githubAppEnterpriseBaseUrl", Form::Text),
    Key::secret("gcpServiceAccountKey", Form::Json),
    Key::public("azureServicePrincipalClientID", Form::Text),
    Key::secret("azureServicePrincipalClientSecret", Form::Text),
    Key::public("azureServicePrincipalTenantID", Form::Text),
    Key::public("azureActiveDirectoryEndpoint", Form::Text),
    Key::public("useAzureWorkloadIdentity", Form::Boolean),
    Key::secret("proxy", Form::Text),
    Key::public("noProxy", Form::Text),
    Key::public("enableOCI", Form::Boolean),
    Key::public("insecureOCIForceHttp", Form::Boolean),
    Key::public("forceHttpBasicAuth", Form::Boolean),
];

/// A way to prove who one is, and the keys without which it does not work. The first whose first key is given wins, and
/// the others are not even tried (`pkg/apis/application/v1alpha1/repository_types.go:GetGitCreds`).
const WAYS: [(&str, &[&str]); 6] = [
    ("a password", &["password"]),
    ("a bearer token", &["bearerToken"]),
    ("an SSH key", &["sshPrivateKey"]),
    (
        "a GitHub App",
        &["githubAppPrivateKey", "githubAppID", "githubAppInstallationID"],
    ),
    ("a Google service account", &["gcpServiceAccountKey"]),
    ("Azure workload identity", &["useAzureWorkloadIdentity"]),
];

/// The values of `type`.
const TYPES: [&str; 3] = ["git", "helm", "oci"];

/// Checks what keys say together.
pub(super) fn check(shape: Shape, data: &Data, report: &mut Report<'_>) {
    let is_repository = matches!(shape, Shape::Repository | Shape::RepositoryWrite);
    check_type(is_repository, data, report);
    check_url(data, report);
    check_ways(data, report);
    check_pairs(shape, data, report);
}

fn check_type(is_repository: bool, data: &Data, report: &mut Report<'_>) {
    let Some(kind) = text(data, "type") else { return };
    if !TYPES.contains(&kind) {
        let guess = meant(kind, TYPES).map_or_else(
            || "write `git`, `helm` or `oci`, or leave the key out for `git`".to_owned(),
            |guess| format!("did you mean `{guess}`?"),
        );
        report
            .error("secret/repository-type", "`type` is none of `git`, `helm`, `oci`")
            .help(guess);
    }
    if kind.eq_ignore_ascii_case("helm") && is_repository && !has(data, "name") {
        report
            .error(
                "secret/helm-name",
                "a repository of type `helm` needs `name`, and has none",
            )
            .help("add `name`, the name by which charts are added: any word");
    }
}

fn check_url(data: &Data, report: &mut Report<'_>) {
    let Some(url) = text(data, "url") else {
        report
            .error(
                "secret/no-url",
                "`url` is missing: Argo CD cannot tell which repository this is for",
            )
            .help("add `url`, exactly as Applications write it in `repoURL`");
        return;
    };
    if url.trim() != url {
        report
            .error("secret/url", "`url` has white space around it")
            .help("take it away; a newline at the end most likely");
    }
    if recipe::has_password(url) {
        report
            .error(
                "secret/url-password",
                "`url` carries a password, and Argo CD shows addresses to everybody",
            )
            .help("put it into `username` and `password`");
    }
    let helm_oci =
        text(data, "enableOCI").is_some_and(|value| matches!(value, "1" | "t" | "T" | "TRUE" | "true" | "True"));
    if helm_oci && url.contains("://") {
        report
            .warning(
                "secret/helm-oci-url",
                "with `enableOCI` the address of a Helm registry has no scheme",
            )
            .help("write `registry.example.com/charts`; or use `type: oci` with `oci://…`");
    }
    let ssh = address::is_ssh(url);
    if ssh && !has(data, "sshPrivateKey") {
        report
            .warning(
                "secret/ssh-without-key",
                "`url` is one of SSH, but there is no `sshPrivateKey`",
            )
            .help("add the key, or use the address of HTTPS; without it only a `repo-creds` secret can let Argo CD in");
    }
    if !ssh && has(data, "sshPrivateKey") {
        report
            .warning(
                "secret/key-without-ssh",
                "`sshPrivateKey` is not used: `url` is not one of SSH",
            )
            .help("write the address as `git@host:path` or `ssh://git@host/path`");
    }
    if ssh && (has(data, "password") || has(data, "bearerToken")) {
        report
            .error(
                "secret/password-for-ssh",
                "`url` is one of SSH, but a password or token is given, and Argo CD then leaves the SSH key aside",
            )
            .help("leave `password` and `bearerToken` out");
    }
}

fn check_ways(data: &Data, report: &mut Report<'_>) {
    let given: Vec<_> = WAYS.iter().filter(|(_, keys)| has(data, keys[0])).collect();
    if let [first, second, ..] = given[..] {
        // A bearer token goes into the same credentials as a password, and there it is preferred.
        let wins = if first.1[0] == "password" && second.1[0] == "bearerToken" {
            second
        } else {
            first
        };
        let names: Vec<_> = given.iter().map(|(_, keys)| format!("`{}`", keys[0])).collect();
        report
            .error(
                "secret/two-ways-in",
                format!(
                    "{} are given, and Argo CD silently takes only {}",
                    names.join(" and "),
                    wins.0
                ),
            )
            .help("keep one way in");
    }
    for (way, keys) in &WAYS {
        let missing: Vec<_> = keys.iter().filter(|key| !has(data, key)).copied().collect();
        if !missing.is_empty() && missing.len() < keys.len() {
            report
                .error("secret/half-a-way-in", format!("{way} also needs {}", quoted(&missing)))
                .help("without all of them Argo CD asks without any credentials");
        }
    }
    if has(data, "username") && !has(data, "password") && !has(data, "bearerToken") {
        report
            .warning("secret/no-password", "`username` is given, but no `password`")
            .help("a token goes into `password`; `username` may then be any word");
    }
}

fn check_pairs(shape: Shape, data: &Data, report: &mut Report<'_>) {
    let azure = match shape {
        Shape::RepoCreds | Shape::RepoWriteCreds => ["azureServicePrincipalClientID", "azureServicePrincipalTenantID"],
        _ => ["azureServicePrincipalClientId", "azureServicePrincipalTenantId"],
    };
    for group in [
        &["tlsClientCertData", "tlsClientCertKey"][..],
        &[azure[0], azure[1], "azureServicePrincipalClientSecret"][..],
    ] {
        let missing: Vec<_> = group.iter().filter(|key| !has(data, key)).copied().collect();
        if !missing.is_empty() && missing.len() < group.len() {
            let given: Vec<_> = group.iter().filter(|key| has(data, key)).copied().collect();
            report
                .error(
                    "secret/half-a-pair",
                    format!("{} also needs {}", quoted(&given), quoted(&missing)),
                )
                .help("they only work together");
        }
    }
}

fn quoted(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(" and ")
}
