//! The runbook, part by part.

use url::Url;

use super::super::check::parts;
use super::super::model::{
    Agent, AgentKind, App, Approval, Check, Cluster, ClusterState, Done, Expect, ExtraAction, ExtraStep, From,
    InSource, Order, Program, Replaces, Revision, Root, Runbook, SecretShape, SecretSpec, Source, Taken, Target,
};
use super::super::table::SEALED_KEYS;
use super::super::tree::{Entry, Node};
use super::read::{flag, normal, optional, span, table, text, texts, url, written};
use super::stores::store;

/// Builds the runbook.
pub(in super::super) fn build(root: &Node) -> Option<Runbook> {
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
    if text(node, "type")? == SEALED_KEYS {
        return Some(SecretShape::SealedKeys {
            namespace: text(node, "namespace")?,
        });
    }
    Some(SecretShape::Kubernetes {
        namespace: text(node, "namespace")?,
        name: text(node, "name"),
        kind: text(node, "type")?,
        labels: written(node, "labels")?,
        annotations: written(node, "annotations")?,
        immutable: flag(node, "immutable"),
    })
}

fn from(node: &Node) -> Option<From> {
    let is_field = |key: &str| matches!(key, "version" | "keys");
    let entry = node.entries().iter().find(|entry| !is_field(&entry.key))?;
    Some(From {
        store: entry.key.clone(),
        path: entry.value.text()?.to_owned(),
        version: node.get("version").and_then(Node::written).map(str::to_owned),
        keys: table(node, "keys", |entry| taken(&entry.value))?,
    })
}

fn taken(node: &Node) -> Option<Taken> {
    if let Some(template) = node.get("template") {
        return Some(Taken::Template(parts(template.text()?)?));
    }
    Some(Taken::Key {
        key: node.text().map(str::to_owned).or_else(|| text(node, "key"))?,
        field: text(node, "field"),
        base64: flag(node, "base64"),
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
