//! The hosts that Argo CD would have to know to use a secret.

use url::Url;

use super::settings::KNOWN_HOSTS;
use super::{Data, Shape, text};
use crate::finding::Finding;
use crate::known_hosts::{entries, name};

/// Returns a finding for each repository that is read by SSH from a host of which Argo CD will know no key: it refuses to connect then
/// (`util/git/creds.go`, `StrictHostKeyChecking=yes`). What it knows is what a store holds as `ssh-known-hosts`, or else `installed`,
/// `argocd-ssh-known-hosts-cm` of the install.
pub fn check_hosts(installed: &str, secrets: &[(&str, &str, &Data)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let stored = secrets.iter().find_map(|(name, shape, data)| {
        let is_known_hosts = Shape::of(shape) == Some(Shape::SshKnownHosts);
        Some((*name, text(data, KNOWN_HOSTS).filter(|_| is_known_hosts)?))
    });
    let (known_hosts, place) = match stored {
        Some((name, stored)) => (stored, format!("what the store holds of secret `{name}`")),
        None => (
            installed,
            "`argocd-ssh-known-hosts-cm` in the agent's install".to_owned(),
        ),
    };
    for (secret, shape, data) in secrets {
        let is_git = matches!(
            Shape::of(shape),
            Some(Shape::Repository | Shape::RepositoryWrite | Shape::RepoCreds | Shape::RepoWriteCreds)
        );
        let is_lax = ["insecure", "insecureIgnoreHostKey"]
            .iter()
            .any(|key| text(data, key) == Some("true"));
        let Some((host, port)) = text(data, "url").filter(|_| is_git && !is_lax).and_then(host) else {
            continue;
        };
        if entries(known_hosts, &host, port).all(|entry| entry.marker.is_some()) {
            let message = format!("secret `{secret}`: Argo CD will know no key of {}", name(&host, port));
            let help = format!("add what `ssh-keyscan -p {port} {host}` prints, once it is verified, to {place}");
            findings.push(Finding::warning("secret/unknown-host", message).help(help));
        }
    }
    findings
}

/// Returns host and port of an address of SSH: `ssh://user@host:port/path` or `user@host:path`.
fn host(address: &str) -> Option<(String, u16)> {
    if address.starts_with("ssh://") {
        let url = Url::parse(address).ok()?;
        return Some((url.host_str()?.to_owned(), url.port().unwrap_or(22)));
    }
    if address.contains("://") {
        return None;
    }
    let (before, _) = address.split_once(':')?;
    let (_, host) = before.split_once('@')?;
    (!host.contains('/')).then(|| (host.to_owned(), 22))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Secret;

    const KNOWN: &str = "git.example.com ssh-ed25519 AAAA\n[git.example.com]:2222 ssh-ed25519 AAAA\n@revoked bad.example.com ssh-ed25519 AAAA\n";

    fn found(shape: &str, pairs: &[(&str, &str)]) -> Vec<String> {
        let data = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), Secret::from(*value)))
            .collect();
        let findings = check_hosts(KNOWN, &[("repo", shape, &data)]);
        findings.into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn a_host_that_argo_cd_will_not_know_is_told_before_it_refuses_to_connect() {
        for (url, unknown) in [
            ("git@git.example.com:shop/platform.git", None),
            ("ssh://git@git.example.com/shop/platform", None),
            ("ssh://git@git.example.com:2222/shop/platform", None),
            ("https://elsewhere.example.com/shop/platform.git", None),
            (
                "ssh://git@git.example.com:7999/shop/platform",
                Some("[git.example.com]:7999"),
            ),
            (
                "git@elsewhere.example.com:shop/platform.git",
                Some("elsewhere.example.com"),
            ),
            ("git@bad.example.com:shop/platform.git", Some("bad.example.com")),
        ] {
            let expected: Vec<_> = unknown
                .iter()
                .map(|host| format!("secret `repo`: Argo CD will know no key of {host}"))
                .collect();
            assert_eq!(found("repository", &[("url", url)]), expected, "{url}");
            assert_eq!(
                found("repository", &[("url", url), ("insecure", "true")]),
                [""; 0],
                "{url}"
            );
            assert_eq!(found("cluster", &[("url", url)]), [""; 0], "{url}");
        }
    }

    #[test]
    fn hosts_of_a_store_take_the_place_of_those_of_the_install() {
        let one = |key: &str, value: &str| Data::from([(key.to_owned(), Secret::from(value))]);
        let repository = one("url", "git@git.example.com:shop/platform.git");
        let elsewhere = one("url", "git@elsewhere.example.com:shop/platform.git");
        let hosts = one("ssh_known_hosts", "elsewhere.example.com ssh-ed25519 AAAA\n");
        let secrets = [
            ("hosts", "ssh-known-hosts", &hosts),
            ("repo", "repository", &repository),
            ("elsewhere", "repository", &elsewhere),
        ];
        let found = check_hosts(KNOWN, &secrets);
        let [finding] = found.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!(
            finding.message,
            "secret `repo`: Argo CD will know no key of git.example.com"
        );
        let help = finding.help.as_deref().unwrap();
        assert!(help.ends_with("to what the store holds of secret `hosts`"), "{help}");
    }
}
