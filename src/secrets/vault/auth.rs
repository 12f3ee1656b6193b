//! The ways to log in, as the settings name them.

use std::path::PathBuf;

use crate::redact::Secret;

/// How to log in.
#[derive(Debug, Clone)]
pub enum Login {
    /// With a token that someone else made.
    Token(Secret),
    /// With a wrapping token, which opens once and holds the token.
    Wrapped(Secret),
    /// By `AppRole`: the store logs in itself, and again when its token ends.
    AppRole {
        /// Where the method is mounted, `approle` unless told otherwise.
        mount: String,
        /// The role's id.
        role_id: Secret,
        /// The secret's id, or the wrapping token that holds it.
        secret_id: Secret,
        /// Whether it is a wrapping token, which opens once.
        wrapped: bool,
    },
    /// With the token of a ServiceAccount, which the server has reviewed by the cluster that made it.
    Kubernetes {
        /// Where the method is mounted, `kubernetes` unless told otherwise.
        mount: String,
        /// The role.
        role: String,
        /// The account's token.
        token: Bearer,
    },
    /// With a token (a JWT) that somebody else has signed, such as that of a CI job.
    Jwt {
        /// Where the method is mounted, `jwt` unless told otherwise.
        mount: String,
        /// The role; the method's default role unless given.
        role: Option<String>,
        /// The token.
        token: Bearer,
    },
    /// With a user and a password that the server keeps.
    UserPass {
        /// Where the method is mounted, `userpass` unless told otherwise.
        mount: String,
        /// The user.
        username: String,
        /// The password.
        password: Secret,
    },
    /// With the certificate with which we speak TLS.
    Certificate {
        /// Where the method is mounted, `cert` unless told otherwise.
        mount: String,
        /// The role; whichever fits unless given.
        name: Option<String>,
        /// The certificate and its private key (PEM).
        identity: Secret,
    },
    /// Not at all: whoever is at the address logs in by itself and lends its token. None is sent.
    Agent,
}

/// A token that is shown at login.
#[derive(Debug, Clone)]
pub enum Bearer {
    /// As it was given.
    Given(Secret),
    /// In a file that whoever made it keeps fresh; read at each login.
    File(PathBuf),
}

impl Login {
    /// Returns the credentials that are known before anything is sent.
    pub(super) fn credentials(&self) -> Vec<&Secret> {
        match self {
            Self::Token(token)
            | Self::Wrapped(token)
            | Self::Jwt {
                token: Bearer::Given(token),
                ..
            }
            | Self::Kubernetes {
                token: Bearer::Given(token),
                ..
            } => vec![token],
            Self::AppRole { role_id, secret_id, .. } => vec![role_id, secret_id],
            Self::UserPass { password, .. } => vec![password],
            Self::Certificate { identity, .. } => vec![identity],
            Self::Kubernetes { .. } | Self::Jwt { .. } | Self::Agent => Vec::new(),
        }
    }

    /// Returns what people call the credential that must be given anew when it is used up.
    pub(super) fn called(&self) -> &'static str {
        match self {
            Self::Token(_) | Self::Kubernetes { .. } | Self::Jwt { .. } | Self::Agent => "its token",
            Self::Wrapped(_) | Self::AppRole { wrapped: true, .. } => "its wrapping token",
            Self::AppRole { .. } => "its secret id",
            Self::UserPass { .. } => "its password",
            Self::Certificate { .. } => "its certificate",
        }
    }

    /// Returns what could not work, and what to do about it.
    pub(super) fn trouble(&self) -> Option<(&'static str, &'static str)> {
        let mount = match self {
            Self::AppRole { mount, .. }
            | Self::Kubernetes { mount, .. }
            | Self::Jwt { mount, .. }
            | Self::UserPass { mount, .. }
            | Self::Certificate { mount, .. } => mount,
            Self::Token(_) | Self::Wrapped(_) | Self::Agent => "-",
        };
        if mount.trim_matches('/').is_empty() {
            return Some((
                "the mount of its login method is empty",
                "leave `mount` out for the usual one",
            ));
        }
        match self {
            Self::Token(token) if !is_header(token.expose()) => Some((
                "its token is empty or holds spaces, line breaks or control characters",
                "read it without the line break at its end",
            )),
            Self::Wrapped(token)
            | Self::AppRole {
                secret_id: token,
                wrapped: true,
                ..
            } if !is_header(token.expose()) => Some((
                "its wrapping token is empty or holds spaces, line breaks or control characters",
                "read it without the line break at its end",
            )),
            Self::AppRole { role_id, secret_id, .. } if is_void(role_id) || is_void(secret_id) => Some((
                "its role id or secret id is empty or no text",
                "give both under `auth.approle`",
            )),
            Self::Kubernetes {
                token: Bearer::Given(token),
                ..
            }
            | Self::Jwt {
                token: Bearer::Given(token),
                ..
            } if is_void(token) => Some(("its token (JWT) is empty or no text", "give it under `jwt`")),
            // The user is a part of the address that is asked.
            Self::UserPass { username, .. } if username.is_empty() || username.contains('/') => {
                Some(("its user is empty or holds a slash", "correct `username`"))
            }
            Self::UserPass { password, .. } if is_void(password) => {
                Some(("its password is empty or no text", "give it under `password`"))
            }
            _ => None,
        }
    }
}

/// Whether a value is empty or no text.
fn is_void(value: &Secret) -> bool {
    value.expose_str().is_none_or(str::is_empty)
}

/// Whether a value can travel in an HTTP header as it is.
pub(super) fn is_header(value: &[u8]) -> bool {
    !value.is_empty() && value.iter().all(u8::is_ascii_graphic)
}
