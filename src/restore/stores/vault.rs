//! Vault and OpenBao.

use super::plain::value;
use crate::event::Failure;
use crate::redact::Redactor;
use crate::runbook::{Auth, Plain, Vault};
use crate::secrets::Store;
use crate::secrets::vault::{self, Login, Settings};

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
    let auth = match &vault.auth {
        Auth::Token(token) => Login::Token(value(name, token)?),
        Auth::AppRole {
            mount,
            role_id,
            secret_id,
            wrapped,
        } => Login::AppRole {
            mount: mount.clone(),
            role_id: value(name, role_id)?,
            secret_id: value(name, secret_id)?,
            wrapped: *wrapped,
        },
    };
    let (Auth::Token(credential)
    | Auth::AppRole {
        secret_id: credential, ..
    }) = &vault.auth;
    Ok(Settings {
        name: name.to_owned(),
        address: vault.address.clone(),
        namespace: vault.namespace.clone(),
        ca_pem,
        auth,
        variable: match credential {
            Plain::Env(variable) => Some(variable.clone()),
            Plain::Literal(_) => None,
        },
    })
}
