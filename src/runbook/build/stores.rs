//! The places where secrets live.

use url::Url;

use super::super::check::store_name;
use super::super::model::{
    Auth, Aws, AwsReplica, AwsRole, Env, Exec, Files, Given, Kubernetes, Printed, Sops, SopsKey, SopsPlace, Store,
    StoreKind, Vault,
};
use super::super::tree::Node;
use super::read::{flag, normal, optional, plain, span, text, texts, url};

/// Builds a store.
pub(super) fn store(node: &Node) -> Option<Store> {
    let kind = if let Some(node) = node.get("vault") {
        StoreKind::Vault(Box::new(vault(node)?))
    } else if let Some(node) = node.get("aws") {
        StoreKind::Aws(Box::new(aws(node)?))
    } else if let Some(node) = node.get("files") {
        StoreKind::Files(Files {
            folder: text(node, "folder")?,
        })
    } else if let Some(node) = node.get("env") {
        StoreKind::Env(Env {
            prefix: text(node, "prefix").unwrap_or_default(),
        })
    } else if let Some(node) = node.get("exec") {
        StoreKind::Exec(Box::new(exec(node)?))
    } else if let Some(node) = node.get("kubernetes") {
        StoreKind::Kubernetes(Box::new(kubernetes(node)?))
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
    let mount = |node: &Node, usual: &str| text(node, "mount").unwrap_or_else(|| usual.to_owned());
    if node.text() == Some("agent") {
        return Some(Auth::Agent);
    }
    if let Some(token) = node.get("token") {
        return Some(Auth::Token {
            token: plain(token)?,
            wrapped: flag(node, "wrapped"),
        });
    }
    if let Some(account) = node.get("kubernetes") {
        return Some(Auth::Kubernetes {
            mount: mount(account, "kubernetes"),
            role: text(account, "role")?,
            token: optional(account, "jwt", given)?,
        });
    }
    if let Some(jwt) = node.get("jwt") {
        return Some(Auth::Jwt {
            mount: mount(jwt, "jwt"),
            role: text(jwt, "role"),
            token: given(jwt.get("jwt")?)?,
        });
    }
    if let Some(user) = node.get("userpass") {
        return Some(Auth::UserPass {
            mount: mount(user, "userpass"),
            username: text(user, "username")?,
            password: plain(user.get("password")?)?,
        });
    }
    if let Some(certificate) = node.get("cert") {
        return Some(Auth::Certificate {
            mount: mount(certificate, "cert"),
            name: text(certificate, "name"),
            certificate: text(certificate, "certificate")?,
            key: text(certificate, "key")?,
        });
    }
    let approle = node.get("approle")?;
    Some(Auth::AppRole {
        mount: mount(approle, "approle"),
        role_id: plain(approle.get("role-id")?)?,
        secret_id: plain(approle.get("secret-id")?)?,
        wrapped: flag(approle, "wrapped"),
    })
}

fn given(node: &Node) -> Option<Given> {
    match node.get("file") {
        Some(path) => Some(Given::File(path.text()?.to_owned())),
        None => Some(Given::Env(text(node, "env")?)),
    }
}

fn exec(node: &Node) -> Option<Exec> {
    Some(Exec {
        command: texts(node, "command")?,
        env: texts(node, "env")?,
        timeout: span(node, "timeout")?,
        output: match text(node, "output").as_deref() {
            None | Some("json") => Printed::Json,
            Some("text") => Printed::Text,
            _ => Printed::Bytes,
        },
    })
}

fn kubernetes(node: &Node) -> Option<Kubernetes> {
    Some(Kubernetes {
        context: text(node, "context")?,
        kubeconfig: text(node, "kubeconfig"),
        namespace: text(node, "namespace"),
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
