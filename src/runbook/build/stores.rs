//! The places where secrets live.

use url::Url;

use super::super::check::store_name;
use super::super::model::{Auth, Aws, AwsReplica, AwsRole, Sops, Store, StoreKind, Vault};
use super::super::tree::Node;
use super::read::{flag, optional, plain, text, url};

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
    let replicas = node.list("replicas").iter().map(|replica| {
        Some(AwsReplica {
            region: text(replica, "region")?,
            endpoint: optional_url(replica)?,
        })
    });
    Some(Aws {
        region: text(node, "region")?,
        endpoint: optional_url(node)?,
        replicas: replicas.collect::<Option<_>>()?,
        profile: text(node, "profile"),
        role: optional(node, "role", |role| {
            Some(AwsRole {
                arn: text(role, "arn")?,
                session_name: text(role, "session-name"),
                external_id: text(role, "external-id"),
                endpoint: optional_url(role)?,
            })
        })?,
    })
}

/// Returns the `endpoint` of a mapping; none where there is no such key.
#[expect(clippy::option_option, reason = "what is absent differs from what cannot be built")]
fn optional_url(node: &Node) -> Option<Option<Url>> {
    optional(node, "endpoint", |node| Url::parse(node.text()?).ok())
}

fn sops(node: &Node) -> Option<Sops> {
    Some(Sops {
        source: text(node, "source")?,
    })
}
