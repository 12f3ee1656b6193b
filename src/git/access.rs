//! How to log in to a Git server, and how to know that it is the right one.

use std::collections::BTreeMap;

use super::Error;
use crate::redact::Secret;

/// The user that is sent beside a token where the secret names none. GitHub takes it; others take any.
const TOKEN_USER: &str = "x-access-token";

/// The words that Argo CD reads as a boolean: those of Go's `strconv.ParseBool`.
const BOOLEANS: [(&str, bool); 12] = [
    ("1", true),
    ("t", true),
    ("T", true),
    ("true", true),
    ("TRUE", true),
    ("True", true),
    ("0", false),
    ("f", false),
    ("F", false),
    ("false", false),
    ("FALSE", false),
    ("False", false),
];

/// Keys of a repository secret that Argo CD can use and this program cannot, with what they are.
const UNSUPPORTED: [(&str, &str); 7] = [
    ("githubAppPrivateKey", "a GitHub App"),
    ("githubAppID", "a GitHub App"),
    ("gcpServiceAccountKey", "a Google service account"),
    ("azureServicePrincipalClientSecret", "an Azure service principal"),
    ("useAzureWorkloadIdentity", "an Azure workload identity"),
    ("tlsClientCertData", "a TLS client certificate"),
    ("tlsClientCertKey", "a TLS client certificate"),
];

/// How to log in to a Git server, and how to know that it is the right one.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// How to log in.
    pub login: Login,
    /// How to know the server.
    pub trust: Trust,
}

/// How to log in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Login {
    /// Not at all: the repository is public.
    #[default]
    Public,
    /// With a name and a password or token.
    Basic {
        /// The name.
        username: String,
        /// The password or token.
        password: Secret,
    },
    /// With a token in a header of its own.
    Bearer(Secret),
    /// With an SSH key.
    Ssh {
        /// The private key, as OpenSSH or PEM writes it, without a passphrase.
        key: Secret,
    },
}

/// How to know that a server is the right one.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// The text of a `known_hosts` file. `None`: the user's own file and the system's.
    pub known_hosts: Option<String>,
    /// Certificates in PEM that may sign the server's, beside the system's own.
    pub ca: Option<String>,
    /// Whether any server will do: neither host key nor certificate is checked.
    pub insecure: bool,
}

impl Access {
    /// Reads an Argo CD secret of type `repository` or `repo-creds`; keys are named as Argo CD names them.
    ///
    /// As in Argo CD a token goes before a password and a password before a key, and a boolean that is present must be
    /// one. A secret that logs in in a way that is not supported for reading is an error that says so.
    pub fn from_repository_secret(data: &BTreeMap<String, Secret>) -> Result<Self, Error> {
        let mut wrong = Vec::new();
        let insecure = flag(data, "insecure", &mut wrong) | flag(data, "insecureIgnoreHostKey", &mut wrong);
        let username = text(data, "username", &mut wrong).unwrap_or_default();
        let login = if let Some(token) = present(data, "bearerToken") {
            text(data, "bearerToken", &mut wrong);
            Login::Bearer(token.clone())
        } else if let Some(password) = present(data, "password") {
            text(data, "password", &mut wrong);
            let username = if username.is_empty() {
                TOKEN_USER.to_owned()
            } else {
                username
            };
            Login::Basic {
                username,
                password: password.clone(),
            }
        } else if let Some(key) = present(data, "sshPrivateKey") {
            private_key(key, &mut wrong);
            Login::Ssh { key: key.clone() }
        } else {
            if let Some((key, what)) = UNSUPPORTED.iter().find(|(key, _)| present(data, key).is_some()) {
                wrong.push(format!(
                    "logging in with {what} (`{key}`) is not supported for reading yet"
                ));
            } else if !username.is_empty() {
                wrong.push("`username` is there but `password` is not".to_owned());
            }
            Login::Public
        };
        if !wrong.is_empty() {
            return Err(Error::Credential(wrong));
        }
        let trust = Trust {
            insecure,
            ..Trust::default()
        };
        Ok(Self { login, trust })
    }
}

/// Returns the value of a key that is there and not empty.
fn present<'data>(data: &'data BTreeMap<String, Secret>, key: &str) -> Option<&'data Secret> {
    data.get(key).filter(|value| !value.is_empty())
}

/// Returns a value that is put into a header or a line, where control characters would end it.
fn text(data: &BTreeMap<String, Secret>, key: &str, wrong: &mut Vec<String>) -> Option<String> {
    let value = present(data, key)?;
    match value.expose_str() {
        Some(text) if !text.contains(char::is_control) => Some(text.to_owned()),
        Some(text) if text.ends_with(['\n', '\r']) => {
            wrong.push(format!("`{key}` ends with a line break"));
            None
        }
        _ => {
            wrong.push(format!("`{key}` is not plain text"));
            None
        }
    }
}

fn flag(data: &BTreeMap<String, Secret>, key: &str, wrong: &mut Vec<String>) -> bool {
    let Some(value) = data.get(key) else { return false };
    let word = value.expose_str().unwrap_or_default();
    let known = BOOLEANS.iter().find(|(spelling, _)| *spelling == word);
    if known.is_none() {
        wrong.push(format!(
            "`{key}` is neither `true` nor `false`; Argo CD ignores a secret with such a value"
        ));
    }
    known.is_some_and(|(_, flag)| *flag)
}

fn private_key(key: &Secret, wrong: &mut Vec<String>) {
    let text = key.expose_str().unwrap_or_default();
    if !text.trim_start().starts_with("-----BEGIN ") || !text.contains("PRIVATE KEY-----") {
        wrong.push(
            "`sshPrivateKey` is not a private key: it does not begin with `-----BEGIN … PRIVATE KEY-----`".to_owned(),
        );
    } else if text.contains("ENCRYPTED") {
        wrong.push("`sshPrivateKey` is protected by a passphrase".to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(data: &[(&str, &str)]) -> Result<Access, Error> {
        let data = data
            .iter()
            .map(|(key, value)| ((*key).to_owned(), Secret::from(*value)))
            .collect();
        Access::from_repository_secret(&data)
    }

    const KEY: &str = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk=\n-----END OPENSSH PRIVATE KEY-----\n";

    #[test]
    fn every_way_of_argo_cd_that_can_be_read_is_read() {
        let basic = |username: &str| Login::Basic {
            username: username.to_owned(),
            password: Secret::from("hunter2"),
        };
        let table: [(&[(&str, &str)], Login); 6] = [
            (&[("url", "https://git.example.com/a")], Login::Public),
            (&[("username", "bot"), ("password", "hunter2")], basic("bot")),
            (&[("password", "hunter2")], basic("x-access-token")),
            (&[("bearerToken", "hunter2")], Login::Bearer(Secret::from("hunter2"))),
            (&[("sshPrivateKey", KEY)], Login::Ssh { key: Secret::from(KEY) }),
            (
                &[("password", "hunter2"), ("sshPrivateKey", KEY), ("username", "bot")],
                basic("bot"),
            ),
        ];
        for (data, login) in table {
            assert_eq!(read(data).unwrap().login, login);
        }
        assert!(read(&[("insecureIgnoreHostKey", "true")]).unwrap().trust.insecure);
    }

    #[test]
    fn what_cannot_be_used_is_said_all_at_once_and_never_quoted() {
        let error = read(&[("insecure", ""), ("password", "hunter2\n")])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("`insecure` is neither") && error.contains("`password` ends with a line break"),
            "{error}"
        );
        assert!(!error.contains("hunter2"), "{error}");
        for (key, word) in [
            ("githubAppID", "GitHub App"),
            ("tlsClientCertData", "client certificate"),
        ] {
            let error = read(&[(key, "1")]).unwrap_err().to_string();
            assert!(
                error.contains(word) && error.contains("not supported for reading yet"),
                "{error}"
            );
        }
        assert!(
            read(&[("username", "bot")])
                .unwrap_err()
                .to_string()
                .contains("`password`")
        );
        assert!(
            read(&[("sshPrivateKey", "ssh-ed25519 AAAA")])
                .unwrap_err()
                .to_string()
                .contains("not a private key")
        );
    }
}
