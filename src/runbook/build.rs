//! From a tree in which nothing is wrong to the [`Runbook`].
//!
//! Everything here returns `Option`: a `None` would mean that the checks let something pass which they should not have,
//! and a test makes sure that they do not.

use std::collections::BTreeMap;
use std::time::Duration;

use url::Url;

use super::check::{duration, store_name};
use super::model::{
    Agent, AgentKind, App, Approval, Auth, Check, Cluster, ClusterState, Done, Expect, ExtraAction, ExtraStep, From,
    InSource, Order, Plain, Program, Replaces, Revision, Root, Runbook, SecretShape, SecretSpec, Source, Store,
    StoreKind, Target, Vault,
};
use super::tree::{Entry, Node};

/// Builds the runbook.
pub(super) fn build(root: &Node) -> Option<Runbook> {
    Some(Runbook {
        name: text(root, "name")?,
        target: target(root.get("target"))?,
        sources: table(root, "sources", |entry| source(&entry.value))?,
        stores: root.list("stores").iter().map(store).collect::<Option<_>>()?,
        agent: agent(root.get("agent")?)?,
        secrets: table(root, "secrets", secret)?,
        clusters: table(root, "clusters", |entry| cluster(&entry.value))?,
        roots: root.list("roots").iter().map(entry_point).collect::<Option<_>>()?,
        order: match root.get("order").and_then(Node::text) {
            Some("graph") => Order::Graph,
            _ => Order::Agent,
        },
        steps: root.list("steps").iter().map(step).collect::<Option<_>>()?,
        apps: table(root, "apps", |entry| app(&entry.value))?,
        done: optional(root, "done", done)?.unwrap_or_default(),
    })
}

fn target(node: Option<&Node>) -> Option<Target> {
    let Some(node) = node else {
        return Some(Target {
            context: None,
            expect: Expect::Empty,
            namespaces: Vec::new(),
            never: Vec::new(),
            replaces: None,
            rto: None,
        });
    };
    Some(Target {
        context: text(node, "context"),
        expect: expect(node),
        namespaces: texts(node, "namespaces")?,
        never: texts(node, "never")?,
        replaces: optional(node, "replaces", |node| {
            Some(Replaces {
                server: url(node, "server")?,
            })
        })?,
        rto: span(node, "rto")?,
    })
}

fn expect(node: &Node) -> Expect {
    match node.get("expect").and_then(Node::text) {
        None | Some("empty") => Expect::Empty,
        Some(_) => Expect::Adopt,
    }
}

fn source(node: &Node) -> Option<Source> {
    let revision = text(node, "revision")?;
    Some(Source {
        git: text(node, "git")?,
        revision: Revision::of(&revision),
        is_chosen: false,
        credentials: text(node, "credentials"),
        mirrors: texts(node, "mirrors")?,
    })
}

fn store(node: &Node) -> Option<Store> {
    let kind = if let Some(vault) = node.get("vault") {
        StoreKind::Vault(Box::new(Vault {
            address: url(vault, "address")?,
            namespace: text(vault, "namespace"),
            ca: text(vault, "ca"),
            auth: auth(vault.get("auth")?)?,
        }))
    } else if let Some(aws) = node.get("aws") {
        StoreKind::Aws {
            region: text(aws, "region")?,
        }
    } else {
        StoreKind::Sops {
            source: text(node.get("sops")?, "source")?,
        }
    };
    Some(Store {
        name: store_name(node)?.to_owned(),
        kind,
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

fn plain(node: &Node) -> Option<Plain> {
    match node.get("env") {
        Some(name) => Some(Plain::Env(name.text()?.to_owned())),
        None => Some(Plain::Literal(node.text()?.to_owned())),
    }
}

fn agent(node: &Node) -> Option<Agent> {
    let (kind, install, namespace, release) = match node.get("argocd") {
        Some(install) => (AgentKind::Argocd, install, "argocd", "argocd"),
        None => (AgentKind::Flux, node.get("flux")?, "flux-system", "flux"),
    };
    Some(Agent {
        kind,
        from: in_source(install.get("from")?)?,
        namespace: text(install, "namespace").unwrap_or_else(|| namespace.to_owned()),
        digest: text(install, "digest"),
        values: texts(install, "values")?.iter().map(|path| normal(path)).collect(),
        release: text(install, "release").unwrap_or_else(|| release.to_owned()),
    })
}

fn in_source(node: &Node) -> Option<InSource> {
    Some(InSource {
        source: text(node, "source")?,
        path: normal(node.get("path")?.text()?),
    })
}

fn secret(entry: &Entry) -> Option<SecretSpec> {
    let node = &entry.value;
    Some(SecretSpec {
        shape: shape(node.get("as")?)?,
        from: node
            .get("from")?
            .one_or_many()
            .iter()
            .map(from)
            .collect::<Option<_>>()?,
        set: written(node, "set")?,
        optional: flag(node, "optional"),
        place: (entry.span.line, entry.span.column),
    })
}

fn shape(node: &Node) -> Option<SecretShape> {
    if let Some(kind) = node.text() {
        return Some(SecretShape::Argocd(kind.strip_prefix("argocd/")?.to_owned()));
    }
    Some(SecretShape::Kubernetes {
        namespace: text(node, "namespace")?,
        name: text(node, "name"),
        kind: text(node, "type")?,
        labels: written(node, "labels")?,
        annotations: written(node, "annotations")?,
    })
}

fn from(node: &Node) -> Option<From> {
    let is_field = |key: &str| matches!(key, "version" | "keys");
    let entry = node.entries().iter().find(|entry| !is_field(&entry.key))?;
    Some(From {
        store: entry.key.clone(),
        path: entry.value.text()?.to_owned(),
        version: node.get("version").and_then(Node::whole),
        keys: written(node, "keys")?,
    })
}

fn cluster(node: &Node) -> Option<Cluster> {
    Some(Cluster {
        state: match node.get("state")?.text()? {
            "survives" => ClusterState::Survives,
            "rebuilt" => ClusterState::Rebuilt,
            _ => ClusterState::Absent,
        },
        secret: text(node, "secret"),
        context: text(node, "context"),
        server: optional(node, "server", |node| Url::parse(node.text()?).ok())?,
        expect: expect(node),
        labels: written(node, "labels")?,
        annotations: written(node, "annotations")?,
    })
}

fn entry_point(node: &Node) -> Option<Root> {
    Some(Root {
        id: text(node, "id")?,
        from: in_source(node)?,
    })
}

fn step(node: &Node) -> Option<ExtraStep> {
    let action = if let Some(node) = node.get("check") {
        ExtraAction::Check(check(node)?)
    } else if let Some(node) = node.get("approve") {
        ExtraAction::Approve(Approval {
            prompt: text(node, "prompt")?,
            confirm: text(node, "confirm"),
            timeout: span(node, "timeout")?,
        })
    } else if let Some(node) = node.get("run") {
        ExtraAction::Run(Program {
            command: texts(node, "command")?,
            source: text(node, "source"),
            env: texts(node, "env")?,
            timeout: span(node, "timeout")?,
            repeatable: flag(node, "repeatable"),
            retries: node.get("retries").map_or(Some(0), Node::whole)?,
        })
    } else {
        ExtraAction::Apply(in_source(node.get("apply")?)?)
    };
    Some(ExtraStep {
        id: text(node, "id")?,
        after: text(node, "after"),
        before: text(node, "before"),
        action,
    })
}

fn check(node: &Node) -> Option<Check> {
    if let Some(http) = node.get("http") {
        let status = http.get("status").map_or(Some(200), Node::whole)?;
        return Some(Check::Http {
            url: url(http, "url")?,
            status: u16::try_from(status).ok()?,
        });
    }
    let condition = node.get("condition")?;
    Some(Check::Condition {
        kind: text(condition, "kind")?,
        namespace: text(condition, "namespace").unwrap_or_default(),
        name: text(condition, "name")?,
        is: text(condition, "is")?,
    })
}

fn app(node: &Node) -> Option<App> {
    Some(App {
        allow: texts(node, "allow")?,
        ignore: flag(node, "ignore"),
        rerun_hooks: flag(node, "rerun-hooks"),
        sync: flag(node, "sync"),
        reason: text(node, "reason")?,
    })
}

fn done(node: &Node) -> Option<Done> {
    Some(Done {
        critical: texts(node, "critical")?,
        checks: node.list("checks").iter().map(check).collect::<Option<_>>()?,
    })
}

/// Whether the flag at a key is set.
fn flag(node: &Node, key: &str) -> bool {
    node.get(key).and_then(Node::flag).unwrap_or(false)
}

/// Returns the duration at a key.
#[expect(clippy::option_option, reason = "what is absent differs from what cannot be built")]
fn span(node: &Node, key: &str) -> Option<Option<Duration>> {
    optional(node, key, |node| duration(node.text()?).ok())
}

/// Returns the text at a key.
fn text(node: &Node, key: &str) -> Option<String> {
    node.get(key)?.text().map(str::to_owned)
}

/// Returns the texts of the list at a key; none where there is no such key.
fn texts(node: &Node, key: &str) -> Option<Vec<String>> {
    node.list(key)
        .iter()
        .map(|item| item.text().map(str::to_owned))
        .collect()
}

/// Returns the address at a key.
fn url(node: &Node, key: &str) -> Option<Url> {
    Url::parse(node.get(key)?.text()?).ok()
}

/// Builds what stands behind each key of the mapping at a key.
fn table<T>(node: &Node, key: &str, build: impl Fn(&Entry) -> Option<T>) -> Option<BTreeMap<String, T>> {
    node.table(key)
        .iter()
        .map(|entry| Some((entry.key.clone(), build(entry)?)))
        .collect()
}

/// Returns the mapping at a key with its values as they are written.
fn written(node: &Node, key: &str) -> Option<BTreeMap<String, String>> {
    table(node, key, |entry| entry.value.written().map(str::to_owned))
}

/// Returns a path without `.` parts and without a slash at its end; that of the repository's root is `.`.
fn normal(path: &str) -> String {
    let parts: Vec<_> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.is_empty() {
        ".".to_owned()
    } else {
        parts.join("/")
    }
}

/// Builds what is at a key; `Some(None)` where there is no such key.
#[expect(clippy::option_option, reason = "what is absent differs from what cannot be built")]
fn optional<T>(node: &Node, key: &str, build: impl FnOnce(&Node) -> Option<T>) -> Option<Option<T>> {
    match node.get(key) {
        None => Some(None),
        Some(node) => build(node).map(Some),
    }
}
