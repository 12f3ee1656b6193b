//! The places where secrets live.

use super::super::check::store_name;
use super::super::model::{Auth, Aws, Sops, SopsKey, SopsPlace, Store, StoreKind, Vault};
use super::super::tree::Node;
use super::read::{flag, normal, optional, plain, text, texts, url};

/// Builds a store.
pub(super) fn store(node: &Node) -> Option<Store> {
    let kind = if let Some(node) = node.get("vault") {
        StoreKind::Vault(Box::new(vault(node)?))
    } else if let Some(node) = node.get("aws") {
        StoreKind::Aws(Box::new(aws(node)?))
    } else {
        StoreKind::Sops(Box::new(sops(node.get("sops")?)?))
    };
    Some(Store {
        name: store_name(node)?.to_owned(),
        kind,
    })
}

fn vault(node: &Node) -> Option<Vault> {
    Some(Vault {
        address: url(node, "address")?,
        namespace: text(node, "namespace"),
        ca: text(node, "ca"),
        auth: auth(node.get("auth")?)?,
    })
}

fn auth(node: &Node) -> Option<Auth> {
    if let Some(token) = node.get("token") {
        return Some(Auth::Token(plain(token)?));
    }
    let approle = node.get("approle")?;
    Some(Auth::AppRole {
        mount: text(approle, "mount").unwrap_or_else(|| "approle".to_owned()),
        role_id: plain(approle.get("role-id")?)?,
        secret_id: plain(approle.get("secret-id")?)?,
        wrapped: flag(approle, "wrapped"),
    })
}

fn aws(node: &Node) -> Option<Aws> {
    Some(Aws {
        region: text(node, "region")?,
    })
}

fn sops(node: &Node) -> Option<Sops> {
    let place = match text(node, "source") {
        Some(source) => SopsPlace::Source(source),
        None => SopsPlace::Folder(text(node, "folder")?),
    };
    Some(Sops {
        place,
        path: text(node, "path")
            .map(|path| normal(&path))
            .filter(|path| path != ".")
            .unwrap_or_default(),
        age_key: optional(node, "age-key", age_key)?,
        program: text(node, "program").unwrap_or_else(|| "sops".to_owned()),
        gnupg_home: text(node, "gnupg-home"),
        env: texts(node, "env")?,
    })
}

fn age_key(node: &Node) -> Option<SopsKey> {
    if let Some(variable) = text(node, "env") {
        return Some(SopsKey::Env(variable));
    }
    if let Some(file) = text(node, "file") {
        return Some(SopsKey::File(file));
    }
    Some(SopsKey::Store {
        store: text(node, "store")?,
        path: text(node, "path")?,
        key: text(node, "key"),
    })
}
