//! Vault and OpenBao.

use zeroize::Zeroizing;

use super::plain::{pair, value};
use crate::event::Failure;
use crate::redact::{Redactor, Secret};
use crate::runbook::{Auth, Given, Plain, Vault};
use crate::secrets::Store;
use crate::secrets::vault::{self, Bearer, Login, Settings};

/// Where a pod finds the token of its ServiceAccount.
const POD: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// Makes the store.
pub(super) fn make(name: &str, vault: &Vault, redactor: &Redactor) -> Result<Box<dyn Store>, Failure> {
    Ok(Box::new(vault::Vault::new(settings(name, vault)?, redactor)?))
}

fn settings(name: &str, vault: &Vault) -> Result<Settings, Failure> {
    let ca_pem = match &vault.ca {
        None => None,
        Some(path) => Some(
            std::fs::read(path)
                .map_err(|error| Failure::new(format!("store {name}: its CA {path} cannot be read: {error}")))?,
        ),
    };
    Ok(Settings {
        name: name.to_owned(),
        address: vault.address.clone(),
        namespace: vault.namespace.clone(),
        ca_pem,
        auth: login(name, &vault.auth)?,
        variable: variable(&vault.auth).map(str::to_owned),
    })
}

fn login(name: &str, auth: &Auth) -> Result<Login, Failure> {
    Ok(match auth {
        Auth::Token { token, wrapped: false } => Login::Token(value(name, token)?),
        Auth::Token { token, wrapped: true } => Login::Wrapped(value(name, token)?),
        Auth::AppRole {
            mount,
            role_id,
            secret_id,
            wrapped,
        } => {
            let (role_id, secret_id) = pair(name, role_id, secret_id)?;
            Login::AppRole {
                mount: mount.clone(),
                role_id,
                secret_id,
                wrapped: *wrapped,
            }
        }
        Auth::Kubernetes { mount, role, token } => Login::Kubernetes {
            mount: mount.clone(),
            role: role.clone(),
            token: match token {
                Some(token) => bearer(name, token)?,
                None => Bearer::File(POD.into()),
            },
        },
        Auth::Jwt { mount, role, token } => Login::Jwt {
            mount: mount.clone(),
            role: role.clone(),
            token: bearer(name, token)?,
        },
        Auth::UserPass {
            mount,
            username,
            password,
        } => Login::UserPass {
            mount: mount.clone(),
            username: username.clone(),
            password: value(name, password)?,
        },
        Auth::Certificate {
            mount,
            name: role,
            certificate,
            key,
        } => Login::Certificate {
            mount: mount.clone(),
            name: role.clone(),
            identity: identity(name, certificate, key)?,
        },
        Auth::Agent => Login::Agent,
    })
}

fn bearer(name: &str, given: &Given) -> Result<Bearer, Failure> {
    Ok(match given {
        Given::Env(variable) => Bearer::Given(value(name, &Plain::Env(variable.clone()))?),
        Given::File(path) => Bearer::File(path.into()),
    })
}

/// Reads a certificate and its private key, one behind the other.
fn identity(name: &str, certificate: &str, key: &str) -> Result<Secret, Failure> {
    let read = |what: &str, path: &str| {
        std::fs::read(path).map(Zeroizing::new).map_err(|error| {
            Failure::new(format!("store {name}: its {what} {path} cannot be read: {error}"))
                .hint(format!("name the PEM file as `{what}`"))
        })
    };
    let (certificate, key) = (read("certificate", certificate)?, read("key", key)?);
    Ok(Secret::new([&certificate[..], &b"\n"[..], &key[..]].concat()))
}

/// Returns the variable that the credential is read from.
fn variable(auth: &Auth) -> Option<&str> {
    let credential = match auth {
        Auth::Token { token, .. } => token,
        Auth::AppRole { secret_id, .. } => secret_id,
        Auth::UserPass { password, .. } => password,
        Auth::Kubernetes { token, .. } => return token.as_ref().and_then(named),
        Auth::Jwt { token, .. } => return named(token),
        Auth::Certificate { .. } | Auth::Agent => return None,
    };
    match credential {
        Plain::Env(variable) => Some(variable),
        Plain::Literal(_) => None,
    }
}

fn named(given: &Given) -> Option<&str> {
    match given {
        Given::Env(variable) => Some(variable),
        Given::File(_) => None,
    }
}
