//! Settings of Argo CD that open connections as credentials do, and are no secrets: whom it trusts. They are ConfigMaps.
//!
//! Sources: `util/cert/cert.go`, `util/gpg/gpg.go` and `manifests/base/config` of Argo CD 3.2.11.

use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::key::{Fault, Form};
use super::{Data, Shape, has, text};
use crate::known_hosts::{Line, lines};
use crate::object::is_subdomain;
use crate::platform::argocd::PART_OF;
use crate::platform::secret::Report;
use crate::redact::Secret;

/// The one key of `argocd-ssh-known-hosts-cm`.
pub(super) const KNOWN_HOSTS: &str = "ssh_known_hosts";

/// Returns the name of the ConfigMap that a type becomes, with or without `argocd/` in front; `None` for what becomes a Secret.
pub fn settings_of(shape: &str) -> Option<&'static str> {
    Shape::of(shape).and_then(Shape::config_map)
}

/// Builds the ConfigMap of a type; `None` for what becomes a Secret. What is no text is left out: [`super::check`] has refused it.
pub fn settings(shape: &str, namespace: &str, data: &Data) -> Option<Value> {
    let name = settings_of(shape)?;
    let text = |(key, value): (&String, &Secret)| Some((key.clone(), Value::from(value.expose_str()?)));
    Some(json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/name": name, PART_OF: "argocd"},
        },
        "data": data.iter().filter_map(text).collect::<Map<_, _>>(),
    }))
}

/// Whether a value holds a private key, of whatever kind.
pub(super) fn holds_private_key(value: &Secret) -> bool {
    let text = String::from_utf8_lossy(value.expose());
    text.contains("PRIVATE KEY")
}

/// Checks what Argo CD is to trust.
pub(super) fn check(shape: Shape, data: &Data, report: &mut Report<'_>) {
    for (name, value) in data {
        if holds_private_key(value) {
            report
                .error(
                    "secret/private-key",
                    format!("`{name}` holds a private key, and it would be in a ConfigMap that many may read"),
                )
                .help("store the public half alone, and make a new key: this one was where it does not belong");
            continue;
        }
        match shape {
            Shape::TlsCerts => check_server(name, value, report),
            Shape::GpgKeys => check_signer(name, value, report),
            _ => {}
        }
    }
    if shape == Shape::SshKnownHosts {
        check_known_hosts(data, report);
    }
}

fn check_known_hosts(data: &Data, report: &mut Report<'_>) {
    if !has(data, KNOWN_HOSTS) {
        report
            .error(
                "secret/missing-key",
                format!("`{KNOWN_HOSTS}` is missing, and Argo CD reads no other key"),
            )
            .help(format!(
                "store the lines of `argocd-ssh-known-hosts-cm` under `{KNOWN_HOSTS}`"
            ));
        return;
    }
    // That it is text is asked of every key.
    let Some(text) = text(data, KNOWN_HOSTS) else { return };
    let (mut entries, mut others) = (0, Vec::new());
    for (number, line) in (1..).zip(lines(text)) {
        match line {
            Line::Entry(_) => entries += 1,
            Line::Unreadable => others.push(number.to_string()),
            Line::Nothing => {}
        }
    }
    if entries == 0 {
        report
            .error(
                "secret/malformed",
                format!("`{KNOWN_HOSTS}` holds no host with its key"),
            )
            .help("each line is `HOST TYPE KEY`, as `ssh-keyscan HOST` prints it, and line breaks must be kept");
    } else if let [first, ..] = others.as_slice() {
        let (lines, are) = if others.len() == 1 {
            (format!("line {first}"), "is")
        } else {
            (format!("lines {}", others.join(", ")), "are")
        };
        report
            .warning(
                "secret/malformed",
                format!("`{KNOWN_HOSTS}`: {lines} {are} no host with its key, and ssh passes over that"),
            )
            .help("each line is `HOST TYPE KEY`, as `ssh-keyscan HOST` prints it");
    }
}

/// A server's certificates. The key is the file that Argo CD looks for: the host alone (`ServerNameWithoutPort`).
fn check_server(name: &str, value: &Secret, report: &mut Report<'_>) {
    if !is_subdomain(name) && name.parse::<IpAddr>().is_err() {
        report
            .warning(
                "secret/unknown-key",
                format!("`{name}` is not the name of a server, and Argo CD does not look for it"),
            )
            .help("the key is the server's name in lower case, without `https://` and without a port");
    }
    let empty = value.is_empty().then_some(Fault {
        what: "is empty, and Argo CD then connects to that server no more",
        help: "store its certificates, or leave the key out",
    });
    malformed(name, empty.or_else(|| Form::Certificate.fault(value)), report);
}

/// A key that signs commits. A file whose name is no key ID is passed over; one that cannot be imported keeps the repo-server from
/// starting (`SyncKeyRingFromDirectory`).
fn check_signer(name: &str, value: &Secret, report: &mut Report<'_>) {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte);
    if name.len() != 16 || !name.bytes().all(is_digit) {
        report
            .warning(
                "secret/unknown-key",
                format!("`{name}` is no key ID, and Argo CD passes over it"),
            )
            .help(
                "a key ID has 16 hexadecimal digits in upper case, as `gpg --list-keys --keyid-format long` prints it",
            );
    }
    let empty = value.is_empty().then_some(Fault {
        what: "is empty, and Argo CD's repo-server does not start with it",
        help: "store the public key, or leave the key ID out",
    });
    malformed(name, empty.or_else(|| Form::PublicKey.fault(value)), report);
}

fn malformed(name: &str, fault: Option<Fault>, report: &mut Report<'_>) {
    if let Some(Fault { what, help }) = fault {
        report.error("secret/malformed", format!("`{name}` {what}")).help(help);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Finding;
    use crate::platform::argocd::secret;

    const PEM: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    const PGP: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQEN\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n";
    const HOST: &str = "git.example.com ssh-ed25519 AAAA\n";

    fn data(pairs: &[(&str, &str)]) -> Data {
        let pairs = pairs.iter();
        pairs
            .map(|(key, value)| ((*key).to_owned(), Secret::from(*value)))
            .collect()
    }

    #[test]
    fn each_becomes_the_config_map_that_argo_cd_mounts() {
        for (shape, name) in [
            ("argocd/ssh-known-hosts", Some("argocd-ssh-known-hosts-cm")),
            ("tls-certs", Some("argocd-tls-certs-cm")),
            ("gpg-keys", Some("argocd-gpg-keys-cm")),
            ("argocd-secret", None),
            ("repository", None),
            ("nonsense", None),
        ] {
            assert_eq!(settings_of(shape), name, "{shape}");
        }
        assert_eq!(
            settings("tls-certs", "argo", &data(&[("git.example.com", PEM)])),
            Some(json!({
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {
                    "name": "argocd-tls-certs-cm", "namespace": "argo",
                    "labels": {
                        "app.kubernetes.io/name": "argocd-tls-certs-cm", "app.kubernetes.io/part-of": "argocd",
                    },
                },
                "data": {"git.example.com": PEM},
            }))
        );
        assert_eq!(settings("repository", "argo", &data(&[("url", "https://h")])), None);
    }

    #[test]
    fn what_argo_cd_could_not_use_is_found_before() {
        let private = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n";
        let mixed = format!("# a comment\n\n{HOST}git.example.com ssh-ed25519\nnonsense\n");
        let unread = "Warning secret/malformed: `ssh_known_hosts`: lines 4, 5 are no host with its key, and ssh passes over that";
        let of_host = "`https://git` is not the name of a server, and Argo CD does not look for it";
        for (shape, pairs, expected) in [
            ("ssh-known-hosts", vec![("ssh_known_hosts", HOST)], vec![]),
            ("ssh-known-hosts", vec![("ssh_known_hosts", &*mixed)], vec![unread]),
            (
                "ssh-known-hosts",
                vec![("ssh_known_hosts", "# nothing\n")],
                vec!["Error secret/malformed: `ssh_known_hosts` holds no host with its key"],
            ),
            (
                "ssh-known-hosts",
                vec![("known_hosts", HOST)],
                vec![
                    "Error secret/unknown-key: `known_hosts` is not read by Argo CD",
                    "Error secret/missing-key: `ssh_known_hosts` is missing, and Argo CD reads no other key",
                ],
            ),
            ("tls-certs", vec![("git.example.com", PEM), ("10.0.0.7", PEM)], vec![]),
            (
                "tls-certs",
                vec![("git.example.com", "MIIB")],
                vec!["Error secret/malformed: `git.example.com` holds no PEM certificate"],
            ),
            (
                "tls-certs",
                vec![("git", "")],
                vec!["Error secret/malformed: `git` is empty, and Argo CD then connects to that server no more"],
            ),
            (
                "tls-certs",
                vec![("https://git", PEM)],
                vec![&format!("Warning secret/unknown-key: {of_host}")],
            ),
            (
                "tls-certs",
                vec![("git", private)],
                vec![
                    "Error secret/private-key: `git` holds a private key, and it would be in a ConfigMap that many may read",
                ],
            ),
            ("gpg-keys", vec![("4AEE18F83AFDEB23", PGP)], vec![]),
            (
                "gpg-keys",
                vec![("4aee18f83afdeb23", PGP)],
                vec!["Warning secret/unknown-key: `4aee18f83afdeb23` is no key ID, and Argo CD passes over it"],
            ),
            (
                "gpg-keys",
                vec![("4AEE18F83AFDEB23", PEM)],
                vec!["Error secret/malformed: `4AEE18F83AFDEB23` holds no PGP public key"],
            ),
        ] {
            let findings = secret::check(shape, "mine", &data(&pairs));
            let told = |finding: &Finding| {
                assert!(finding.help.is_some(), "{}", finding.message);
                let message = finding.message.replace("secret `mine`: ", "");
                format!("{:?} {}: {message}", finding.severity, finding.rule)
            };
            let told: Vec<_> = findings.iter().map(told).collect();
            assert_eq!(told, expected, "{shape} {pairs:?}");
        }
    }
}
